//! The envelope's vectors, and what must not open.

mod hostile;
mod rewrap;

use super::*;
use crate::ErrorKind;
use crate::envelope::budget;
use crate::envelope::detect::{Readable, detect};
use crate::envelope::headers::Field;
use crate::keys::{AesProvider, BoxFuture, KeyProvider, LoadedKey};
use crate::policy::ReadPolicy;
use crate::seal::{Opener, ReadRange, Sealer};
use crate::secret::SecretBytes;
use crate::testing::{
    SealedVector, SealedVectors, data_key, fixture_json, fixture_key, pattern, run, sha256_hex,
};

const LOCATION: Location<'static> = Location {
    bucket: "examplebucket-1250000000",
    key: "dir/name",
};

fn aes(seed: u8) -> AesProvider {
    AesProvider::from_bytes(SecretBytes::copy_of(&[seed; 32])).unwrap()
}

fn ring_of_vectors(vectors: &SealedVectors, name: &str) -> KeyRing {
    let text = &vectors.keys[name];
    let key = match text.strip_prefix("keys/") {
        Some(file) => fixture_key(file),
        None => LoadedKey::from_bytes(text.as_bytes()).unwrap(),
    };
    assert_eq!(key.key_id().to_string(), vectors.key_ids[name]);
    KeyRing::from_iter([key.into_provider()])
}

fn key(data_key: &DataKey, salt: Salt) -> SealingKey {
    SealingKey::from_parts(crate::testing::data_key(data_key.expose()), salt)
}

/// A three-chunk object of our own: its envelope and body.
fn three_chunks(binding: Binding) -> (SealedEnvelope, Vec<u8>) {
    let (dek, salt) = (data_key(&[3; 32]), Salt::from_bytes([4; 24]));
    let key = SealingKey::from_parts(dek, salt);
    let ring = KeyRing::of(aes(1));
    let envelope = run(SealedEnvelope::seal(&key, &ring, binding, LOCATION)).unwrap();
    let mut body = Vec::new();
    let mut sealer = Sealer::new(key);
    sealer.push(&pattern(40_000), &mut body).unwrap();
    sealer.finish(&mut body).unwrap();
    (envelope, body)
}

fn open(
    headers: &EnvelopeHeaders,
    ring: &KeyRing,
    location: Location<'_>,
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    let Readable::Sealed(envelope) = detect(headers).into_readable(ReadPolicy::AllowUnauthenticated)? else {
        return Err(Error::NotEncrypted);
    };
    let opened = run(envelope.open(ring, location, body.len() as u64))?;
    let mut plain = Vec::new();
    let mut opener = Opener::new(opened.content_key, opened.layout.cover(ReadRange::Full)?);
    opener.push(body, &mut plain)?;
    opener.finish()?;
    Ok(plain)
}

mod vectors {
    use super::*;

    #[test]
    fn every_sealed_vector_opens_for_every_recipient_and_encodes_to_itself() {
        let vectors: SealedVectors = fixture_json("sealed.json");
        assert_eq!(vectors.vectors.len(), 21);
        for vector in &vectors.vectors {
            check(&vectors, vector);
        }
    }

