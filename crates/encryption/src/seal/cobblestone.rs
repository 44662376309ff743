//! Cobblestone-256: AES-256-GCM chunks under keys derived with HKDF-SHA-512 (docs/format.md §1, §2).
//!
//! Stateless: a chunk is sealed and opened from the key and its index alone. Who counts sits on top, in
//! [`writer`](super::writer) and [`reader`](super::reader).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::layout::{CHUNK_LEN, ChunkIndex, TAG_LEN};
use crate::Error;
use crate::secret::{DATA_KEY_LEN, DataKey, SecretBytes, fill_random};

/// The registered name of the body format; the value of the `cek-alg` header.
pub const ALGORITHM: &str = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";
/// What separates this project's content keys from other uses of the body format.
pub const CONTEXT: &[u8] = b"coscrypt/v1";
/// Length of the salt in bytes.
pub const SALT_LEN: usize = 24;
/// Length of the key commitment in bytes.
pub const COMMITMENT_LEN: usize = 32;

const KEY_LEN: usize = 32;
const MAC_KEY_INFO: &[u8] = b"coscrypt/v1 envelope mac";

/// The salt of one object: 24 random bytes, fresh for every object written. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; SALT_LEN]);

impl Salt {
    /// A new salt from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = [0; SALT_LEN];
        fill_random(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A salt read from an envelope.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SALT_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; SALT_LEN] {
        &self.0
    }
}

/// The key commitment of one object: it can be opened with one data key only. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; COMMITMENT_LEN]);

impl Commitment {
    /// A commitment read from an envelope.
    #[must_use]
    pub fn from_bytes(bytes: [u8; COMMITMENT_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; COMMITMENT_LEN] {
        &self.0
    }
}

/// A chunk's tag did not match. Nothing of the chunk was released and its buffer is wiped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk failed authentication")]
pub struct ChunkForged;

/// What seals the chunks of one new object: its data key and salt, which are fresh, and what is derived from them.
///
/// The nonce of a chunk follows from its index, so that sealing two plaintexts at one index under one data key would
/// destroy both (docs/format.md §6). Hence a sealing key is made fresh for each object, and nothing that was read can
/// become one: an object is opened with an [`OpeningKey`]. **Never seal two different plaintexts at the same index.**
pub struct SealingKey {
    data_key: DataKey,
    salt: Salt,
    cipher: ChunkCipher,
}

impl SealingKey {
    /// The key of a new object, from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system gives no random bytes; [`Error::Crypto`] when the cryptographic library
    /// fails.
    pub fn generate() -> Result<Self, Error> {
        Self::of(DataKey::generate()?, Salt::generate()?)
    }

    fn of(data_key: DataKey, salt: Salt) -> Result<Self, Error> {
        let cipher = ChunkCipher::derive(&data_key, &salt, CONTEXT)?;
        Ok(Self {
            data_key,
            salt,
            cipher,
        })
    }

    #[cfg(test)]
    pub(crate) fn from_parts(data_key: DataKey, salt: Salt) -> Self {
        Self::of(data_key, salt).unwrap()
    }

    /// What is wrapped for the object's recipients.
    pub(crate) fn data_key(&self) -> &DataKey {
        &self.data_key
    }

    /// The object's salt, public.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// What the envelope must state about this key.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        &self.cipher.commitment
    }

    /// Encrypts one chunk in place and returns its tag.
    ///
    /// # Errors
    /// [`Error::Crypto`] when `chunk` is longer than [`CHUNK_LEN`] or the cryptographic library fails.
    pub fn seal_chunk(&self, index: ChunkIndex, chunk: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        self.cipher.seal(index, chunk)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(redacted)")
    }
}

/// What opens the chunks of one object, and seals nothing. Never leaves memory; derived anew from the data key and the salt
/// for each read.
pub struct OpeningKey(ChunkCipher);

impl OpeningKey {
    /// The key of an object in the sealed format.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the cryptographic library fails.
    pub fn derive(data_key: &DataKey, salt: &Salt) -> Result<Self, Error> {
        Self::derive_with_context(data_key, salt, CONTEXT)
    }

    /// The key of any Cobblestone-256 message, whatever its application context.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the cryptographic library fails.
    pub fn derive_with_context(data_key: &DataKey, salt: &Salt, context: &[u8]) -> Result<Self, Error> {
        ChunkCipher::derive(data_key, salt, context).map(Self)
    }

    #[cfg(test)]
    pub(crate) fn from_raw(key: &[u8], base_nonce: [u8; NONCE_LEN]) -> Self {
        Self(ChunkCipher::from_parts(key, base_nonce).unwrap())
    }

    /// Whether the envelope's commitment is to this key; compared in constant time. To be asked before any chunk is opened.
    #[must_use]
    pub fn commits_to(&self, stated: &Commitment) -> bool {
        self.0.commitment.0.ct_eq(&stated.0).into()
    }

