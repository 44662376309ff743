//! What goes wrong on purpose, and what the journal tells.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::time::{Duration, Instant};

use common::{BUCKET, Fixture, pattern};
use cos_local::{Fault, Faults, Journal, Rule};
use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

async fn faulty() -> (Fixture, Faults) {
    let faults = Faults::new();
    let given = faults.clone();
    let fixture = Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).faults(given)).await;
    (fixture, faults)
}

#[tokio::test]
async fn the_nth_matching_request_is_refused() {
    let (fixture, faults) = faulty().await;
    let busy = Fault::slow_down(Some(Duration::from_secs(2)));
    faults.add(Rule::new(busy).method(Method::GET).path("/busy").skip(1).times(2));
    fixture.put("busy", b"x").await.expect(200);
    fixture.put("other", b"x").await.expect(200);
    fixture.get("busy").await.expect(200);
    for _ in 0..2 {
        let refused = fixture.get("busy").await.expect_error(503, "SlowDown");
        assert_eq!(refused.header("Retry-After"), Some("2"));
        fixture.get("other").await.expect(200);
    }
    fixture.get("busy").await.expect(200);
}

#[tokio::test]
async fn parameters_choose_requests_too() {
    let (fixture, faults) = faulty().await;
    let fault = |code: &str| Fault::Refuse {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: code.to_owned(),
        retry_after: None,
    };
    faults.add(Rule::new(fault("Second")).query("partNumber", "2"));
    faults.add(Rule::new(fault("Uploads")).has_query("uploads"));
    fixture
        .object("POST", "k?uploads")
        .body(b"")
        .send()
        .await
        .expect_error(500, "Uploads");
    let part = |number: u32| {
        fixture
            .object("PUT", &format!("k?partNumber={number}&uploadId=x"))
            .body(b"")
            .send()
    };
    part(2).await.expect_error(500, "Second");
    part(1).await.expect_error(404, "NoSuchUpload");
    faults.clear();
    part(2).await.expect_error(404, "NoSuchUpload");
}

#[tokio::test]
async fn an_error_comes_with_status_200_and_nothing_is_done() {
    let (fixture, faults) = faulty().await;
    let code = "InternalError".to_owned();
    faults.add(Rule::new(Fault::ErrorInSuccess { code }).times(1));
    let answer = fixture.put("k", b"x").await.expect_error(200, "InternalError");
    assert!(answer.header("x-cos-request-id").is_some());
    fixture.get("k").await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn an_answer_is_dropped_after_the_commit() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::DropAnswer).times(1));
    assert!(fixture.object("PUT", "k").body(b"abc").try_send().await.is_err());
    assert_eq!(fixture.get("k").await.expect(200).body, b"abc");
}

#[tokio::test]
async fn a_connection_is_cut_in_the_middle_of_a_body() {
    let (fixture, faults) = faulty().await;
    let body = pattern(1_000_000);
    faults.add(Rule::new(Fault::CutRequest { after: 500_000 }).times(1));
    assert!(fixture.object("PUT", "k").body(&body).try_send().await.is_err());
    fixture.get("k").await.expect_error(404, "NoSuchKey");
    fixture.put("k", &body).await.expect(200);
    faults.add(Rule::new(Fault::CutAnswer { after: 300_000 }).times(1));
    let cut = fixture.get("k").await.expect(200);
    assert_eq!(cut.header("Content-Length"), Some("1000000"));
    assert!(cut.body == body[..300_000], "{}", cut.body.len());
    assert!(fixture.get("k").await.expect(200).body == body);
}

