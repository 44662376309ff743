//! What the unit tests share: fixtures, the vectors' plaintext pattern, a way to run ready futures.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sha2::{Digest, Sha256};

use crate::keys::LoadedKey;
use crate::secret::{DataKey, SecretBytes};

/// Runs a future of this crate's own providers: they are ready at once.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a local key provider is never pending"),
    }
}

/// Byte i = (i*7 + floor(i/251)) & 0xff: the plaintext of every fixture.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| u8::try_from((i * 7 + i / 251) & 0xff).unwrap())
        .collect()
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn fixture_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

pub(crate) fn fixture_json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(fixture_path(name)).unwrap()).unwrap()
}

pub(crate) fn fixture_key(name: &str) -> LoadedKey {
    LoadedKey::from_bytes(&std::fs::read(fixture_path("keys").join(name)).unwrap()).unwrap()
}

pub(crate) fn data_key(bytes: &[u8]) -> DataKey {
    DataKey::from_secret(SecretBytes::copy_of(bytes)).unwrap()
}

/// One vector of `fixtures/sealed.json`.
#[derive(serde::Deserialize)]
pub(crate) struct SealedVector {
    pub(crate) name: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) bucket: String,
    pub(crate) object_key: String,
    pub(crate) dek_hex: String,
    pub(crate) salt_hex: String,
    pub(crate) bind: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) plaintext_len: usize,
    pub(crate) plaintext_sha256: String,
    pub(crate) ciphertext_len: u64,
    pub(crate) ciphertext_sha256: String,
    #[serde(default)]
    pub(crate) ciphertext_b64: Option<String>,
}

#[derive(serde::Deserialize)]
pub(crate) struct SealedVectors {
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) key_ids: BTreeMap<String, String>,
    pub(crate) vectors: Vec<SealedVector>,
}
