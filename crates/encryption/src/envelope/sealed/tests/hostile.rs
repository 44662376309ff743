//! Headers made to hurt.

use proptest::prelude::*;

use super::*;
use crate::envelope::detect::Detected;

const NASTY: &[&str] = &[
    "",
    ",",
    ",,,",
    "=",
    "A",
    "AAAA",
    "{",
    r#"{"v":1}"#,
    r#"{"v":2,"kid":[],"bind":"key"}"#,
    "null",
    "é",
    "\u{0}",
    r#"{"v":1,"kid":[],"bind":"key"}"#,
    r#"{"v":1,"kid":["e7614acd870bd615"],"bind":"all"}"#,
    "A256KW",
    "AESWrap",
    "RSA/ECB/OAEPWithSHA-256AndMGF1Padding",
    "KMS/TencentCloud",
    "AES/CTR/NoPadding",
    ALGORITHM,
];

fn field_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        Field::Key,
        Field::Iv,
        Field::Start,
        Field::CekAlg,
        Field::WrapAlg,
        Field::Matdesc,
        Field::Mac,
        Field::OldKey,
        Field::OldKeyV2,
        Field::OldIv,
        Field::OldWrapAlg,
        Field::OldCekAlg,
        Field::InstructionFile,
        Field::UnencryptedLength,
    ])
    .prop_map(Field::name)
}

fn value() -> impl Strategy<Value = String> {
    let base64 = prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    });
    prop_oneof![
        prop::sample::select(NASTY).prop_map(str::to_owned),
        base64,
        ".{0,60}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn hostile_headers_never_panic_and_never_open(headers in prop::collection::vec((field_name(), value()), 0..9)) {
        if let Ok(headers) = EnvelopeHeaders::collect(headers) {
            let _ = crate::envelope::Description::of(&headers);
            prop_assert!(open(&headers, &KeyRing::of(aes(1)), LOCATION, &[0; 16]).is_err());
        }
    }

    #[test]
    fn a_header_replaced_in_a_good_envelope_never_panics_and_never_opens(field in field_name(), value in value()) {
        let (envelope, body) = three_chunks(Binding::Key);
        let good = envelope.to_headers();
        let same = good.iter().any(|(name, old)| name == field && old == value.trim_matches([' ', '\t']));
        let changed = good.iter().filter(|(name, _)| *name != field).chain([(field, value.as_str())]);
        let changed = EnvelopeHeaders::collect(changed).unwrap();
        let opened = open(&changed, &KeyRing::of(aes(1)), LOCATION, &body);
        // Headers of no meaning to the sealed format are as good as user metadata.
        let meaningless = field.starts_with("x-cos-") || field == Field::UnencryptedLength.name();
        prop_assert_eq!(opened.is_ok(), same || meaningless);
    }
}

#[test]
fn an_oversized_envelope_is_refused_before_it_is_decoded() {
    let (envelope, _) = three_chunks(Binding::Key);
    let headers = envelope.to_headers();
    let huge = "A".repeat(1 << 20);
    let changed = headers
        .iter()
        .map(|(n, v)| (n, if n == Field::Key.name() { huge.as_str() } else { v }));
    let detected = detect(&EnvelopeHeaders::collect(changed).unwrap());
    assert!(
        matches!(&detected, Detected::Malformed { reason } if reason.contains("exceed the limit")),
        "{detected:?}"
    );
}

#[test]
fn a_later_version_is_unsupported_and_not_malformed() {
    let (envelope, _) = three_chunks(Binding::Key);
    let headers = envelope.to_headers();
    let later = headers
        .iter()
        .map(|(n, v)| (n, v.replace(r#""v":1"#, r#""v":2"#)));
    let error = SealedEnvelope::from_headers(&EnvelopeHeaders::collect(later).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the object is encrypted with version 2 of the sealed format, which is not supported"
    );
}
