//! Copies, bulk deletes, appends, restores, tags and access over raw HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::time::Duration;

use common::{Answer, BUCKET, Call, Fixture, pattern};
use cos_local::Clock;
use cos_transport::checksum::{Crc64, content_md5};

const OTHER: &str = "other-1250000000";

fn source(key: &str) -> String {
    format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/{key}")
}

fn copy<'f>(fixture: &'f Fixture, key: &str, source: &str) -> Call<'f> {
    let call = fixture.object("PUT", key).header("x-cos-copy-source", source);
    call.header("Content-Length", "0")
}

async fn put_described(fixture: &Fixture, key: &str, body: &[u8]) -> Answer {
    let call = fixture.object("PUT", key).header("Content-Type", "text/x");
    let call = call
        .header("x-cos-meta-owner", "ann")
        .header("x-cos-tagging", "a=1&b=x%20y");
    let call = call
        .header("x-cos-acl", "public-read")
        .header("x-cos-storage-class", "STANDARD_IA");
    call.body(body).send().await.expect(200)
}

#[tokio::test]
async fn a_copy_takes_bytes_headers_and_tags_but_neither_class_nor_access() {
    let fixture = Fixture::with(|s| s.bucket(BUCKET.parse().unwrap()).bucket(OTHER.parse().unwrap())).await;
    let body = pattern(300_000);
    let stored = put_described(&fixture, "a%20b/%C3%A9", &body).await;
    let copied = copy(&fixture, "copy", &source("a%20b/%C3%A9"))
        .send()
        .await
        .expect(200);
    let tag = copied.element("ETag").unwrap().replace("&quot;", "\"");
    assert_eq!(Some(tag.as_str()), stored.header("ETag"));
    assert_eq!(copied.element("CRC64").unwrap(), Crc64::of(&body).to_string());
    assert!(copied.element("LastModified").is_some());
    let got = fixture.get("copy").await.expect(200);
    assert!(got.body == body);
    assert_eq!(
        (got.header("Content-Type"), got.header("x-cos-meta-owner")),
        (Some("text/x"), Some("ann"))
    );
    assert_eq!(
        (
            got.header("x-cos-storage-class"),
            got.header("x-cos-tagging-count")
        ),
        (None, Some("2"))
    );
    let acl = fixture.object("GET", "copy?acl").send().await.expect(200);
    assert_eq!(acl.header("x-cos-acl"), Some("default"));

    let elsewhere = fixture
        .call("PUT", &format!("/{OTHER}/k"))
        .header("Content-Length", "0");
    let elsewhere = elsewhere
        .header("x-cos-copy-source", &source("copy"))
        .send()
        .await;
    elsewhere.expect(200);
    let got = fixture
        .call("GET", &format!("/{OTHER}/k"))
        .send()
        .await
        .expect(200);
    assert!(got.body == body);

    let replaced = copy(&fixture, "copy", &source("copy")).header("x-cos-metadata-directive", "Replaced");
    replaced.header("x-cos-meta-new", "1").send().await.expect(200);
    let got = fixture.get("copy").await.expect(200);
    assert_eq!(
        (got.header("x-cos-meta-owner"), got.header("x-cos-meta-new")),
        (None, Some("1"))
    );
    assert!(got.body == body);
}

