//! Who is let in, and what the others are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::time::Duration;

use common::{BUCKET, Fixture};
use cos_local::{Clock, generate_credentials};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn each_mistake_has_its_own_answer() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    let get = || fixture.object("GET", "k");

    get()
        .signing(|s| s.sign = false)
        .send()
        .await
        .expect_error(403, "AccessDenied");
    let unknown = get()
        .signing(|s| s.secret_id = Some("AKIDother".into()))
        .send()
        .await;
    unknown.expect_error(403, "InvalidAccessKeyId");
    let wrong = get()
        .signing(|s| s.secret_key = Some("other".into()))
        .send()
        .await;
    let wrong = wrong.expect_error(403, "SignatureDoesNotMatch");
    assert!(wrong.element("StringToSign").unwrap().starts_with("sha1\n"));
    assert!(
        wrong
            .element("FormatString")
            .unwrap()
            .starts_with(&format!("get\n/{BUCKET}/k\n\nhost="))
    );

    let expired = get().signing(|s| (s.start, s.end) = (-600, -10)).send().await;
    assert_eq!(
        expired.expect_error(403, "AccessDenied").element("Message"),
        Some("Request has expired")
    );
    let early = get().signing(|s| (s.start, s.end) = (16 * 60, DAY)).send().await;
    early.expect_error(403, "RequestTimeTooSkewed");
    // A clock that is a little ahead is no reason to refuse.
    get()
        .signing(|s| (s.start, s.end) = (14 * 60, DAY))
        .send()
        .await
        .expect(200);

    let malformed = get()
        .signing(|s| s.sign = false)
        .header("Authorization", "q-ak=x")
        .send()
        .await;
    malformed.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn an_error_says_what_and_where() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("absent").await.expect_error(404, "NoSuchKey");
    assert_eq!(answer.header("Content-Type"), Some("application/xml"));
    assert_eq!(
        answer.element("Resource").unwrap(),
        format!("{}/{BUCKET}/absent", fixture.server.address())
    );
    assert_eq!(answer.element("RequestId"), answer.header("x-cos-request-id"));
    assert_eq!(answer.element("TraceId"), answer.header("x-cos-trace-id"));
    assert!(answer.element("Message").is_some());
}

#[tokio::test]
async fn what_is_signed_cannot_be_changed() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    let signed = fixture.object("GET", "k").header("Range", "bytes=0-0");
    let authorization = signed.authorization();
    for (key, range) in [("k", "bytes=0-2"), ("l", "bytes=0-0")] {
        let changed = fixture
            .object("GET", key)
            .signing(|s| s.sign = false)
            .header("Range", range);
        let changed = changed.header("Authorization", &authorization).send().await;
        changed.expect_error(403, "SignatureDoesNotMatch");
    }
    let dropped = fixture
        .object("GET", "k")
        .signing(|s| s.sign = false)
        .header("Authorization", &authorization);
    dropped.send().await.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn the_host_may_be_signed_with_or_without_its_port() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    let name = fixture.server.address().ip().to_string();
    fixture
        .object("GET", "k")
        .signing(|s| s.signed_host = Some(name))
        .send()
        .await
        .expect(200);
    let other = fixture
        .object("GET", "k")
        .signing(|s| s.signed_host = Some("other".into()))
        .send()
        .await;
    other.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_presigned_url_needs_no_header() {
    let fixture = Fixture::new().await;
    fixture.put("a%20b", b"abc").await.expect(200);
    let key = "a%20b?response-content-type=text%2Fcsv";
    let authorization = fixture.object("GET", key).authorization();
    let encoded = authorization.replace(';', "%3B");
    let get = |uri: String| fixture.object("GET", &uri).signing(|s| s.sign = false).send();
    let answer = get(format!("{key}&{encoded}")).await.expect(200);
    assert_eq!(
        (answer.body.as_slice(), answer.header("Content-Type")),
        (b"abc".as_slice(), Some("text/csv"))
    );
    // PHP's form: everything in one parameter.
    let merged = cos_transport::percent_encode(&authorization);
    get(format!("{key}&sign={merged}")).await.expect(200);
    get(format!("a%20b?response-content-type=text%2Fhtml&{encoded}"))
        .await
        .expect_error(403, "SignatureDoesNotMatch");
    get(format!("{key}&response-expires=0&{encoded}"))
        .await
        .expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn temporary_credentials_need_their_token() {
    let credentials = generate_credentials().with_token("sesame").unwrap();
    let fixture =
        Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).credentials(credentials)).await;
    let put = || fixture.object("PUT", "k").body(b"abc");
    put()
        .header("x-cos-security-token", "sesame")
        .send()
        .await
        .expect(200);
    put()
        .header("x-cos-security-token", "open")
        .send()
        .await
        .expect_error(403, "AccessDenied");
    put().send().await.expect_error(403, "AccessDenied");

    let permanent = Fixture::new().await;
    let stray = permanent
        .object("PUT", "k")
        .body(b"abc")
        .header("x-cos-security-token", "sesame");
    stray.send().await.expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_token_is_not_repeated_in_an_error() {
    let credentials = generate_credentials().with_token("sesame").unwrap();
    let fixture =
        Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).credentials(credentials)).await;
    let call = fixture
        .object("GET", "k")
        .header("x-cos-security-token", "sesame");
    let answer = call.signing(|s| s.secret_key = Some("other".into())).send().await;
    let answer = answer.expect_error(403, "SignatureDoesNotMatch");
    assert!(!answer.text().contains("sesame"));
}

#[tokio::test]
async fn the_clock_can_be_shifted() {
    let clock = Clock::system();
    let fixture = Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).clock(clock.clone())).await;
    fixture.put("k", b"abc").await.expect(200);
    clock.set_behind(Duration::from_secs(60 * 60));
    fixture.get("k").await.expect_error(403, "RequestTimeTooSkewed");
    clock.set_ahead(Duration::from_secs(60 * 60));
    fixture.get("k").await.expect_error(403, "AccessDenied");
    clock.set_ahead(Duration::ZERO);
    fixture.get("k").await.expect(200);
}
