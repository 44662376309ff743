//! Input that is empty, too large, or not what it should be.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cos_e2e::{Bench, Exit, url};

#[test]
fn an_empty_file_and_empty_standard_input() {
    let bench = Bench::new();
    bench.put("empty", "");
    assert_eq!(bench.get("empty"), b"");
    assert_eq!(bench.provider().get("empty").body.len(), 16);
    bench
        .coscrypt()
        .args(["put", "-", &url("empty-input")])
        .succeeds();
    assert_eq!(bench.get("empty-input"), b"");
}

#[test]
fn metadata_over_the_limit_names_the_figures_and_stores_nothing() {
    let bench = Bench::new();
    let source = bench.write("source", "x");
    let meta = format!("note={}", "x".repeat(1600));
    let error = bench
        .coscrypt()
        .args(["put", "--meta", &meta])
        .arg(source)
        .arg(url("object"))
        .fails(Exit::Usage);
    assert!(error.contains("2048") || error.contains("2 048"), "{error}");
    assert_eq!(bench.provider().list(""), [""; 0]);
}

#[test]
fn metadata_under_the_limit_is_kept() {
    let bench = Bench::new();
    let source = bench.write("source", "x");
    bench
        .coscrypt()
        .args(["put", "--meta", "owner=ann", "--meta", "note=in order"])
        .arg(source)
        .arg(url("object"))
        .succeeds();
    let stored = bench.provider().get("object");
    assert_eq!(
        (
            stored.metadata["owner"].as_str(),
            stored.metadata["note"].as_str()
        ),
        ("ann", "in order")
    );
    assert_eq!(bench.get("object"), b"x");
}

#[test]
fn a_source_that_is_not_there() {
    let bench = Bench::new();
    let error = bench
        .coscrypt()
        .arg("put")
        .arg(bench.path("absent"))
        .arg(url("object"))
        .fails(Exit::NotFound);
    assert!(error.contains("absent"), "{error}");
}

#[test]
fn a_folder_without_the_option_for_folders() {
    let bench = Bench::new();
    bench.write("tree/file", "x");
    let error = bench
        .coscrypt()
        .arg("put")
        .arg(bench.path("tree"))
        .arg(url("tree/"))
        .fails(Exit::Usage);
    assert!(error.contains("-r"), "{error}");
}

#[test]
fn an_object_that_is_not_there() {
    let bench = Bench::new();
    let error = bench
        .coscrypt()
        .arg("get")
        .arg(url("absent"))
        .arg(bench.path("out"))
        .fails(Exit::NotFound);
    assert!(error.contains("absent"), "{error}");
    assert!(!bench.path("out").exists());
}

#[test]
fn names_that_are_not_objects() {
    let bench = Bench::new();
    for name in [
        "bench-1250000000/key",
        "cos://",
        "cos:///key",
        "cos://no-account/key",
        "cos://Upper-1250000000/key",
        "s3://bench-1250000000/key",
    ] {
        bench.coscrypt().args(["get", name, "-"]).fails(Exit::Usage);
    }
}

#[test]
fn a_target_folder_that_cannot_be_written() {
    let bench = Bench::new();
    bench.put("object", "data");
    let folder = bench.path("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    // The superuser may write anywhere.
    if fs::write(folder.join("probe"), "").is_err() {
        bench
            .coscrypt()
            .arg("get")
            .arg(url("object"))
            .arg(folder.join("file"))
            .fails(Exit::NotPermitted);
    }
    let error = bench
        .coscrypt()
        .arg("get")
        .arg(url("object"))
        .arg(bench.path("absent/file"))
        .fails(Exit::NotFound);
    assert!(error.contains("absent"), "{error}");
}
