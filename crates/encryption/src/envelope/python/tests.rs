//! What the official SDK wrote, and where it goes wrong.

use std::collections::BTreeMap;

use base64::Engine;
use serde::Deserialize;

use super::*;
use crate::envelope::detect::{Detected, detect};
use crate::keys::{AesProvider, LoadedKey};
use crate::legacy::ctr::{self, CtrStream};
use crate::testing::{data_key, fixture_json, fixture_path, pattern, run, sha256_hex};

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    master: Master,
    headers: BTreeMap<String, String>,
    data_key_hex: String,
    iv_hex: String,
    plaintext_len: usize,
    plaintext_sha256: String,
    ciphertext_sha256: String,
    ciphertext_b64: String,
}

#[derive(Deserialize)]
struct Master {
    aes_key_b64: Option<String>,
    private_key: Option<String>,
    how: String,
    wrap_keystream_offset: Option<u64>,
}

impl Vector {
    fn ring(&self) -> KeyRing {
        let key = match (&self.master.aes_key_b64, &self.master.private_key) {
            (Some(text), _) => LoadedKey::Aes(AesProvider::from_base64(text).unwrap()),
            (_, Some(path)) => LoadedKey::from_bytes(&std::fs::read(fixture_path(path)).unwrap()).unwrap(),
            _ => panic!("{} has no key", self.name),
        };
        KeyRing::from_iter([key.into_provider()])
    }

    fn envelope(&self) -> PythonEnvelope {
        let headers = EnvelopeHeaders::collect(&self.headers).unwrap();
        let Detected::Python(envelope) = detect(&headers) else {
            panic!("{} is not Python's", self.name)
        };
        assert_eq!(envelope.to_headers(), headers, "{}", self.name);
        envelope
    }
}

fn vectors() -> Vec<Vector> {
    let vectors = fixture_json::<Vectors>("python.json").vectors;
    assert_eq!(vectors.len(), 27);
    vectors
}

/// Written by a provider whose key file was missing: the SDK's keystream then runs on from object to object.
fn runs_on(vector: &Vector) -> bool {
    vector.master.wrap_keystream_offset.unwrap_or(0) > 0
}

#[test]
fn every_vector_of_the_sdk_opens() {
    for vector in vectors().iter().filter(|vector| !runs_on(vector)) {
        let name = &vector.name;
        let secrets = run(vector.envelope().open(&vector.ring())).unwrap();
        assert_eq!(
            hex::encode(secrets.data_key.expose()),
            vector.data_key_hex,
            "{name}"
        );
        assert_eq!(hex::encode(secrets.iv), vector.iv_hex, "{name}");
        let expected = match () {
            () if vector.master.how.contains("OAEP") => WrapScheme::PythonRsaOaepSha1,
            () if vector.master.how.contains("PKCS1") => WrapScheme::PythonRsaPkcs1v15,
            () => WrapScheme::PythonAesCtr,
        };
        assert_eq!(secrets.scheme, expected, "{name}");

        let mut body = STANDARD.decode(&vector.ciphertext_b64).unwrap();
        assert_eq!(sha256_hex(&body), vector.ciphertext_sha256, "{name}");
        CtrStream::new(&secrets.data_key, &secrets.iv, 0)
            .unwrap()
            .apply(&mut body);
        assert_eq!(body, pattern(vector.plaintext_len), "{name}");
        assert_eq!(sha256_hex(&body), vector.plaintext_sha256, "{name}");
    }
}

/// The second object of one process that had no key file: nothing in it says so, so it opens as the documented garbage.
/// The keystream 48 bytes on shows that it is this defect of the SDK, and no other.
#[test]
fn the_sdks_second_object_after_a_missing_key_file_opens_as_garbage() {
    let all = vectors();
    let second = all.iter().find(|vector| runs_on(vector)).unwrap();
    let secrets = run(second.envelope().open(&second.ring())).unwrap();
    assert_ne!(hex::encode(secrets.data_key.expose()), second.data_key_hex);

    let PythonEnvelope::Aes { mut wrapped } = second.envelope() else {
        panic!("an AES vector")
    };
    let master = STANDARD
        .decode(second.master.aes_key_b64.as_ref().unwrap())
        .unwrap();
    ctr::apply_wrap_keystream(&master, 48, &mut wrapped).unwrap();
    assert_eq!(hex::encode(&wrapped[..32]), second.data_key_hex);
    assert_eq!(hex::encode(&wrapped[32..]), second.iv_hex);
}

#[test]
fn a_new_envelope_opens_again_for_aes_and_rsa() {
    for vector in [
        &vectors()[0],
        &vectors()[1],
        vectors().iter().find(|v| v.name == "py-rsa2048-path-0").unwrap(),
    ] {
        let ring = vector.ring();
        let (envelope, made) = run(PythonEnvelope::create(&ring)).unwrap();
        let read = PythonEnvelope::from_headers(&envelope.to_headers()).unwrap();
        let opened = run(read.open(&ring)).unwrap();
        assert_eq!(opened.data_key.expose(), made.data_key.expose());
        assert_eq!(
            (opened.iv, opened.scheme, opened.key_id),
            (made.iv, made.scheme, made.key_id)
        );
    }
}