#[tokio::test]
async fn copies_that_are_refused() {
    let fixture = Fixture::new().await;
    let etag = put_described(&fixture, "k", b"abc")
        .await
        .header("ETag")
        .unwrap()
        .to_owned();
    let onto_itself = copy(&fixture, "k", &source("k")).send().await;
    onto_itself.expect_error(400, "InvalidRequest");
    copy(&fixture, "c", &source("none"))
        .send()
        .await
        .expect_error(404, "NoSuchCopySource");
    let no_bucket = copy(&fixture, "c", "none-1.cos.ap-x.myqcloud.com/k").send().await;
    no_bucket.expect_error(404, "NoSuchBucket");
    let strange = copy(&fixture, "c", &source("k")).header("x-cos-metadata-directive", "Perhaps");
    strange.send().await.expect_error(400, "InvalidArgument");
    copy(&fixture, "c", "no-key")
        .send()
        .await
        .expect_error(400, "InvalidArgument");

    let (past, future) = ("Tue, 14 Nov 2000 22:13:19 GMT", "Tue, 14 Nov 2090 22:13:19 GMT");
    for (name, fits, fails) in [
        ("If-Match", etag.as_str(), "\"x\""),
        ("If-None-Match", "\"x\"", etag.as_str()),
        ("If-Modified-Since", past, future),
        ("If-Unmodified-Since", future, past),
    ] {
        let name = format!("x-cos-copy-source-{name}");
        copy(&fixture, "c", &source("k"))
            .header(&name, fits)
            .send()
            .await
            .expect(200);
        let refused = copy(&fixture, "c", &source("k"))
            .header(&name, fails)
            .send()
            .await;
        refused.expect_error(412, "PreconditionFailed");
    }
    let archived = fixture
        .object("PUT", "cold")
        .header("x-cos-storage-class", "ARCHIVE");
    archived.body(b"x").send().await.expect(200);
    copy(&fixture, "c", &source("cold"))
        .send()
        .await
        .expect_error(403, "InvalidObjectState");
}

#[tokio::test]
async fn a_version_is_copied() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"old").await.expect(200);
    let document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    fixture
        .call("PUT", &format!("/{BUCKET}/?versioning"))
        .body(document)
        .send()
        .await
        .expect(200);
    fixture.put("k", b"new").await.expect(200);
    let copied = copy(&fixture, "c", &source("k?versionId=null"))
        .send()
        .await
        .expect(200);
    assert_eq!(copied.header("x-cos-copy-source-version-id"), Some("null"));
    assert_eq!(copied.header("x-cos-version-id"), copied.element("VersionId"));
    assert_eq!(fixture.get("c").await.expect(200).body, b"old");
    let absent = copy(&fixture, "c", &source("k?versionId=MTg0")).send().await;
    absent.expect_error(404, "NoSuchVersion");
    // An older version becomes the latest again.
    copy(&fixture, "k", &source("k?versionId=null"))
        .send()
        .await
        .expect(200);
    assert_eq!(fixture.get("k").await.expect(200).body, b"old");
    let append = fixture
        .object("POST", "log?append&position=0")
        .body(b"x")
        .send()
        .await;
    append.expect_error(400, "InvalidRequest");
}

async fn delete_many(fixture: &Fixture, document: &str) -> Answer {
    let call = fixture.call("POST", &format!("/{BUCKET}/?delete"));
    let call = call.header("Content-MD5", &content_md5(document.as_bytes()));
    call.body(document.as_bytes()).send().await
}

#[tokio::test]
async fn many_objects_are_deleted_at_once() {
    let fixture = Fixture::new().await;
    for key in ["a", "b%26", "c", "d"] {
        fixture.put(key, b"x").await.expect(200);
    }
    let object = |key: &str| format!("<Object><Key>{key}</Key></Object>");
    let document = format!(
        "<Delete>{}{}{}</Delete>",
        object("a"),
        object("b&amp;"),
        object("none")
    );
    let gone = delete_many(&fixture, &document).await.expect(200);
    assert_eq!(gone.elements("Deleted").len(), 3);
    let quiet = format!(
        "<Delete><Quiet>true</Quiet>{}{}<Object><Key>d</Key><VersionId>x</VersionId></Object></Delete>",
        object("c"),
        object("/bad")
    );
    let quiet = delete_many(&fixture, &quiet).await.expect(200);
    assert_eq!(quiet.elements("Deleted").len(), 0);
    assert_eq!(quiet.elements("Code"), ["InvalidObjectName", "NoSuchVersion"]);
    let page = fixture
        .call("GET", &format!("/{BUCKET}/"))
        .send()
        .await
        .expect(200);
    assert_eq!(page.elements("Key"), ["d"]);

    let too_many = format!("<Delete>{}</Delete>", object("d").repeat(1001));
    delete_many(&fixture, &too_many)
        .await
        .expect_error(400, "MalformedXML");
    delete_many(&fixture, "<Delete><Object>")
        .await
        .expect_error(400, "MalformedXML");
    let document = format!("<Delete>{}</Delete>", object("d"));
    let call = || fixture.call("POST", &format!("/{BUCKET}/?delete"));
    let unchecked = call().body(document.as_bytes()).send().await;
    unchecked.expect_error(400, "InvalidRequest");
    let wrong = call()
        .header("Content-MD5", &content_md5(b""))
        .body(document.as_bytes());
    wrong.send().await.expect_error(400, "BadDigest");
    fixture.get("d").await.expect(200);
}

