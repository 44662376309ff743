//! The decision table, with what the SDKs themselves wrote.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::envelope::Description;
use crate::testing::fixture_json;

fn detect_map<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Detected {
    detect(&EnvelopeHeaders::collect(headers).unwrap())
}

#[test]
fn what_go_and_java_store_is_kept_for_a_reader() {
    let json: serde_json::Value = fixture_json("java.json");
    let mut gcm_tags = 0;
    for vector in json["vectors"].as_array().unwrap() {
        let Some(headers) = vector["headers"].as_object() else {
            continue;
        };
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let collected = EnvelopeHeaders::collect(headers).unwrap();
        let (matdesc, claims, content, key) = match detect(&collected) {
            Detected::GoJava(sdk) => (sdk.matdesc, sdk.claims, sdk.content, sdk.wrapped_key),
            Detected::JavaOld(sdk) => (sdk.matdesc, sdk.claims, sdk.content, sdk.wrapped_key),
            _ => continue,
        };
        let stored = |fields: [Field; 2]| fields.into_iter().find_map(|field| collected.get(field));
        assert_eq!(matdesc.as_deref(), stored([Field::Matdesc, Field::OldMatdesc]));
        let key_fields = [Field::OldKeyV2, Field::OldKey, Field::Key];
        assert!(
            key_fields
                .into_iter()
                .any(|f| collected.get(f) == Some(&STANDARD.encode(&key)))
        );
        let len = stored([Field::UnencryptedLength, Field::OldUnencryptedLength]);
        assert_eq!(claims.plain_len.map(|len| len.to_string()).as_deref(), len);
        gcm_tags += usize::from(content == SdkContent::Gcm && claims.tag_bits == Some(128));
    }
    assert!(gcm_tags > 0);
}

fn b64(len: usize) -> String {
    STANDARD.encode(vec![7; len])
}

#[test]
fn every_fixture_of_go_and_java_is_recognised() {
    let mut seen = BTreeMap::new();
    for file in ["go.json", "java.json"] {
        let json: serde_json::Value = fixture_json(file);
        for vector in json["vectors"].as_array().unwrap() {
            let name = vector["name"].as_str().unwrap();
            let Some(headers) = vector["headers"].as_object() else {
                continue;
            };
            let headers = headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            let detected = detect_map(headers);
            let expected = match name {
                _ if name.contains("-inst-") => matches!(detected, Detected::Plain(_)),
                _ if name.starts_with("javaold") => matches!(detected, Detected::JavaOld { .. }),
                _ => matches!(detected, Detected::GoJava { .. }),
            };
            assert!(expected, "{name}: {detected:?}");
            *seen.entry(file).or_insert(0) += 1;
        }
    }
    assert!(
        seen.len() == 2 && seen.values().all(|count| *count > 5),
        "{seen:?}"
    );
}

#[test]
fn android_keeps_the_raw_iv_where_java_keeps_a_wrapped_one() {
    let headers = |start: usize| {
        let (key, start) = (b64(40), b64(start));
        detect_map([
            ("x-cos-meta-client-side-encryption-key", key.as_str()),
            ("x-cos-meta-client-side-encryption-start", start.as_str()),
            ("x-cos-meta-client-side-encryption-cek-alg", "AES/CTR/NoPadding"),
            ("x-cos-meta-client-side-encryption-wrap-alg", "AESWrap"),
        ])
    };
    assert!(
        matches!(headers(16), Detected::Android(sdk) if sdk.iv == RawIv(vec![7; 16]) && sdk.wrapped_key == [7; 40])
    );
    assert!(matches!(headers(24), Detected::GoJava(sdk) if sdk.iv == WrappedIv(vec![7; 24])));
    assert!(matches!(headers(25), Detected::Malformed { .. }));
}

