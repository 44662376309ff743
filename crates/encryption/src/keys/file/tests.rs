use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::testing::fixture_path;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn load(path: &Path) -> Result<LoadedKey, KeyError> {
    match LoadedKey::from_file(path, FilePermissions::OwnerOnly) {
        Ok(key) => Ok(key),
        Err(Error::KeyFile { path: named, error }) => {
            assert_eq!(named, path);
            Err(error)
        }
        Err(other) => panic!("{other}"),
    }
}

fn write(path: &Path, contents: &[u8], mode: u32) {
    std::fs::write(path, contents).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_aes_file_is_0600_base64_text_and_reads_back() {
    let folder = folder();
    let path = folder.path().join("master.key");
    let key = AesProvider::generate().unwrap();
    key.create_file(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.len() == 45 && text.ends_with("=\n"), "{text:?}");
    assert_eq!(load(&path).unwrap().key_id(), key.key_id());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[test]
fn rsa_files_are_private_0600_and_public_readable() {
    let folder = folder();
    let fixture = std::fs::read_to_string(fixture_path("keys/rsa2048_pkcs1.pem")).unwrap();
    let key = RsaProvider::from_pem(&fixture).unwrap();
    let (private, public) = (folder.path().join("rsa.pem"), folder.path().join("rsa.pub"));
    key.create_private_file(&private).unwrap();
    key.create_public_file(&public).unwrap();
    assert_eq!(std::fs::metadata(&private).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(std::fs::metadata(&public).unwrap().mode() & 0o077 & !0o044, 0);
    assert!(
        std::fs::read_to_string(&private)
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert_eq!(
        std::fs::read_to_string(&public).unwrap(),
        std::fs::read_to_string(fixture_path("keys/rsa2048_pub.pem")).unwrap()
    );
    let (private, public) = (load(&private).unwrap(), load(&public).unwrap());
    assert_eq!(private.key_id(), public.key_id());
    assert!(private.is_secret() && !public.is_secret());
    let LoadedKey::Rsa(public) = public else {
        panic!("an RSA key")
    };
    let error = public.create_private_file(&folder.path().join("no")).unwrap_err();
    assert!(matches!(error, Error::PublicKeyOnly { .. }));
}

#[test]
fn nothing_is_overwritten_not_even_through_a_dangling_link() {
    let folder = folder();
    let (taken, link) = (folder.path().join("taken"), folder.path().join("link"));
    write(&taken, b"precious", 0o600);
    symlink(folder.path().join("nowhere"), &link).unwrap();
    for path in [&taken, &link] {
        let error = AesProvider::generate().unwrap().create_file(path).unwrap_err();
        assert!(
            matches!(
                error,
                Error::KeyFile {
                    error: KeyError::Exists,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(std::fs::read(&taken).unwrap(), b"precious");
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn a_missing_file_is_an_error_and_stays_missing() {
    let folder = folder();
    let path = folder.path().join("absent.key");
    let error = load(&path).unwrap_err();
    assert!(matches!(error, KeyError::Missing));
    assert!(error.help().unwrap().contains("never on the side"));
    assert!(!path.exists());
}

#[test]
fn secret_keys_that_others_can_read_or_change_are_refused_unless_allowed() {
    let folder = folder();
    let path = folder.path().join("key");
    let text = AesProvider::generate().unwrap().to_base64();
    for mode in [0o640, 0o604, 0o644, 0o660, 0o622, 0o620, 0o602] {
        write(&path, text.as_bytes(), mode);
        assert!(matches!(load(&path), Err(KeyError::TooOpen { mode: named }) if named == mode));
        assert!(LoadedKey::from_file(&path, FilePermissions::AllowOthers).is_ok());
    }
    for mode in [0o600, 0o400] {
        write(&path, text.as_bytes(), mode);
        assert!(load(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
    }
    write(
        &path,
        &std::fs::read(fixture_path("keys/rsa2048_pub.pem")).unwrap(),
        0o644,
    );
    assert!(load(&path).is_ok(), "public keys are public");
    write(
        &path,
        &std::fs::read(fixture_path("keys/rsa2048_pkcs8.pem")).unwrap(),
        0o644,
    );
    assert!(matches!(load(&path), Err(KeyError::TooOpen { .. })));
}

#[test]
fn what_is_no_key_file_says_why() {
    let folder = folder();
    let path = folder.path().join("key");
    assert!(matches!(load(folder.path()), Err(KeyError::NotAFile)));
    write(&path, &vec![b'A'; 70_000], 0o600);
    assert!(matches!(load(&path), Err(KeyError::TooLarge { .. })));
    write(&path, b"", 0o600);
    assert!(matches!(load(&path), Err(KeyError::AesLength { len: 0 })));
    write(&path, b"not a key!", 0o600);
    assert!(matches!(load(&path), Err(KeyError::NotBase64)));
    write(&path, &[7; 32], 0o600);
    assert!(
        matches!(load(&path), Err(KeyError::NotAKey)),
        "raw bytes are not what the SDK keeps"
    );
    write(
        &path,
        &std::fs::read(fixture_path(
            "keys/py_generated_passphrase_private_pycryptodome4.4.pem",
        ))
        .unwrap(),
        0o600,
    );
    assert!(matches!(load(&path), Err(KeyError::PassphraseProtected)));
}

#[test]
fn a_pipe_does_not_block() {
    let folder = folder();
    let path = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert!(matches!(load(&path), Err(KeyError::NotAFile)));
}

#[test]
fn public_keys_that_others_can_change_are_refused_unless_allowed() {
    let folder = folder();
    let path = folder.path().join("key.pub");
    let public = std::fs::read(fixture_path("keys/rsa2048_pub.pem")).unwrap();
    for mode in [0o664, 0o646, 0o622] {
        write(&path, &public, mode);
        assert!(matches!(load(&path), Err(KeyError::PublicKeyWritable { mode: named }) if named == mode));
        assert!(LoadedKey::from_file(&path, FilePermissions::AllowOthers).is_ok());
    }
}

#[test]
fn a_key_file_belongs_to_this_user_or_to_root() {
    for is_secret in [true, false] {
        assert!(check_access(is_secret, 0o600, 1000, 1000).is_ok());
        assert!(check_access(is_secret, 0o600, 0, 1000).is_ok());
        let other = check_access(is_secret, 0o600, 1001, 1000);
        assert!(matches!(other, Err(KeyError::OtherOwner { uid: 1001 })));
        assert!(check_access(is_secret, 0o600, 1001, 0).is_err());
    }
}