#[tokio::test]
async fn an_object_grows_at_its_end_and_nowhere_else() {
    let fixture = Fixture::new().await;
    let append = |position: usize, body: &'static [u8]| {
        let call = fixture.object("POST", &format!("log?append&position={position}"));
        call.header("x-cos-meta-at", &position.to_string()).body(body)
    };
    append(5, b"x")
        .send()
        .await
        .expect_error(409, "AppendPositionErr");
    let first = append(0, b"one").send().await.expect(200);
    assert_eq!(first.header("x-cos-next-append-position"), Some("3"));
    append(0, b"x")
        .send()
        .await
        .expect_error(409, "AppendPositionErr");
    let second = append(3, b" two").send().await.expect(200);
    assert_eq!(second.header("x-cos-next-append-position"), Some("7"));
    assert_eq!(
        second.header("x-cos-hash-crc64ecma").unwrap(),
        Crc64::of(b"one two").to_string()
    );
    assert_ne!(second.header("ETag"), first.header("ETag"));
    let got = fixture.get("log").await.expect(200);
    assert_eq!(
        (got.body.as_slice(), got.header("x-cos-object-type")),
        (&b"one two"[..], Some("appendable"))
    );
    assert_eq!(
        (got.header("ETag"), got.header("x-cos-meta-at")),
        (second.header("ETag"), Some("0"))
    );
    fixture.put("plain", b"x").await.expect(200);
    let plain = fixture
        .object("POST", "plain?append&position=1")
        .body(b"y")
        .send()
        .await;
    plain.expect_error(409, "ObjectNotAppendable");
    let strange = fixture
        .object("POST", "log?append&position=-1")
        .body(b"y")
        .send()
        .await;
    strange.expect_error(400, "InvalidArgument");
    fixture
        .object("POST", "log?append")
        .body(b"y")
        .send()
        .await
        .expect_error(501, "NotImplemented");
}

#[tokio::test]
async fn an_archived_object_is_restored_for_a_while() {
    let clock = Clock::system();
    let given = clock.clone();
    let fixture = Fixture::with(|s| {
        let server = s.bucket(BUCKET.parse().unwrap()).clock(given);
        server.restore_time(Duration::from_secs(300))
    })
    .await;
    let restore = |key: &str, days: u32, tier: &str| {
        let job = format!("<CASJobParameters><Tier>{tier}</Tier></CASJobParameters>");
        let document = format!("<RestoreRequest><Days>{days}</Days>{job}</RestoreRequest>");
        fixture
            .object("POST", &format!("{key}?restore"))
            .body(document.as_bytes())
    };
    for (key, class) in [("k", "ARCHIVE"), ("deep", "DEEP_ARCHIVE"), ("plain", "STANDARD")] {
        let call = fixture.object("PUT", key).header("x-cos-storage-class", class);
        call.body(b"abc").send().await.expect(200);
    }
    let plain = restore("plain", 1, "Standard").send().await;
    plain.expect_error(405, "RestoreNonArchiveObject");
    restore("k", 0, "Standard")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
    restore("k", 1, "Soon")
        .send()
        .await
        .expect_error(400, "MalformedXML");
    restore("deep", 1, "Expedited")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
    restore("none", 1, "Bulk")
        .send()
        .await
        .expect_error(404, "NoSuchKey");
    restore("deep", 1, "Bulk").send().await.expect(202);

    restore("k", 2, "Expedited").send().await.expect(202);
    restore("k", 2, "Expedited")
        .send()
        .await
        .expect_error(409, "RestoreAlreadyInProgress");
    let state = || async {
        let head = fixture.object("HEAD", "k").send().await.expect(200);
        head.header("x-cos-restore").map(str::to_owned)
    };
    assert_eq!(state().await.as_deref(), Some("ongoing-request=\"true\""));
    fixture.get("k").await.expect_error(403, "InvalidObjectState");
    clock.set_ahead(Duration::from_secs(301));
    let ready = state().await.unwrap();
    assert!(
        ready.starts_with("ongoing-request=\"false\", expiry-date=\"") && ready.ends_with(" GMT\""),
        "{ready}"
    );
    assert_eq!(fixture.get("k").await.expect(200).body, b"abc");
    // Once more while it is readable: it stays so for longer.
    restore("k", 9, "Standard").send().await.expect(200);
    let longer = |s: &mut common::Signing| s.end = 20 * 24 * 60 * 60;
    let get = || fixture.object("GET", "k").signing(longer);
    clock.set_ahead(Duration::from_secs(5 * 24 * 60 * 60));
    get().send().await.expect(200);
    clock.set_ahead(Duration::from_secs(10 * 24 * 60 * 60));
    get().send().await.expect_error(403, "InvalidObjectState");
}