    fn check(vectors: &SealedVectors, vector: &SealedVector) {
        let name = &vector.name;
        let headers = EnvelopeHeaders::collect(&vector.headers).unwrap();
        let envelope = SealedEnvelope::from_headers(&headers).unwrap();
        assert_eq!(envelope.to_headers(), headers, "{name}");
        assert_eq!(envelope.binding().name(), vector.bind, "{name}");

        let dek = data_key(&hex::decode(&vector.dek_hex).unwrap());
        let salt = Salt::from_bytes(hex::decode(&vector.salt_hex).unwrap().try_into().unwrap());
        let plain = pattern(vector.plaintext_len);
        assert_eq!(sha256_hex(&plain), vector.plaintext_sha256, "{name}");
        let mut body = Vec::new();
        let mut sealer = Sealer::new(key(&dek, salt));
        sealer.push(&plain, &mut body).unwrap();
        sealer.finish(&mut body).unwrap();
        assert_eq!(body.len() as u64, vector.ciphertext_len, "{name}");
        assert_eq!(sha256_hex(&body), vector.ciphertext_sha256, "{name}");
        if let Some(stored) = &vector.ciphertext_b64 {
            use base64::Engine;
            assert_eq!(
                &base64::engine::general_purpose::STANDARD.encode(&body),
                stored,
                "{name}"
            );
        }

        let location = Location {
            bucket: &vector.bucket,
            key: &vector.object_key,
        };
        for recipient in &vector.recipients {
            let ring = ring_of_vectors(vectors, recipient);
            let opened = run(envelope.open(&ring, location, vector.ciphertext_len)).unwrap();
            assert_eq!(opened.data_key.expose(), dek.expose(), "{name} for {recipient}");
            assert!(
                open(&headers, &ring, location, &body).unwrap() == plain,
                "{name} for {recipient}"
            );
        }
        // Key wrap is deterministic: an envelope for AES keys alone comes out the same.
        if vector
            .recipients
            .iter()
            .all(|recipient| recipient.starts_with("aes"))
        {
            let keys: KeyRing = vector
                .recipients
                .iter()
                .flat_map(|name| ring_of_vectors(vectors, name).as_slice().to_vec())
                .collect();
            let key = key(&dek, salt);
            let again = SealedEnvelope::seal(&key, &keys, envelope.binding(), location);
            assert_eq!(run(again).unwrap().to_headers(), headers, "{name}");
        }
    }

    #[test]
    fn an_envelope_for_aes_and_rsa_opens_with_either() {
        let ring: KeyRing = [LoadedKey::Aes(aes(1)), fixture_key("rsa2048_pub.pem")]
            .map(LoadedKey::into_provider)
            .into_iter()
            .collect();
        let (dek, salt) = (DataKey::generate().unwrap(), Salt::generate().unwrap());
        let envelope = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            LOCATION,
        ))
        .unwrap();
        for ring in [
            KeyRing::of(aes(1)),
            KeyRing::from_iter([fixture_key("rsa2048_pkcs8.pem").into_provider()]),
        ] {
            let opened = run(envelope.open(&ring, LOCATION, 16)).unwrap();
            assert_eq!(opened.data_key.expose(), dek.expose());
            assert_eq!(opened.key_id, ring.key_ids()[0]);
        }
    }

    #[test]
    fn header_sizes_are_those_of_the_specification() {
        let size = |wrapped: &[usize]| {
            let recipients = wrapped.iter().map(|len| Recipient {
                scheme: if *len == 40 {
                    WrapScheme::A256Kw
                } else {
                    WrapScheme::RsaOaepSha256
                },
                key_id: aes(1).key_id(),
                wrapped: vec![0; *len],
            });
            let (envelope, _) = three_chunks(Binding::Key);
            SealedEnvelope {
                recipients: recipients.collect(),
                ..envelope
            }
            .to_headers()
            .len_on_wire()
        };
        assert_eq!(
            [
                size(&[40]),
                size(&[256]),
                size(&[384]),
                size(&[512]),
                size(&[40, 512]),
                size(&[512, 512])
            ],
            [513, 807, 975, 1147, 1230, 1864]
        );
    }

    #[test]
    fn the_budget_error_has_the_figures() {
        let headers = three_chunks(Binding::Key).0.to_headers();
        let error = budget::check(&headers, [("note", "x".repeat(1600))]).unwrap_err();
        assert_eq!((error.envelope, error.user), (513, 1615));
        assert!(budget::check(&headers, [("note", "x".repeat(1520))]).is_ok());
    }
}

mod refusals {
    use super::*;

    #[test]
    fn every_single_bit_flip_of_every_header_value_is_refused() {
        let (envelope, body) = three_chunks(Binding::Key);
        let headers: Vec<_> = envelope
            .to_headers()
            .wire()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        let ring = KeyRing::of(aes(1));
        let mut flips = 0;
        for (position, (name, value)) in headers.iter().enumerate() {
            for bit in 0..value.len() * 8 {
                let mut flipped = value.clone().into_bytes();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let mut changed = headers.clone();
                changed[position].1 = String::from_utf8_lossy(&flipped).into_owned();
                let opened = EnvelopeHeaders::collect(changed)
                    .and_then(|headers| open(&headers, &ring, LOCATION, &body));
                assert!(opened.is_err(), "bit {bit} of {name}");
                flips += 1;
            }
        }
        assert!(flips > 2000, "{flips}");
    }

