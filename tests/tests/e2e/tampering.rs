//! The provider changes what is stored. The command must notice, say what it found, and write nothing.

use cos_e2e::{Bench, Exit, StoredObject, pattern, url};

const CHUNK: usize = 16_400;

/// An object of three chunks, changed by `change`. The refusal must have `words`.
fn refused(change: impl FnOnce(&mut StoredObject), exit: Exit, words: &[&str]) {
    let bench = Bench::new();
    bench.put("object", pattern(40_000));
    let mut stored = bench.provider().get("object");
    change(&mut stored);
    bench.provider().put("object", &stored);
    refuses(&bench, "object", exit, words);
}

/// Neither a file nor standard output may receive anything, nor a range; nothing is left lying about.
fn refuses(bench: &Bench, key: &str, exit: Exit, words: &[&str]) {
    let folder = bench.path("downloads");
    std::fs::create_dir_all(&folder).unwrap();
    let error = bench
        .coscrypt()
        .arg("get")
        .arg(url(key))
        .arg(folder.join("file"))
        .fails(exit);
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        0,
        "something was left behind"
    );
}

fn header<'a>(stored: &'a mut StoredObject, name: &str) -> &'a mut String {
    let name = format!("client-side-encryption-{name}");
    stored
        .metadata
        .get_mut(&name)
        .unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn one_bit_of_a_chunk() {
    refused(|stored| stored.body[CHUNK + 7] ^= 1, Exit::Tampered, &["16384"]);
}

#[test]
fn one_bit_of_the_first_byte() {
    refused(|stored| stored.body[0] ^= 0x80, Exit::Tampered, &[]);
}

#[test]
fn one_bit_of_the_last_tag() {
    refused(
        |stored| *stored.body.last_mut().unwrap() ^= 1,
        Exit::Tampered,
        &[],
    );
}

#[test]
fn cut_inside_a_chunk() {
    refused(|stored| stored.body.truncate(CHUNK + 1000), Exit::Tampered, &[]);
}

#[test]
fn cut_at_the_edge_of_a_chunk() {
    refused(|stored| stored.body.truncate(2 * CHUNK), Exit::Tampered, &[]);
}

#[test]
fn cut_to_nothing() {
    refused(|stored| stored.body.clear(), Exit::Tampered, &[]);
}

#[test]
fn one_byte_more() {
    refused(|stored| stored.body.push(0), Exit::Tampered, &[]);
}

#[test]
fn a_chunk_more() {
    refused(
        |stored| stored.body.extend_from_within(2 * CHUNK..),
        Exit::Tampered,
        &[],
    );
}

#[test]
fn chunks_in_another_order() {
    refused(
        |stored| stored.body[..2 * CHUNK].rotate_left(CHUNK),
        Exit::Tampered,
        &[],
    );
}

#[test]
fn each_header_changed() {
    for name in ["start", "key", "mac", "matdesc"] {
        refused(
            |stored| change_first_letter(header(stored, name)),
            Exit::Tampered,
            &[],
        );
    }
    refused(
        |stored| change_first_letter(header(stored, "wrap-alg")),
        Exit::Failed,
        &["B256KW"],
    );
}

fn change_first_letter(value: &mut String) {
    let first = if value.starts_with('A') { "B" } else { "A" };
    value.replace_range(..1, first);
}

#[test]
fn each_header_missing() {
    for name in ["start", "key", "mac", "matdesc", "wrap-alg"] {
        refused(
            |stored| drop(stored.metadata.remove(&format!("client-side-encryption-{name}"))),
            Exit::Tampered,
            &[],
        );
    }
}

#[test]
fn relabelled_as_the_counter_mode_of_the_sdks() {
    let bench = Bench::new();
    bench.put("object", pattern(40_000));
    let mut stored = bench.provider().get("object");
    "AES/CTR/NoPadding".clone_into(header(&mut stored, "cek-alg"));
    bench.provider().put("object", &stored);
    let finished = bench
        .coscrypt()
        .args(["get", "--allow-unauthenticated", &url("object"), "-"])
        .finish();
    assert_ne!(finished.code, Some(0));
    assert!(finished.stdout.is_empty());
}

#[test]
fn two_objects_swapped() {
    let bench = Bench::new();
    bench.put("salary/ann", "1000");
    bench.put("salary/bob", "2000");
    let (ann, bob) = (
        bench.provider().get("salary/ann"),
        bench.provider().get("salary/bob"),
    );
    bench.provider().put("salary/ann", &bob);
    bench.provider().put("salary/bob", &ann);
    for key in ["salary/ann", "salary/bob"] {
        refuses(&bench, key, Exit::Tampered, &["moved"]);
    }
}

#[test]
fn the_body_of_one_version_under_the_headers_of_another() {
    let bench = Bench::new();
    bench.put("object", pattern(40_000));
    let old = bench.provider().get("object");
    bench.put("object", pattern(40_000));
    let new = bench.provider().get("object");
    bench.provider().put(
        "object",
        &StoredObject {
            body: old.body,
            ..new
        },
    );
    refuses(&bench, "object", Exit::Tampered, &[]);
}

#[test]
fn a_damaged_chunk_outside_the_range_does_not_hinder_it_and_inside_does() {
    let bench = Bench::new();
    bench.put("object", pattern(40_000));
    let mut stored = bench.provider().get("object");
    stored.body[2 * CHUNK + 5] ^= 1;
    bench.provider().put("object", &stored);
    let range = |asked: &str| {
        bench
            .coscrypt()
            .args(["get", "--range", asked, &url("object"), "-"])
    };
    assert!(range("100-20000").succeeds() == pattern(40_000)[100..20_001]);
    assert!(range("100-35000").finish().stdout.len() <= 2 * 16_384 - 100);
    range("35000-35001").fails(Exit::Tampered);
}

#[test]
fn a_plain_object_is_not_taken_for_plaintext() {
    let bench = Bench::new();
    bench
        .provider()
        .put("plain", &StoredObject::plain("not encrypted"));
    refuses(&bench, "plain", Exit::Tampered, &["not encrypted"]);
    let finished = bench
        .coscrypt()
        .args(["get", "--allow-unauthenticated", &url("plain"), "-"])
        .finish();
    assert!(finished.code != Some(0) && finished.stdout.is_empty());
}

#[test]
fn one_damaged_file_of_a_folder_leaves_the_others() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.put(&format!("folder/{name}"), name);
    }
    let mut stored = bench.provider().get("folder/b");
    stored.body[0] ^= 1;
    bench.provider().put("folder/b", &stored);
    let error = bench
        .coscrypt()
        .args(["get", "-r", &url("folder/")])
        .arg(bench.path("back"))
        .fails(Exit::Some);
    assert!(error.contains("folder/b"), "{error}");
    let names: Vec<_> = cos_e2e::files_under(&bench.path("back"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, [std::path::Path::new("a"), std::path::Path::new("c")]);
}