#[tokio::test]
async fn tags_are_set_read_and_removed() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"x").await.expect(200);
    let tags = |tags: &[(&str, &str)]| {
        let tag =
            |(name, value): &(&str, &str)| format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>");
        let tags: String = tags.iter().map(tag).collect();
        let document = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        fixture
            .object("PUT", "k?tagging")
            .body(document.as_bytes())
            .send()
    };
    let read = || async {
        let answer = fixture.object("GET", "k?tagging").send().await.expect(200);
        answer
            .elements("Key")
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(read().await.is_empty());
    tags(&[("a", "1"), ("b", "")]).await.expect(200);
    assert_eq!(read().await, ["a", "b"]);
    let head = fixture.object("HEAD", "k").send().await.expect(200);
    assert_eq!(head.header("x-cos-tagging-count"), Some("2"));
    tags(&[("a", "1"), ("a", "2")])
        .await
        .expect_error(400, "InvalidTag");
    tags(&[("", "1")]).await.expect_error(400, "InvalidTag");
    tags(&[("a", ""); 11]).await.expect_error(400, "InvalidTag");
    assert_eq!(read().await, ["a", "b"]);
    fixture.object("DELETE", "k?tagging").send().await.expect(204);
    assert!(read().await.is_empty());
    let none = fixture.object("GET", "none?tagging").send().await;
    none.expect_error(404, "NoSuchKey");
    assert_eq!(fixture.get("k").await.expect(200).body, b"x");
}