#[tokio::test]
async fn a_byte_is_damaged_on_the_way() {
    let (fixture, faults) = faulty().await;
    let body = pattern(400_000);
    let mut damaged = body.clone();
    damaged[299_999] ^= 1;
    faults.add(
        Rule::new(Fault::CorruptRequest { at: 299_999 })
            .method(Method::PUT)
            .times(1),
    );
    fixture.put("in", &body).await.expect(200);
    assert!(fixture.get("in").await.expect(200).body == damaged);
    fixture.put("out", &body).await.expect(200);
    faults.add(Rule::new(Fault::CorruptAnswer { at: 299_999 }).times(1));
    assert!(fixture.get("out").await.expect(200).body == damaged);
    assert!(fixture.get("out").await.expect(200).body == body);
}

#[tokio::test]
async fn checksums_are_told_wrong() {
    let (fixture, faults) = faulty().await;
    let right = fixture.put("k", b"123456789").await.expect(200);
    faults.add(Rule::new(Fault::WrongETag).times(1));
    faults.add(Rule::new(Fault::WrongCrc64).times(1));
    let wrong = fixture.put("k", b"123456789").await.expect(200);
    for name in ["ETag", "x-cos-hash-crc64ecma"] {
        assert_ne!(wrong.header(name).unwrap(), right.header(name).unwrap());
    }
}

#[tokio::test]
async fn answers_are_late_or_slow() {
    let (fixture, faults) = faulty().await;
    fixture.put("k", &[1; 10]).await.expect(200);
    for fault in [
        Fault::Delay(Duration::from_millis(100)),
        Fault::SlowAnswer {
            piece: 1,
            pause: Duration::from_millis(20),
        },
    ] {
        faults.add(Rule::new(fault).times(1));
        let since = Instant::now();
        assert_eq!(fixture.get("k").await.expect(200).body, [1; 10]);
        assert!(since.elapsed() >= Duration::from_millis(100));
    }
}

#[tokio::test]
async fn the_journal_tells_what_was_asked() {
    let journal = Journal::new().keep_bodies(10);
    let given = journal.clone();
    let fixture = Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).journal(given)).await;
    let put = fixture.object("PUT", "a%20b").header("x-cos-meta-a", "1");
    put.body(b"abc").send().await.expect(200);
    fixture.put("long", &pattern(70_000)).await.expect(200);
    fixture
        .get("absent?x-cos-security-token=secret&versionId=null")
        .await
        .expect(403);
    let seen = journal.exchanges();
    assert_eq!(seen.len(), 3);
    assert_eq!(
        (&seen[0].method, seen[0].path.as_str()),
        (&Method::PUT, "/examplebucket-1250000000/a b")
    );
    assert_eq!(seen[0].header("x-cos-meta-a"), Some("1"));
    assert_eq!(seen[0].body.as_deref(), Some(&b"abc"[..]));
    assert_eq!((seen[0].body_length, seen[0].status), (3, Some(StatusCode::OK)));
    assert_eq!(seen[1].body_sha256[..], Sha256::digest(pattern(70_000))[..]);
    assert_eq!((seen[1].body_length, &seen[1].body), (70_000, &None));
    assert_eq!(seen[2].param("versionId"), Some("null"));
    let text = format!("{seen:?}");
    assert!(!text.contains("secret") && !text.contains("q-signature") && !text.contains("authorization"));
    assert!(seen.iter().all(|exchange| exchange.ended.is_some()));
    assert_eq!(journal.max_concurrency(), 1);
}

#[tokio::test]
async fn the_journal_tells_what_happened_at_the_same_time() {
    let (journal, faults) = (Journal::new(), Faults::new());
    faults.add(Rule::new(Fault::Delay(Duration::from_millis(200))));
    let given = (journal.clone(), faults.clone());
    let fixture = Fixture::with(|server| server.journal(given.0).faults(given.1)).await;
    tokio::join!(fixture.get("a"), fixture.get("b"), fixture.get("c"));
    fixture.get("d").await;
    assert_eq!(journal.max_concurrency(), 3);
    let seen = journal.exchanges();
    assert!(seen[0].overlaps(&seen[2]) && !seen[0].overlaps(&seen[3]));
}