    #[test]
    fn changed_bits_of_an_rsa_wrap_are_refused() {
        let ring = KeyRing::from_iter([fixture_key("rsa2048_pkcs8.pem").into_provider()]);
        let (dek, salt) = (data_key(&[3; 32]), Salt::from_bytes([4; 24]));
        let envelope = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            LOCATION,
        ))
        .unwrap();
        for bit in (0..2048).step_by(61) {
            let mut changed = envelope.clone();
            changed.recipients[0].wrapped[bit / 8] ^= 1 << (bit % 8);
            assert!(run(changed.open(&ring, LOCATION, 16)).is_err(), "{bit}");
        }
        // Another wrap of the same data key opens, and the MAC still refuses it.
        let again = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            LOCATION,
        ))
        .unwrap();
        let spliced = SealedEnvelope {
            recipients: again.recipients,
            ..envelope
        };
        assert!(matches!(
            run(spliced.open(&ring, LOCATION, 16)),
            Err(Error::EnvelopeTampered { .. })
        ));
    }

    #[test]
    fn every_missing_header_is_refused() {
        let (envelope, body) = three_chunks(Binding::Key);
        let headers = envelope.to_headers();
        for (left_out, _) in headers.iter() {
            let rest =
                EnvelopeHeaders::collect(headers.iter().filter(|(name, _)| *name != left_out)).unwrap();
            let error = open(&rest, &KeyRing::of(aes(1)), LOCATION, &body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Format, "without {left_out}: {error}");
        }
        let stripped = open(&EnvelopeHeaders::default(), &KeyRing::of(aes(1)), LOCATION, &body);
        assert!(matches!(stripped, Err(Error::NotEncrypted)));
    }

    #[test]
    fn renaming_needs_a_new_envelope_unless_bound_to_nothing() {
        let renamed = Location {
            key: "dir/other",
            ..LOCATION
        };
        let moved = Location {
            bucket: "otherbucket-1250000000",
            ..LOCATION
        };
        let opens = |binding, location| {
            let (envelope, body) = three_chunks(binding);
            open(&envelope.to_headers(), &KeyRing::of(aes(1)), location, &body)
        };
        assert!(opens(Binding::None, renamed).is_ok());
        assert!(opens(Binding::Key, moved).is_ok());
        for (binding, location) in [
            (Binding::Key, renamed),
            (Binding::BucketAndKey, renamed),
            (Binding::BucketAndKey, moved),
        ] {
            let error = opens(binding, location).unwrap_err();
            assert!(
                matches!(error, Error::EnvelopeTampered { binding: named } if named == binding),
                "{error}"
            );
        }
    }

    #[test]
    fn swapped_objects_are_refused_by_body_and_by_envelope() {
        let (envelope, body) = three_chunks(Binding::Key);
        let (dek, salt) = (data_key(&[5; 32]), Salt::from_bytes([6; 24]));
        let other_location = Location {
            key: "dir/other",
            ..LOCATION
        };
        let ring = KeyRing::of(aes(1));
        let other = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            other_location,
        ))
        .unwrap();
        // The whole object under the other's name, then this body under the other's envelope.
        assert!(matches!(
            open(&envelope.to_headers(), &ring, other_location, &body),
            Err(Error::EnvelopeTampered { .. })
        ));
        assert!(matches!(
            open(&other.to_headers(), &ring, other_location, &body),
            Err(Error::ContentTampered {
                start: 0,
                end: 16_384
            })
        ));
    }

    #[test]
    fn a_rewrapped_envelope_opens_the_same_body_and_the_old_key_no_longer_does() {
        let (envelope, body) = three_chunks(Binding::Key);
        let opened = run(envelope.open(&KeyRing::of(aes(1)), LOCATION, body.len() as u64)).unwrap();
        let new_ring = KeyRing::of(aes(2));
        let rewrapped = opened.rewrap(|_| false, &new_ring, Binding::Key, LOCATION);
        let headers = run(rewrapped).unwrap().to_headers();
        assert_eq!(
            open(&headers, &new_ring, LOCATION, &body).unwrap(),
            pattern(40_000)
        );
        let error = open(&headers, &KeyRing::of(aes(1)), LOCATION, &body).unwrap_err();
        let (wanted, held) = (aes(2).key_id(), aes(1).key_id());
        assert_eq!(
            error.to_string(),
            format!("no key for this object: it needs {wanted}, and the keys given are {held}")
        );
    }

    #[test]
    fn what_a_provider_wraps_is_checked_before_it_is_written() {
        #[derive(Debug)]
        struct Faulty(usize);
        impl KeyProvider for Faulty {
            fn key_id(&self) -> KeyId {
                aes(1).key_id()
            }
            fn can_wrap(&self, scheme: WrapScheme) -> bool {
                scheme == WrapScheme::A256Kw
            }
            fn can_unwrap(&self, _: WrapScheme) -> bool {
                false
            }
            fn wrap<'a>(&'a self, _: WrapScheme, _: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
                Box::pin(async { Ok(vec![0; self.0]) })
            }
            fn unwrap<'a>(&'a self, _: Wrapped<'a>) -> BoxFuture<'a, Result<SecretBytes, Error>> {
                Box::pin(async { Err(Error::Random) })
            }
        }
        let seal = |ring| {
            let key = SealingKey::generate().unwrap();
            run(SealedEnvelope::seal(&key, &ring, Binding::Key, LOCATION))
        };
        assert!(seal(KeyRing::of(Faulty(40))).is_ok());
        for len in [0, 39, 48] {
            let error = seal(KeyRing::of(Faulty(len))).unwrap_err();
            assert!(
                matches!(&error, Error::KeyUnsuitable { reason, .. } if reason.contains(&format!("{len} bytes"))),
                "{error}"
            );
        }
        let rsa = ["rsa4096_pub.pem", "rsa2048_pub.pem"].map(fixture_key);
        let ring = rsa
            .into_iter()
            .chain((0..12).map(|seed| LoadedKey::Aes(aes(seed))))
            .map(LoadedKey::into_provider)
            .collect();
        assert!(matches!(seal(ring), Err(Error::MetadataTooLarge(_))));
    }

    #[test]
    fn the_right_key_with_a_damaged_wrap_is_tampering_and_not_a_wrong_key() {
        let (mut envelope, body) = three_chunks(Binding::Key);
        envelope.recipients[0].wrapped[20] ^= 1;
        let error = open(&envelope.to_headers(), &KeyRing::of(aes(1)), LOCATION, &body).unwrap_err();
        assert!(
            matches!(error, Error::WrappedKeyTampered { key_id } if key_id == aes(1).key_id()),
            "{error}"
        );
    }

    #[test]
    fn a_commitment_to_another_key_is_refused_even_under_a_valid_mac() {
        let (mut envelope, body) = three_chunks(Binding::Key);
        envelope.commitment = Commitment::from_bytes([0; 32]);
        envelope.mac = envelope
            .compute_mac(&data_key(&[3; 32]), LOCATION)
            .unwrap()
            .finalize()
            .into_bytes()
            .into();
        let error = open(&envelope.to_headers(), &KeyRing::of(aes(1)), LOCATION, &body).unwrap_err();
        assert!(matches!(error, Error::CommitmentMismatch), "{error}");
    }

    #[test]
    fn a_body_of_illegal_length_is_refused_before_any_chunk() {
        let (envelope, body) = three_chunks(Binding::Key);
        let opened = run(envelope.open(&KeyRing::of(aes(1)), LOCATION, 2 * 16_400));
        assert!(matches!(opened, Err(Error::IllegalLength { length: 32_800 })));
        assert!(run(envelope.open(&KeyRing::of(aes(1)), LOCATION, body.len() as u64)).is_ok());
    }

    #[test]
    fn a_public_key_alone_says_that_it_cannot_decrypt() {
        let ring = KeyRing::from_iter([fixture_key("rsa2048_pub.pem").into_provider()]);
        let (dek, salt) = (data_key(&[3; 32]), Salt::from_bytes([4; 24]));
        let envelope = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            LOCATION,
        ))
        .unwrap();
        assert!(matches!(
            run(envelope.open(&ring, LOCATION, 16)),
            Err(Error::PublicKeyOnly { .. })
        ));
    }

    #[test]
    fn short_aes_keys_are_unsuitable_and_no_key_is_an_error() {
        let short = AesProvider::from_bytes(SecretBytes::copy_of(&[1; 16])).unwrap();
        let seal = |ring: &KeyRing| {
            run(SealedEnvelope::seal(
                &SealingKey::generate().unwrap(),
                ring,
                Binding::Key,
                LOCATION,
            ))
        };
        assert!(matches!(
            seal(&KeyRing::of(short)),
            Err(Error::KeyUnsuitable { .. })
        ));
        assert!(matches!(
            seal(&KeyRing::new()),
            Err(Error::RecipientCount { count: 0 })
        ));
        let many: KeyRing = (0..17)
            .map(|seed| LoadedKey::Aes(aes(seed)).into_provider())
            .collect();
        assert!(matches!(seal(&many), Err(Error::RecipientCount { count: 17 })));
    }
}

