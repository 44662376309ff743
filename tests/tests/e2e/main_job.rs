//! Files are encrypted, uploaded, listed, brought back.

use std::fs;

use cos_e2e::{BUCKET, Bench, Exit, files_under, pattern, url};

/// A folder with every awkward size and a few awkward names.
fn fill(bench: &Bench) {
    for size in [
        0,
        1,
        15,
        16,
        17,
        16_383,
        16_384,
        16_385,
        40_000,
        1 << 20,
        (1 << 20) + 3,
    ] {
        bench.write(format!("tree/sizes/{size}"), pattern(size));
    }
    for name in [
        "with space",
        "目录/文件 é",
        "deep/er/and/deeper/file",
        ".hidden",
        "+~*()!'&=?#%25",
    ] {
        bench.write(format!("tree/{name}"), name);
    }
}

fn there_and_back(format: &[&str], allowance: &[&str]) {
    let bench = Bench::new();
    fill(&bench);
    bench
        .coscrypt()
        .args(["put", "-r"])
        .args(format)
        .arg(bench.path("tree"))
        .arg(url("backup/"))
        .succeeds();

    let listing = String::from_utf8(bench.coscrypt().args(["ls", "-r", &url("backup/")]).succeeds()).unwrap();
    assert_eq!(listing.lines().count(), 16, "{listing}");
    assert!(
        listing
            .lines()
            .any(|line| line.contains("1048579") && line.contains("sizes/1048579")),
        "{listing}"
    );

    bench
        .coscrypt()
        .args(["get", "-r"])
        .args(allowance)
        .arg(url("backup/"))
        .arg(bench.path("back"))
        .succeeds();
    assert_eq!(files_under(&bench.path("tree")), files_under(&bench.path("back")));
}

#[test]
fn a_folder_goes_up_is_listed_and_comes_back() {
    there_and_back(&[], &[]);
}

#[test]
fn the_same_in_the_format_of_the_python_sdk() {
    there_and_back(&["--format", "cos-python"], &["--allow-unauthenticated"]);
}

#[test]
fn the_same_without_a_server_of_ones_own() {
    let bench = Bench::new();
    fill(&bench);
    let local = || {
        let endpoint = format!("local:{}", bench.path("embedded").display());
        bench
            .bare()
            .env("COSCRYPT_KEY", bench.key())
            .args(["--endpoint", &endpoint])
    };
    local()
        .args(["put", "-r"])
        .arg(bench.path("tree"))
        .arg("cos://new-1250000000/")
        .succeeds();
    local()
        .args(["get", "-r", "cos://new-1250000000/"])
        .arg(bench.path("back"))
        .succeeds();
    assert_eq!(files_under(&bench.path("tree")), files_under(&bench.path("back")));
}

#[test]
fn what_is_stored_is_not_what_was_written() {
    let bench = Bench::new();
    let secret = "the quick brown fox ".repeat(5000);
    bench.put("secret", &secret);
    let stored = bench.provider().get("secret");
    assert_eq!(stored.body.len(), secret.len() + 16 * (secret.len() / 16_384 + 1));
    assert!(!String::from_utf8_lossy(&stored.body).contains("quick"));
}

#[test]
fn standard_input_and_output() {
    let bench = Bench::new();
    for size in [0, 1, 16_384, (3 << 20) + 5] {
        bench
            .coscrypt()
            .args(["put", "-", &url("piped")])
            .stdin(pattern(size))
            .succeeds();
        assert!(bench.get("piped") == pattern(size), "{size} bytes");
    }
}

#[test]
fn a_range_without_the_rest() {
    let bench = Bench::new();
    bench.put("object", pattern(100_000));
    for (asked, range) in [
        ("0-0", 0..1),
        ("16380-16390", 16_380..16_391),
        ("99999-", 99_999..100_000),
        ("5-200000", 5..100_000),
    ] {
        let part = bench
            .coscrypt()
            .args(["get", "--range", asked, &url("object"), "-"])
            .succeeds();
        assert!(part == pattern(100_000)[range], "{asked}");
    }
}

#[test]
fn several_keys_each_open_alone() {
    let bench = Bench::new();
    let (first, second) = (
        bench.make_key("first.key", "aes"),
        bench.make_key("second.pem", "rsa-2048"),
    );
    let source = bench.write("source", "for two");
    let put = bench
        .connected()
        .arg("put")
        .arg("--key")
        .arg(&first)
        .arg("--key")
        .arg(&second);
    put.arg(source).arg(url("shared")).succeeds();
    for key in [first, second] {
        let get = bench
            .connected()
            .arg("get")
            .arg("--key")
            .arg(key)
            .arg(url("shared"))
            .arg("-");
        assert_eq!(get.succeeds(), b"for two");
    }
}

#[test]
fn a_target_that_exists_stays_as_it_is() {
    let bench = Bench::new();
    bench.put("object", "from the store");
    let target = bench.write("target", "precious");
    bench
        .coscrypt()
        .arg("get")
        .arg(url("object"))
        .arg(&target)
        .fails(Exit::Exists);
    assert_eq!(fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn json_is_one_object_a_line() {
    let bench = Bench::new();
    bench.put("a", pattern(20_000));
    bench.put("b", "x");
    for command in [vec!["ls", "-r"], vec!["inspect"]] {
        let target = if command[0] == "ls" {
            format!("cos://{BUCKET}/")
        } else {
            url("a")
        };
        let out = String::from_utf8(
            bench
                .coscrypt()
                .arg("--json")
                .args(&command)
                .arg(target)
                .succeeds(),
        )
        .unwrap();
        for line in out.lines() {
            assert!(
                serde_json::from_str::<serde_json::Value>(line)
                    .unwrap()
                    .is_object(),
                "{line}"
            );
        }
    }
    let finished = bench
        .coscrypt()
        .args(["--json", "get", &url("absent"), "-"])
        .finish();
    let error: serde_json::Value = serde_json::from_str(finished.stderr.trim()).unwrap();
    assert_eq!(finished.code, Some(4));
    assert_eq!(error["exit"], 4, "{error}");
}
