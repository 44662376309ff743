//! The metadata service of a virtual machine, and what becomes of its credentials.

use std::time::{Duration, Instant};

use cos_transport::credentials::{CredentialsError, InstanceCredentials, RefreshingCredentials};
use cos_transport::{Client, CredentialsProvider, RetryPolicy};
use jiff::{SignedDuration, Timestamp};

use super::script::{Reply, Script, reply};

fn role(id: &str, life_seconds: i64) -> Reply {
    let end = Timestamp::now() + SignedDuration::from_secs(life_seconds);
    let document = serde_json::json!({
        "TmpSecretId": id, "TmpSecretKey": "secret", "Token": "token", "Code": "Success",
        "ExpiredTime": end.as_second(), "Expiration": end.to_string(),
    });
    reply("200 OK", &[], &document.to_string())
}

fn instance(script: &Script) -> InstanceCredentials {
    let address = format!("http://{}", script.address()).parse().unwrap();
    InstanceCredentials::new().unwrap().address(&address)
}

#[tokio::test]
async fn the_role_is_looked_up_and_its_credentials_read() {
    let script = Script::new([reply("200 OK", &[], "my role\n"), role("AKID", 600)]).await;
    let got = instance(&script).credentials().await.unwrap();
    assert_eq!((got.secret_id(), got.token()), ("AKID", Some("token")));
    let left = got.expires_at().unwrap().as_second() - Timestamp::now().as_second();
    assert!((598..=600).contains(&left), "{left}");
    let lines: Vec<_> = script.requests().into_iter().map(|r| r.line).collect();
    let path = "/latest/meta-data/cam/security-credentials/";
    assert_eq!(
        lines,
        [
            format!("GET {path} HTTP/1.1"),
            format!("GET {path}my%20role HTTP/1.1")
        ]
    );
    assert!(script.requests()[0].header("authorization").is_none());
}

#[tokio::test]
async fn a_stumbling_service_is_asked_again() {
    let script = Script::new([reply("500 Oops", &[], ""), Reply::Close, role("AKID", 600)]).await;
    let got = instance(&script).role("r").credentials().await.unwrap();
    assert_eq!((got.secret_id(), script.requests().len()), ("AKID", 3));
}

#[tokio::test]
async fn a_machine_without_a_role_has_no_credentials() {
    for nothing in [reply("404 Not Found", &[], "no"), reply("200 OK", &[], "\n")] {
        let script = Script::new([nothing]).await;
        let error = instance(&script).credentials().await.unwrap_err();
        assert_eq!(error, CredentialsError::Missing);
    }
    for fault in [
        reply("404 Not Found", &[], "no"),
        reply("302 Found", &[("Location", "http://127.0.0.1:1/")], ""),
        reply("200 OK", &[], "<html/>"),
        reply("200 OK", &[], &" ".repeat(70_000)),
    ] {
        let script = Script::new([fault]).await;
        let error = instance(&script).role("r").credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::Provider(_)), "{error}");
    }
}

#[tokio::test]
async fn a_silent_service_does_not_hold_a_request_for_long() {
    let script = Script::new([Reply::Silence]).await;
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let error = instance(&script).role("r").credentials().await.unwrap_err();
    assert!(matches!(error, CredentialsError::Provider(_)), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn requests_are_signed_with_what_the_provider_gives_and_it_is_asked_once() {
    let metadata = Script::new([role("AKID-ROLE", 3600)]).await;
    let service = Script::new([reply("200 OK", &[("ETag", "\"e\"")], "")]).await;
    let bucket = Client::builder()
        .endpoint(format!("http://{}", service.address()).parse().unwrap())
        .credentials_provider(RefreshingCredentials::new(instance(&metadata).role("r")))
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
        .bucket("bench-1".parse().unwrap());
    let started = Instant::now();
    let puts = (0..20).map(|i| bucket.put_object(format!("k{i}").parse().unwrap(), "x").send());
    for put in futures_util::future::join_all(puts).await {
        put.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(metadata.requests().len(), 1);
    let requests = service.requests();
    assert_eq!(requests.len(), 20);
    for request in requests {
        assert!(
            request
                .header("authorization")
                .unwrap()
                .contains("q-ak=AKID-ROLE&")
        );
        assert_eq!(request.header("x-cos-security-token"), Some("token"));
    }
}