mod relabelling {
    use super::*;
    use crate::envelope::PythonEnvelope;
    use crate::legacy::ctr::CtrStream;

    fn with(headers: &EnvelopeHeaders, changes: &[(Field, Option<&str>)]) -> EnvelopeHeaders {
        let mut all: Vec<(String, String)> = headers
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        for (field, value) in changes {
            all.retain(|(name, _)| name != field.name());
            all.extend(value.map(|value| (field.name().to_owned(), value.to_owned())));
        }
        EnvelopeHeaders::collect(all).unwrap()
    }

    #[test]
    fn a_sealed_object_relabelled_as_ctr_never_opens() {
        let (envelope, body) = three_chunks(Binding::Key);
        let headers = envelope.to_headers();
        let relabels: [&[(Field, Option<&str>)]; 4] = [
            &[(Field::CekAlg, Some("AES/CTR/NoPadding"))],
            &[(Field::CekAlg, Some("AES/GCM/NoPadding"))],
            &[(Field::CekAlg, Some("AES/CTR/NoPadding")), (Field::Mac, None)],
            &[
                (Field::CekAlg, Some("AES/CTR/NoPadding")),
                (Field::Mac, None),
                (Field::WrapAlg, Some("AESWrap")),
            ],
        ];
        for changes in relabels {
            let opened = open(&with(&headers, changes), &KeyRing::of(aes(1)), LOCATION, &body);
            assert_eq!(opened.unwrap_err().kind(), ErrorKind::Format, "{changes:?}");
        }
    }

