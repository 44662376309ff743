//! Buckets that keep versions, over raw HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use common::{Answer, BUCKET, Fixture, body_files, pattern};

async fn set(fixture: &Fixture, status: &str) {
    let document = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
    let call = fixture.call("PUT", &format!("/{BUCKET}/?versioning"));
    call.body(document.as_bytes()).send().await.expect(200);
}

async fn put(fixture: &Fixture, key: &str, body: &[u8]) -> String {
    let stored = fixture.put(key, body).await.expect(200);
    stored.header("x-cos-version-id").unwrap().to_owned()
}

async fn delete(fixture: &Fixture, target: &str) -> (Option<String>, bool) {
    let gone = fixture.object("DELETE", target).send().await.expect(204);
    let marker = gone.header("x-cos-delete-marker") == Some("true");
    (gone.header("x-cos-version-id").map(str::to_owned), marker)
}

async fn versions(fixture: &Fixture, query: &str) -> Answer {
    fixture
        .call("GET", &format!("/{BUCKET}/?versions&{query}"))
        .send()
        .await
        .expect(200)
}

#[tokio::test]
async fn the_state_of_a_bucket_is_told() {
    let fixture = Fixture::new().await;
    let state = || async {
        let answer = fixture
            .call("GET", &format!("/{BUCKET}/?versioning"))
            .send()
            .await
            .expect(200);
        answer.element("Status").map(str::to_owned)
    };
    assert_eq!(state().await, None);
    assert_eq!(
        fixture
            .put("k", b"x")
            .await
            .expect(200)
            .header("x-cos-version-id"),
        None
    );
    set(&fixture, "Enabled").await;
    assert_eq!(state().await.as_deref(), Some("Enabled"));
    set(&fixture, "Suspended").await;
    assert_eq!(state().await.as_deref(), Some("Suspended"));
    let wrong = fixture.call("PUT", &format!("/{BUCKET}/?versioning"));
    let wrong = wrong.body(b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>");
    wrong.send().await.expect_error(400, "MalformedXML");
}

#[tokio::test]
async fn each_write_is_a_version_and_a_deletion_a_marker() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"before").await.expect(200);
    set(&fixture, "Enabled").await;
    let first = put(&fixture, "k", b"first").await;
    let second = put(&fixture, "k", &pattern(50_000)).await;
    assert_ne!(first, second);
    assert_eq!(
        fixture.get("k").await.expect(200).header("x-cos-version-id"),
        Some(second.as_str())
    );
    let read = async |id: &str| fixture.get(&format!("k?versionId={id}")).await;
    assert_eq!(read(&first).await.expect(200).body, b"first");
    let before = read("null").await.expect(200);
    assert_eq!(
        (before.body.as_slice(), before.header("x-cos-version-id")),
        (&b"before"[..], Some("null"))
    );
    let head = fixture
        .object("HEAD", &format!("k?versionId={first}"))
        .send()
        .await
        .expect(200);
    assert_eq!(head.header("Content-Length"), Some("5"));

    let (marker, is_marker) = delete(&fixture, "k").await;
    let marker = marker.unwrap();
    assert!(is_marker);
    for target in ["k".to_owned(), format!("k?versionId={marker}")] {
        let gone = fixture.get(&target).await.expect_error(404, "NoSuchKey");
        assert_eq!(gone.header("x-cos-delete-marker"), Some("true"));
        assert_eq!(gone.header("x-cos-version-id"), Some(marker.as_str()));
        fixture.object("HEAD", &target).send().await.expect(404);
    }
    assert_eq!(read(&second).await.expect(200).body.len(), 50_000);
    let page = fixture
        .call("GET", &format!("/{BUCKET}/"))
        .send()
        .await
        .expect(200);
    assert!(page.elements("Key").is_empty());

    // The marker is deleted, then versions are, and each time the newest that is left is the object.
    assert_eq!(
        delete(&fixture, &format!("k?versionId={marker}")).await,
        (Some(marker), true)
    );
    assert_eq!(fixture.get("k").await.expect(200).body.len(), 50_000);
    assert_eq!(
        delete(&fixture, &format!("k?versionId={second}")).await,
        (Some(second.clone()), false)
    );
    assert_eq!(fixture.get("k").await.expect(200).body, b"first");
    read(&second).await.expect_error(404, "NoSuchVersion");
    delete(&fixture, "k?versionId=null").await;
    delete(&fixture, &format!("k?versionId={first}")).await;
    fixture.get("k").await.expect_error(404, "NoSuchKey");
    fixture
        .call("DELETE", &format!("/{BUCKET}"))
        .send()
        .await
        .expect(204);
    let Fixture { server, folder, .. } = fixture;
    server.shutdown().await;
    assert_eq!(body_files(folder.path()), 0);
}