#[test]
fn a_custom_wrap_is_gos_and_an_unknown_cipher_is_unsupported() {
    let headers = |cek, wrap| {
        let value = b64(16);
        detect_map([
            ("client-side-encryption-key", value.as_str()),
            ("client-side-encryption-start", value.as_str()),
            ("client-side-encryption-cek-alg", cek),
            ("client-side-encryption-wrap-alg", wrap),
        ])
    };
    let custom = headers("AES/CTR/NoPadding", "my-hsm");
    assert!(
        matches!(&custom, Detected::GoJava(sdk) if sdk.wrap == SdkWrap::Custom("my-hsm".to_owned())),
        "{custom:?}"
    );
    let unknown = headers("c2sp.org/chunked-encryption@v2+AEAD_AES_256_GCM", "A256KW");
    let error = unknown
        .into_readable(ReadPolicy::AllowUnauthenticated)
        .unwrap_err();
    assert!(error.to_string().contains("chunked-encryption@v2"), "{error}");
    assert!(matches!(
        headers("AES/CTR/NoPadding", ""),
        Detected::Malformed { .. }
    ));
}

#[test]
fn headers_that_do_not_go_together_are_malformed() {
    let value = b64(32);
    let value = value.as_str();
    for headers in [
        &[("client-side-encryption-key", value)][..],
        &[("client-side-encryption-iv", value)],
        &[("client-side-encryption-start", value)],
        &[("client-side-encryption-cek-alg", "AES/CTR/NoPadding")],
        &[
            ("client-side-encryption-mac", value),
            ("client-side-encryption-key", value),
            ("client-side-encryption-iv", value),
        ],
        &[
            ("client-side-encryption-key", value),
            ("client-side-encryption-iv", value),
            ("client-side-encryption-start", value),
        ],
        &[
            ("client-side-encryption-key", value),
            ("x-cos-meta-x-cos-key-v2", value),
        ],
        &[("x-cos-meta-x-cos-key-v2", value)],
        &[("x-cos-meta-x-cos-iv", value)],
    ] {
        let detected = detect_map(headers.iter().copied());
        assert!(
            matches!(detected, Detected::Malformed { .. }),
            "{headers:?}: {detected:?}"
        );
    }
}

#[test]
fn no_encryption_header_is_a_plain_object() {
    let plain = detect_map([("x-cos-meta-owner", "ann"), ("content-type", "text/plain")]);
    assert_eq!(plain, Detected::Plain(InstructionHint::None));
    assert!(matches!(
        plain.into_readable(ReadPolicy::AllowUnauthenticated),
        Err(Error::NotEncrypted)
    ));
    let hinted = detect_map([(
        "x-cos-meta-client-side-encryption-unencrypted-content-length",
        "5",
    )]);
    assert_eq!(hinted, Detected::Plain(InstructionHint::Likely));
    assert_eq!(
        detect_map([("x-cos-meta-x-cos-crypto-instr-file", "")]),
        Detected::InstructionFile
    );
}

#[test]
fn the_default_policy_refuses_the_python_sdk_and_names_it() {
    let (key, iv) = (b64(32), b64(16));
    let python = detect_map([
        ("client-side-encryption-key", key.as_str()),
        ("client-side-encryption-iv", iv.as_str()),
    ]);
    let refused = python.clone().into_readable(ReadPolicy::SealedOnly).unwrap_err();
    assert!(
        matches!(&refused, Error::Unauthenticated { writer } if writer.contains("Python")),
        "{refused}"
    );
    assert!(matches!(
        python.into_readable(ReadPolicy::AllowUnauthenticated),
        Ok(Readable::Python(_))
    ));
}

#[test]
fn the_description_of_a_sealed_object_as_json() {
    let json: serde_json::Value = fixture_json("sealed.json");
    let headers = json["vectors"][0]["headers"].as_object().unwrap();
    let headers = headers
        .iter()
        .map(|(name, value)| (name, value.as_str().unwrap()));
    let description = Description::of(&EnvelopeHeaders::collect(headers).unwrap());
    assert_eq!(
        serde_json::to_string(&description).unwrap(),
        r#"{"writer":"coscrypt","encrypted":true,"#.to_owned()
            + r#""content_algorithm":"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM","#
            + r#""wraps":[{"algorithm":"A256KW","key_id":"e7614acd870bd615"}],"#
            + r#""binding":"key","authentication":"every-chunk","problems":[]}"#
    );
}
