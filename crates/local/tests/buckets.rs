//! Buckets and their listings.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use common::{Answer, BUCKET, Fixture};
use cos_local::MissingBuckets;

async fn with_keys(keys: &[&str]) -> Fixture {
    let fixture = Fixture::new().await;
    for key in keys {
        fixture
            .put(&cos_transport::percent_encode(key), key.as_bytes())
            .await
            .expect(200);
    }
    fixture
}

async fn list(fixture: &Fixture, query: &str) -> Answer {
    fixture.call("GET", &format!("/{BUCKET}/?{query}")).send().await
}

/// Keys and common prefixes of a page.
fn entries(page: &Answer) -> (Vec<&str>, Vec<&str>) {
    let prefixes = page.elements("CommonPrefixes").into_iter();
    let prefixes = prefixes.map(|p| {
        p.strip_prefix("<Prefix>")
            .unwrap()
            .strip_suffix("</Prefix>")
            .unwrap()
    });
    (page.elements("Key"), prefixes.collect())
}

#[tokio::test]
async fn a_bucket_is_made_found_and_removed() {
    let fixture = Fixture::new().await;
    let call = |method: &str| {
        fixture
            .call(method, "/other-1250000000")
            .header("Content-Length", "0")
            .send()
    };
    call("HEAD").await.expect(404);
    call("GET").await.expect_error(404, "NoSuchBucket");
    call("DELETE").await.expect_error(404, "NoSuchBucket");
    call("PUT").await.expect(200);
    call("PUT").await.expect_error(409, "BucketAlreadyOwnedByYou");
    call("HEAD").await.expect(200);
    fixture
        .call("PUT", "/other-1250000000/k")
        .body(b"")
        .send()
        .await
        .expect(200);
    call("DELETE").await.expect_error(409, "BucketNotEmpty");
    fixture
        .call("DELETE", "/other-1250000000/k")
        .send()
        .await
        .expect(204);
    call("DELETE").await.expect(204);
    fixture
        .call("PUT", "/Other")
        .body(b"")
        .send()
        .await
        .expect_error(400, "InvalidBucketName");
}

#[tokio::test]
async fn the_service_lists_its_buckets() {
    let fixture = Fixture::with(|s| s.bucket("b-1".parse().unwrap()).bucket("a-1".parse().unwrap())).await;
    let answer = fixture.call("GET", "/").send().await.expect(200);
    assert_eq!(answer.elements("Name"), ["a-1", "b-1"]);
    assert_eq!(answer.header("Content-Type"), Some("application/xml"));
}

#[tokio::test]
async fn buckets_appear_on_first_write_when_told_so() {
    let fixture = Fixture::with(|server| server.missing_buckets(MissingBuckets::Create)).await;
    fixture.get("k").await.expect_error(404, "NoSuchBucket");
    fixture.put("k", b"abc").await.expect(200);
    assert_eq!(fixture.get("k").await.expect(200).body, b"abc");
    let strict = Fixture::with(|server| server).await;
    strict.put("k", b"abc").await.expect_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn the_bucket_may_be_in_the_host() {
    let fixture = Fixture::new().await;
    let host = format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com");
    fixture
        .call("PUT", "/a/b")
        .host(&host)
        .body(b"abc")
        .send()
        .await
        .expect(200);
    assert_eq!(fixture.get("a/b").await.expect(200).body, b"abc");
    let page = fixture
        .call("GET", "/?prefix=a")
        .host(&host)
        .send()
        .await
        .expect(200);
    assert_eq!(page.elements("Key"), ["a/b"]);
}

#[tokio::test]
async fn a_listing_is_in_byte_order_and_says_what_is_there() {
    let fixture = with_keys(&["b", "a/2", "a/1", "é", "a!", "z"]).await;
    let page = list(&fixture, "").await.expect(200);
    assert_eq!(page.elements("Key"), ["a!", "a/1", "a/2", "b", "z", "é"]);
    assert_eq!(page.element("Name"), Some(BUCKET));
    assert_eq!(page.element("MaxKeys"), Some("1000"));
    assert_eq!(page.element("IsTruncated"), Some("false"));
    assert_eq!(page.element("NextMarker"), None);
    assert_eq!(page.elements("Size"), ["2", "3", "3", "1", "1", "2"]);
    assert!(
        page.elements("ETag")
            .iter()
            .all(|etag| etag.contains("quot;") || etag.starts_with('"'))
    );
    assert!(
        page.elements("LastModified")
            .iter()
            .all(|time| time.ends_with(".000Z"))
    );
    assert!(
        page.elements("StorageClass")
            .iter()
            .all(|class| *class == "STANDARD")
    );
    assert_eq!(page.elements("ID")[0], "1250000000");
}

#[tokio::test]
async fn pages_follow_one_another_without_loss() {
    let keys: Vec<String> = (0..25).map(|i| format!("k{i:02}")).collect();
    let fixture = with_keys(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let page = list(&fixture, &format!("max-keys=10&marker={marker}"))
            .await
            .expect(200);
        seen.extend(page.elements("Key").into_iter().map(str::to_owned));
        match page.element("NextMarker") {
            Some(next) => {
                assert_eq!(page.element("IsTruncated"), Some("true"));
                next.clone_into(&mut marker);
            }
            None => break assert_eq!(page.element("IsTruncated"), Some("false")),
        }
    }
    assert_eq!(seen, keys);
}

#[tokio::test]
async fn a_delimiter_folds_keys_and_counts_each_fold_once() {
    let fixture = with_keys(&["a", "p/1", "p/2", "p/q/3", "r/4", "s"]).await;
    let page = list(&fixture, "delimiter=/").await.expect(200);
    assert_eq!(entries(&page), (vec!["a", "s"], vec!["p/", "r/"]));
    let page = list(&fixture, "delimiter=/&prefix=p/").await.expect(200);
    assert_eq!(entries(&page), (vec!["p/1", "p/2"], vec!["p/q/"]));

    let first = list(&fixture, "delimiter=/&max-keys=2").await.expect(200);
    assert_eq!(entries(&first), (vec!["a"], vec!["p/"]));
    assert_eq!(first.element("NextMarker"), Some("p/"));
    let second = list(&fixture, "delimiter=/&max-keys=2&marker=p/")
        .await
        .expect(200);
    assert_eq!(entries(&second), (vec!["s"], vec!["r/"]));
    assert_eq!(second.element("IsTruncated"), Some("false"));
}

#[tokio::test]
async fn encoding_type_url_encodes_names() {
    let fixture = with_keys(&["a b&<\u{1}é/+%"]).await;
    let page = list(&fixture, "encoding-type=url&prefix=a%20b").await.expect(200);
    assert_eq!(page.element("Key"), Some("a%20b%26%3C%01%C3%A9/%2B%25"));
    assert_eq!(page.element("Prefix"), Some("a%20b"));
    assert_eq!(page.element("EncodingType"), Some("url"));
    list(&fixture, "encoding-type=base64")
        .await
        .expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn max_keys_is_a_number_up_to_a_thousand() {
    let fixture = with_keys(&["a"]).await;
    assert_eq!(
        list(&fixture, "max-keys=5000")
            .await
            .expect(200)
            .element("MaxKeys"),
        Some("1000")
    );
    let none = list(&fixture, "max-keys=0").await.expect(200);
    assert_eq!(
        (none.elements("Key").len(), none.element("IsTruncated")),
        (0, Some("false"))
    );
    list(&fixture, "max-keys=-1")
        .await
        .expect_error(400, "InvalidArgument");
    list(&fixture, "max-keys=many")
        .await
        .expect_error(400, "InvalidArgument");
}