    #[test]
    fn a_sealed_data_key_in_python_headers_gives_another_key() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let (envelope, body) = three_chunks(Binding::Key);
        let wrapped = &envelope.recipients[0].wrapped;
        let python = EnvelopeHeaders::of([
            (Field::Key, STANDARD.encode(&wrapped[..32])),
            (Field::Iv, STANDARD.encode([0; 16])),
        ]);
        let secrets = run(PythonEnvelope::from_headers(&python)
            .unwrap()
            .open(&KeyRing::of(aes(1))))
        .unwrap();
        assert_ne!(secrets.data_key.expose(), [3; 32]);
        // Not even the data key itself is a content key.
        let mut read = body.clone();
        CtrStream::new(&data_key(&[3; 32]), &[0; 16], 0)
            .unwrap()
            .apply(&mut read);
        assert!(
            read.windows(16)
                .zip(pattern(40_000).windows(16))
                .all(|(a, b)| a != b)
        );
    }

    #[test]
    fn a_sealed_rsa_wrap_does_not_open_as_python_rsa() {
        let ring = KeyRing::from_iter([fixture_key("rsa2048_pkcs8.pem").into_provider()]);
        let (dek, salt) = (data_key(&[3; 32]), Salt::from_bytes([4; 24]));
        let envelope = run(SealedEnvelope::seal(
            &key(&dek, salt),
            &ring,
            Binding::Key,
            LOCATION,
        ))
        .unwrap();
        let provider = ring.providers().next().unwrap();
        let iv = run(provider.wrap(WrapScheme::PythonRsaOaepSha1, &[0; 16])).unwrap();
        let python = PythonEnvelope::Rsa {
            key: envelope.recipients[0].wrapped.clone(),
            iv,
        };
        assert!(matches!(run(python.open(&ring)), Err(Error::UnwrapFailed { .. })));
    }
}
