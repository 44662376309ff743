//! Presigned URLs, checked as a server checks them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cos_transport::sign::{Authorization, CanonicalRequest};
use cos_transport::{percent_decode, percent_encode};
use http::Method;

use super::script::{Script, reply};

#[tokio::test]
async fn a_url_carries_token_parameters_and_header_list_and_sends_nothing() {
    let script = Script::new([reply("200 OK", &[], "")]).await;
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::DELETE] {
        let url = script
            .bucket(1)
            .presign_url(method.clone(), "dir/a b".parse().unwrap())
            .param("response-content-type", "text/plain; x=1")
            .version_id("v")
            .header("Content-Type", "text/plain")
            .header("x-cos-meta-a", "b")
            .expires_in(Duration::from_secs(7))
            .sign()
            .await
            .unwrap();
        let (path, query) = url.expose_url().split_once('?').unwrap();
        assert_eq!(path, format!("http://{}/bench-1/dir/a%20b", script.address()));
        let pairs: Vec<(String, String)> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(n, v)| (n.to_owned(), percent_decode(v).unwrap()))
            .collect();
        assert!(pairs.iter().all(|(_, v)| query.contains(&percent_encode(v))));
        let pairs = || pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let read = Authorization::from_pairs(pairs()).unwrap();
        assert_eq!(read.header_list, ["content-type", "host", "x-cos-meta-a"]);
        assert_eq!(
            read.param_list,
            ["response-content-type", "versionid", "x-cos-security-token"]
        );
        let canonical = CanonicalRequest::new(
            method.as_str(),
            "/bench-1/dir/a b",
            pairs().filter(|(n, _)| !n.starts_with("q-")),
            [
                ("host", script.address()),
                ("content-type", "text/plain"),
                ("x-cos-meta-a", "b"),
            ],
        );
        assert_eq!(read.signature, canonical.signature("secret", read.key_time));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(
            (now + 5..=now + 7).contains(&read.key_time.end),
            "{:?}",
            read.key_time
        );
        assert_eq!(url.method(), method);
    }
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn a_url_holds_a_quarter_of_an_hour_unless_said() {
    let script = Script::new([reply("200 OK", &[], "")]).await;
    let url = script.bucket(1).presign_url(Method::GET, "k".parse().unwrap());
    let left = url.sign().await.unwrap().expires_at().as_second() - jiff::Timestamp::now().as_second();
    assert!((898..=900).contains(&left), "{left}");
}