#[tokio::test]
async fn only_public_objects_are_read_without_a_signature() {
    let fixture = Fixture::new().await;
    fixture.put("private", b"x").await.expect(200);
    let public = fixture.object("PUT", "public").header("x-cos-acl", "public-read");
    public.body(b"abc").send().await.expect(200);
    let unsigned = |method: &str, target: &str| fixture.object(method, target).signing(|s| s.sign = false);
    assert_eq!(unsigned("GET", "public").send().await.expect(200).body, b"abc");
    unsigned("HEAD", "public").send().await.expect(200);
    for target in [
        "private",
        "absent",
        "public?response-content-type=text/x",
        "public?acl",
    ] {
        unsigned("GET", target)
            .send()
            .await
            .expect_error(403, "AccessDenied");
    }
    unsigned("DELETE", "public")
        .send()
        .await
        .expect_error(403, "AccessDenied");
    unsigned("PUT", "new")
        .body(b"x")
        .send()
        .await
        .expect_error(403, "AccessDenied");
    unsigned("POST", "new?uploads")
        .body(b"")
        .send()
        .await
        .expect_error(403, "AccessDenied");

    let acl = fixture
        .object("PUT", "private?acl")
        .header("x-cos-acl", "public-read");
    acl.body(b"").send().await.expect(200);
    unsigned("GET", "private").send().await.expect(200);
    let bucket = fixture
        .call("PUT", &format!("/{BUCKET}/?acl"))
        .header("x-cos-acl", "public-read");
    bucket.body(b"").send().await.expect(200);
    fixture.put("inherits", b"x").await.expect(200);
    unsigned("GET", "inherits").send().await.expect(200);
    let closed = fixture
        .object("PUT", "inherits?acl")
        .header("x-cos-acl", "private");
    closed.body(b"").send().await.expect(200);
    unsigned("GET", "inherits")
        .send()
        .await
        .expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn an_access_list_is_said_in_headers_or_in_a_document() {
    let fixture = Fixture::new().await;
    let granted = fixture
        .object("PUT", "k")
        .header("x-cos-grant-read", "id=\"100\",id=\"200\"");
    granted.body(b"x").send().await.expect(200);
    let acl = fixture.object("GET", "k?acl").send().await.expect(200);
    assert_eq!(acl.elements("Permission"), ["FULL_CONTROL", "READ", "READ"]);
    assert_eq!(acl.elements("ID"), ["1250000000", "1250000000", "100", "200"]);
    let grant = |grantee: &str, permission: &str| {
        format!("<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>")
    };
    let put = |grants: String| {
        let owner = "<Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>";
        let list = format!("<AccessControlList>{grants}</AccessControlList>");
        let document = format!("<AccessControlPolicy>{owner}{list}</AccessControlPolicy>");
        fixture.object("PUT", "k?acl").body(document.as_bytes()).send()
    };
    let everybody = "<URI>http://cam.qcloud.com/groups/global/AllUsers</URI>";
    put(grant("<ID>300</ID>", "FULL_CONTROL") + &grant(everybody, "READ"))
        .await
        .expect(200);
    let acl = fixture.object("GET", "k?acl").send().await.expect(200);
    assert_eq!(
        acl.elements("Permission"),
        ["FULL_CONTROL", "READ", "FULL_CONTROL"]
    );
    assert_eq!(acl.header("x-cos-acl"), Some("public-read"));
    put(grant("<ID>300</ID>", "ANYTHING"))
        .await
        .expect_error(400, "MalformedACLError");
    put(grant("<URI>http://nobody</URI>", "READ"))
        .await
        .expect_error(400, "MalformedACLError");
    fixture
        .object("PUT", "k?acl")
        .body(b"")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
    let strange = fixture.object("PUT", "k?acl").header("x-cos-acl", "public-write");
    strange
        .body(b"")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn a_traffic_limit_is_within_bounds() {
    let fixture = Fixture::new().await;
    for (limit, status) in [
        ("819200", 200),
        ("838860800", 200),
        ("819199", 400),
        ("838860801", 400),
        ("x", 400),
    ] {
        let put = fixture.object("PUT", "k").header("x-cos-traffic-limit", limit);
        put.body(b"x").send().await.expect(status);
        fixture.put("k", b"x").await.expect(200);
        fixture
            .get(&format!("k?x-cos-traffic-limit={limit}"))
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn buckets_are_listed_in_pages_and_made_with_a_document() {
    let fixture = Fixture::with(|server| server).await;
    for name in ["a-1", "b-1", "c-1"] {
        let document =
            b"<CreateBucketConfiguration><BucketAZConfig>MAZ</BucketAZConfig></CreateBucketConfiguration>";
        fixture
            .call("PUT", &format!("/{name}"))
            .body(document)
            .send()
            .await
            .expect(200);
    }
    let list = |query: &str| {
        let call = fixture.call("GET", &format!("/{query}"));
        call.host("service.cos.myqcloud.com").send()
    };
    assert_eq!(
        list("?max-keys=2000").await.expect(200).elements("Name"),
        ["a-1", "b-1", "c-1"]
    );
    let first = list("?max-keys=2").await.expect(200);
    assert_eq!(
        (first.elements("Name"), first.element("NextMarker")),
        (vec!["a-1", "b-1"], Some("b-1"))
    );
    assert_eq!(first.element("IsTruncated"), Some("true"));
    let second = list("?max-keys=2&marker=b-1").await.expect(200);
    assert_eq!(
        (second.elements("Name"), second.element("IsTruncated")),
        (vec!["c-1"], Some("false"))
    );
    list("?tagkey=x").await.expect_error(501, "NotImplemented");
}
