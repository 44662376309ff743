//! Object keys and file names that are legal and awkward.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use cos_e2e::{Bench, Exit, files_under, url};

#[test]
fn every_legal_object_key() {
    let bench = Bench::new();
    let long = "é".repeat(425);
    for key in [
        "a//b",
        "a/./b",
        "a/../b",
        "./a",
        "with space",
        "目录/文件",
        "+~*()!'&=?#%25",
        "e\u{301}",
        "\u{e9}",
        "-",
        &long,
    ] {
        bench.put(key, key);
        assert_eq!(bench.get(key), key.as_bytes(), "{key}");
        assert_eq!(bench.provider().list(key), [key], "{key}");
    }
}

#[test]
fn a_key_longer_than_the_service_allows() {
    let bench = Bench::new();
    let source = bench.write("source", "x");
    let error = bench
        .coscrypt()
        .arg("put")
        .arg(source)
        .arg(url(&"x".repeat(851)))
        .fails(Exit::Usage);
    assert!(error.contains("850"), "{error}");
}

#[test]
fn a_file_name_that_is_not_text_is_told_and_the_others_go_up() {
    let bench = Bench::new();
    bench.write("tree/fine", "fine");
    let bad = bench.path("tree").join(OsStr::from_bytes(b"bad-\xff-name"));
    fs::write(&bad, "bad").unwrap();
    let error = bench
        .coscrypt()
        .args(["put", "-r"])
        .arg(bench.path("tree"))
        .arg(url("tree/"))
        .fails(Exit::Some);
    assert!(error.contains("bad-"), "{error}");
    assert_eq!(bench.get("tree/fine"), b"fine");
    assert_eq!(bench.provider().list(""), ["tree/fine"]);
}

#[test]
fn object_keys_that_would_leave_the_target_folder() {
    let bench = Bench::new();
    for key in ["up/../../escaped", "up//etc/absolute", "up/fine"] {
        bench.put(key, "data");
    }
    bench
        .coscrypt()
        .args(["get", "-r", &url("up/")])
        .arg(bench.path("down/target"))
        .fails(Exit::Some);
    assert!(!bench.path("down/escaped").exists() && !bench.path("escaped").exists());
    let names: Vec<_> = files_under(&bench.path("down"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names.contains(&"target/fine".into()), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("target")), "{names:?}");
}

#[test]
fn a_planted_link_in_the_target_folder_is_not_followed() {
    let bench = Bench::new();
    bench.put("tree/sub/file", "data");
    fs::create_dir_all(bench.path("target")).unwrap();
    fs::create_dir_all(bench.path("outside")).unwrap();
    std::os::unix::fs::symlink(bench.path("outside"), bench.path("target/sub")).unwrap();
    let finished = bench
        .coscrypt()
        .args(["get", "-r", &url("tree/")])
        .arg(bench.path("target"))
        .finish();
    assert_ne!(finished.code, Some(0));
    assert_eq!(fs::read_dir(bench.path("outside")).unwrap().count(), 0);
}

#[test]
fn json_keeps_a_disturbing_name_and_escapes_it() {
    let bench = Bench::new();
    bench.put("evil/\u{202e}gpj.exe", "x");
    let listing = bench
        .coscrypt()
        .args(["--json", "ls", "-r", &url("evil/")])
        .succeeds();
    assert!(listing.is_ascii(), "{}", String::from_utf8_lossy(&listing));
    let listing: serde_json::Value = serde_json::from_slice(&listing).unwrap();
    assert!(listing.to_string().contains("evil/\u{202e}gpj.exe"), "{listing}");
}