/// Documents the flaw of the SDK's AES wrap: one known data key gives all others.
#[test]
fn the_wrap_keystream_is_the_same_for_every_object() {
    let ring = KeyRing::of(AesProvider::from_bytes(SecretBytes::copy_of(&[1; 32])).unwrap());
    let [
        (PythonEnvelope::Aes { wrapped: a }, ka),
        (PythonEnvelope::Aes { wrapped: b }, kb),
    ] = [0; 2].map(|_| run(PythonEnvelope::create(&ring)).unwrap())
    else {
        panic!("AES keys make AES envelopes")
    };
    let xor = |x: &[u8], y: &[u8]| x.iter().zip(y).map(|(x, y)| x ^ y).collect::<Vec<_>>();
    assert_eq!(
        xor(&a[..32], ka.data_key.expose()),
        xor(&b[..32], kb.data_key.expose())
    );
}

#[test]
fn two_aes_keys_are_ambiguous_and_no_aes_key_is_no_key() {
    let vector = &vectors()[1];
    let other = AesProvider::from_bytes(SecretBytes::copy_of(&[9; 24])).unwrap();
    let mut ring = vector.ring();
    ring.add(LoadedKey::Aes(other).into_provider());
    assert!(
        matches!(run(vector.envelope().open(&ring)), Err(Error::AmbiguousKey { candidates }) if candidates.len() == 2)
    );
    let rsa = vectors()
        .into_iter()
        .find(|vector| vector.name == "py-rsa2048-path-0")
        .unwrap();
    assert!(matches!(
        run(vector.envelope().open(&rsa.ring())),
        Err(Error::NoKey { .. })
    ));
    assert!(matches!(
        run(PythonEnvelope::create(&ring)),
        Err(Error::OneKeyOnly { count: 2 })
    ));
    assert!(matches!(
        run(PythonEnvelope::create(&KeyRing::new())),
        Err(Error::OneKeyOnly { count: 0 })
    ));
}

#[test]
fn the_right_rsa_key_is_found_among_several_and_a_wrong_one_fails() {
    let all = vectors();
    let find = |name: &str| all.iter().find(|vector| vector.name == name).unwrap();
    let (small, large) = (find("py-rsa2048-value-17"), find("py-rsa4096-path-17"));
    let ring: KeyRing = [large.ring(), small.ring()]
        .iter()
        .flat_map(|ring| ring.as_slice().to_vec())
        .collect();
    assert!(run(small.envelope().open(&ring)).is_ok());
    assert!(run(large.envelope().open(&ring)).is_ok());
    assert!(matches!(
        run(small.envelope().open(&large.ring())),
        Err(Error::UnwrapFailed { .. })
    ));
}

#[test]
fn one_oaep_and_one_pkcs1_value_is_corrupt() {
    let all = vectors();
    let find = |name: &str| all.iter().find(|vector| vector.name == name).unwrap();
    let (path, value) = (find("py-rsa2048-path-17"), find("py-rsa2048-value-17"));
    let (PythonEnvelope::Rsa { key, .. }, PythonEnvelope::Rsa { iv, .. }) =
        (path.envelope(), value.envelope())
    else {
        panic!("RSA vectors")
    };
    let mixed = PythonEnvelope::Rsa { key, iv };
    assert!(matches!(
        run(mixed.open(&path.ring())),
        Err(Error::UnwrapFailed { .. })
    ));
}

#[test]
fn lengths_that_fit_no_provider_are_malformed() {
    for (key, iv) in [(32, 15), (31, 16), (256, 128), (40, 24), (0, 0), (2048, 2048)] {
        let headers = EnvelopeHeaders::of([
            (Field::Key, STANDARD.encode(vec![0; key])),
            (Field::Iv, STANDARD.encode(vec![0; iv])),
        ]);
        assert!(PythonEnvelope::from_headers(&headers).is_err(), "{key} and {iv}");
    }
}

#[test]
fn ranges_of_the_body_decrypt_at_any_offset() {
    let all = vectors();
    let vector = all
        .iter()
        .find(|vector| vector.name == "py-aes256-multipart")
        .unwrap();
    let body = STANDARD.decode(&vector.ciphertext_b64).unwrap();
    let key = data_key(&hex::decode(&vector.data_key_hex).unwrap());
    let iv: [u8; 16] = hex::decode(&vector.iv_hex).unwrap().try_into().unwrap();
    let plain = pattern(vector.plaintext_len);
    for start in [0, 1, 15, 16, 17, 1000, 4095] {
        let mut tail = body[start..].to_vec();
        CtrStream::new(&key, &iv, start as u64).unwrap().apply(&mut tail);
        assert_eq!(tail, plain[start..], "{start}");
    }
}