#[tokio::test]
async fn while_suspended_there_is_one_version_called_null() {
    let fixture = Fixture::new().await;
    set(&fixture, "Enabled").await;
    let own = put(&fixture, "k", b"own").await;
    set(&fixture, "Suspended").await;
    assert_eq!(put(&fixture, "k", b"one").await, "null");
    assert_eq!(put(&fixture, "k", b"two").await, "null");
    let page = versions(&fixture, "").await;
    assert_eq!(page.elements("VersionId"), ["null", own.as_str()]);
    assert_eq!(delete(&fixture, "k").await, (Some("null".to_owned()), true));
    let page = versions(&fixture, "").await;
    assert_eq!(page.elements("VersionId"), [own.as_str(), "null"]);
    assert_eq!(page.elements("DeleteMarker").len(), 1);
    assert_eq!(put(&fixture, "k", b"three").await, "null");
    assert_eq!(versions(&fixture, "").await.elements("DeleteMarker").len(), 0);
    // A null version that is not the latest gives way to a new one too.
    set(&fixture, "Enabled").await;
    let latest = put(&fixture, "k", b"four").await;
    set(&fixture, "Suspended").await;
    put(&fixture, "k", b"five").await;
    let page = versions(&fixture, "").await;
    assert_eq!(
        page.elements("VersionId"),
        ["null", latest.as_str(), own.as_str()]
    );
    assert_eq!(page.elements("IsLatest"), ["true", "false", "false"]);
}

#[tokio::test]
async fn versions_are_listed_in_pages_newest_first() {
    let fixture = Fixture::new().await;
    fixture.put("a", b"1").await.expect(200);
    set(&fixture, "Enabled").await;
    for key in ["a", "b", "a", "p/1", "p/2", "b"] {
        put(&fixture, key, key.as_bytes()).await;
    }
    delete(&fixture, "b").await;
    delete(&fixture, "never").await;
    let all = versions(&fixture, "").await;
    assert_eq!(all.elements("Version").len(), 7);
    assert_eq!(all.elements("DeleteMarker").len(), 2);
    assert_eq!(
        all.elements("Key"),
        ["a", "a", "a", "b", "b", "p/1", "p/2", "b", "never"]
    );
    let latest = all.elements("IsLatest");
    assert_eq!(
        latest,
        [
            "true", "false", "false", "false", "false", "true", "true", "true", "true"
        ]
    );
    let folded = versions(&fixture, "delimiter=/&prefix=p").await;
    assert_eq!(folded.elements("CommonPrefixes"), ["<Prefix>p/</Prefix>"]);

    for length in 1..=4 {
        let (mut seen, mut query) = (Vec::new(), String::new());
        loop {
            let page = versions(&fixture, &format!("max-keys={length}{query}")).await;
            seen.extend(page.elements("VersionId").into_iter().map(str::to_owned));
            let Some(key) = page.element("NextKeyMarker") else {
                break;
            };
            let id = page.element("NextVersionIdMarker").unwrap();
            query = format!("&key-marker={key}&version-id-marker={id}");
        }
        seen.sort();
        let mut expected = all.elements("VersionId");
        expected.sort_unstable();
        assert_eq!(seen, expected, "{length}");
    }
    let behind_null = versions(&fixture, "key-marker=a&version-id-marker=null").await;
    assert_eq!(behind_null.elements("Key")[0], "b");
}

#[tokio::test]
async fn a_version_that_is_no_id_does_not_exist() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"x").await.expect(200);
    for id in ["MTg0", "x", "%C3%A9", "MTg0NDUxODMzMTMwMDM2Njc1ODA"] {
        let got = fixture.get(&format!("k?versionId={id}")).await;
        got.expect_error(404, "NoSuchVersion");
    }
    assert_eq!(fixture.get("k?versionId=null").await.expect(200).body, b"x");
    fixture
        .object("DELETE", "k?versionId=null")
        .send()
        .await
        .expect(204);
    fixture.get("k").await.expect_error(404, "NoSuchKey");
}
