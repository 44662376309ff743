//! Keys that are wrong, missing, or lie about for others to read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use cos_e2e::{Bench, Exit, url};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The key id that `key show` names.
fn kid(bench: &Bench, key: &std::path::Path) -> String {
    let shown = bench.bare().args(["--json", "key", "show"]).arg(key).succeeds();
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    shown["key_id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {shown}"))
        .to_owned()
}

#[test]
fn the_wrong_key_names_wanted_and_held() {
    let bench = Bench::new();
    bench.put("object", "data");
    for kind in ["aes", "rsa-2048"] {
        let other = bench.make_key(kind, kind);
        let get = bench
            .connected()
            .arg("get")
            .arg("--key")
            .arg(&other)
            .arg(url("object"))
            .arg(bench.path("out"));
        let error = get.fails(Exit::Key);
        assert!(error.contains(&kid(&bench, &bench.key())), "{error}");
        assert!(error.contains(&kid(&bench, &other)), "{error}");
        assert!(!bench.path("out").exists());
    }
}

#[test]
fn no_key_at_all() {
    let bench = Bench::new();
    bench.put("object", "data");
    bench
        .connected()
        .args(["get", &url("object"), "-"])
        .fails(Exit::Key);
    let source = bench.write("source", "data");
    bench
        .connected()
        .arg("put")
        .arg(source)
        .arg(url("new"))
        .fails(Exit::Key);
}

#[test]
fn a_missing_key_file_is_never_made() {
    let bench = Bench::new();
    bench.put("object", "data");
    let absent = bench.path("absent.key");
    bench
        .connected()
        .arg("--key")
        .arg(&absent)
        .args(["get", &url("object"), "-"])
        .fails(Exit::Key);
    let source = bench.write("source", "data");
    bench
        .connected()
        .arg("--key")
        .arg(&absent)
        .arg("put")
        .arg(source)
        .arg(url("new"))
        .fails(Exit::Key);
    assert!(!absent.exists());
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let bench = Bench::new();
    bench.put("object", "data");
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(bench.key(), fs::Permissions::from_mode(mode)).unwrap();
        let error = bench
            .coscrypt()
            .args(["get", &url("object"), "-"])
            .fails(Exit::Key);
        assert!(error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_key() {
    let bench = Bench::new();
    for text in [
        "",
        "not a key",
        "c2hvcnQ=",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let bad = bench.write("bad.key", text);
        fs::set_permissions(&bad, fs::Permissions::from_mode(0o600)).unwrap();
        let error = bench
            .connected()
            .arg("--key")
            .arg(&bad)
            .args(["get", &url("object"), "-"])
            .fails(Exit::Key);
        assert!(error.contains("bad.key"), "{error}");
    }
}

#[test]
fn new_keys_are_private_and_overwrite_nothing() {
    let bench = Bench::new();
    for kind in ["aes", "rsa-2048"] {
        let key = bench.make_key(kind, kind);
        assert_eq!(mode(&key), 0o600);
        let before = fs::read(&key).unwrap();
        bench
            .bare()
            .args(["key", "new", "--type", kind])
            .arg(&key)
            .fails(Exit::Exists);
        assert_eq!(fs::read(&key).unwrap(), before);
    }
}

#[test]
fn a_new_key_does_not_follow_a_planted_link() {
    let bench = Bench::new();
    let planted = bench.path("planted");
    symlink(bench.path("elsewhere"), &planted).unwrap();
    bench
        .bare()
        .args(["key", "new"])
        .arg(&planted)
        .fails(Exit::Exists);
    assert!(!bench.path("elsewhere").exists());
}

#[test]
fn key_text_never_appears() {
    let bench = Bench::new();
    let key = fs::read_to_string(bench.key()).unwrap();
    bench.put("object", "data");
    let calls: [&[&str]; 4] = [
        &["get", &url("object"), "-"],
        &["ls", &url("")],
        &["inspect", &url("object")],
        &["get", &url("absent"), "-"],
    ];
    for arguments in calls {
        let finished = bench
            .coscrypt()
            .arg("-vv")
            .args(arguments)
            .env("RUST_LOG", "trace")
            .finish();
        let said = String::from_utf8_lossy(&finished.stdout).into_owned() + &finished.stderr;
        for secret in [key.trim(), cos_e2e::SECRET_KEY] {
            assert!(!said.contains(secret), "{arguments:?} told a secret");
        }
    }
}