    /// Checks and decrypts one chunk in place: ciphertext and tag in, plaintext out.
    ///
    /// # Errors
    /// [`ChunkForged`] when the tag does not match; the buffer then holds zeros.
    pub fn open_chunk<'a>(
        &self,
        index: ChunkIndex,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], ChunkForged> {
        self.0.open(index, sealed)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(redacted)")
    }
}

/// AES-256-GCM over numbered chunks, in both directions.
struct ChunkCipher {
    aead: LessSafeKey,
    base_nonce: [u8; NONCE_LEN],
    commitment: Commitment,
}

impl ChunkCipher {
    fn derive(data_key: &DataKey, salt: &Salt, context: &[u8]) -> Result<Self, Error> {
        let info = [ALGORITHM.as_bytes(), &[0], salt.as_bytes(), context];
        let derived = hkdf_expand_sha512(data_key, &info, KEY_LEN + NONCE_LEN + COMMITMENT_LEN)?;
        let (key, rest) = derived.expose().split_at(KEY_LEN);
        let (nonce, commitment) = rest.split_at(NONCE_LEN);
        let mut base_nonce = [0; NONCE_LEN];
        base_nonce.copy_from_slice(nonce);
        let mut cipher = Self::from_parts(key, base_nonce)?;
        cipher.commitment.0.copy_from_slice(commitment);
        Ok(cipher)
    }

    /// A key with an empty commitment, straight from its parts: for published vectors of the chunk layer.
    fn from_parts(key: &[u8], base_nonce: [u8; NONCE_LEN]) -> Result<Self, Error> {
        let key =
            UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Crypto("AES-256-GCM refused its key"))?;
        Ok(Self {
            aead: LessSafeKey::new(key),
            base_nonce,
            commitment: Commitment([0; COMMITMENT_LEN]),
        })
    }

    fn seal(&self, index: ChunkIndex, chunk: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        if chunk.len() > CHUNK_LEN {
            return Err(Error::Crypto("a chunk is longer than 16384 bytes"));
        }
        let tag = self
            .aead
            .seal_in_place_separate_tag(self.nonce(index), Aad::empty(), chunk)
            .map_err(|_| Error::Crypto("AES-256-GCM could not encrypt"))?;
        let mut bytes = [0; TAG_LEN];
        bytes.copy_from_slice(tag.as_ref());
        Ok(bytes)
    }

    fn open<'a>(&self, index: ChunkIndex, sealed: &'a mut [u8]) -> Result<&'a mut [u8], ChunkForged> {
        let is_genuine = sealed.len().checked_sub(TAG_LEN).is_some_and(|plain_len| {
            let (chunk, tag) = sealed.split_at_mut(plain_len);
            self.aead
                .open_in_place_separate_tag(self.nonce(index), Aad::empty(), tag, chunk)
                .is_ok()
        });
        if !is_genuine {
            sealed.zeroize();
            return Err(ChunkForged);
        }
        let plain_len = sealed.len() - TAG_LEN;
        Ok(&mut sealed[..plain_len])
    }

    fn nonce(&self, index: ChunkIndex) -> Nonce {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce
            .iter_mut()
            .skip(NONCE_LEN - 8)
            .zip(index.get().to_be_bytes())
        {
            *byte ^= counter;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Drop for ChunkCipher {
    fn drop(&mut self) {
        self.base_nonce.zeroize();
    }
}

/// The key of the envelope's MAC (docs/format.md §2).
pub(crate) fn envelope_mac_key(data_key: &DataKey) -> Result<SecretBytes, Error> {
    hkdf_expand_sha512(data_key, &[MAC_KEY_INFO], DATA_KEY_LEN)
}

/// HKDF-Expand of RFC 5869 with SHA-512. Written over HMAC because the `hkdf` crate refuses a PRK that is shorter than the
/// hash, and the body format uses the 32-byte key as it is.
fn hkdf_expand_sha512(prk: &DataKey, info: &[&[u8]], len: usize) -> Result<SecretBytes, Error> {
    let mut okm = SecretBytes::zeroed(len);
    let mut previous = SecretBytes::zeroed(0);
    for (counter, block) in (1_u8..=255).zip(okm.expose_mut().chunks_mut(64)) {
        let mut mac = Hmac::<Sha512>::new_from_slice(prk.expose())
            .map_err(|_| Error::Crypto("HMAC refused its key"))?;
        mac.update(previous.expose());
        info.iter().for_each(|part| mac.update(part));
        mac.update(&[counter]);
        let mut output = mac.finalize().into_bytes();
        block.copy_from_slice(&output[..block.len()]);
        previous = SecretBytes::copy_of(&output);
        output.zeroize();
    }
    Ok(okm)
}
