//! Presigned URLs, as somebody uses them who has nothing but the URL.

use std::time::Duration;

use cos_transport::Body;
use cos_transport::http::{HttpConnector, HttpOptions, ProxyChoice, ReqwestConnector};
use cos_transport::object::PresignedUrl;
use http::{Method, Request, StatusCode};

use super::bench::conform;

async fn send(
    method: &Method,
    url: &str,
    headers: &[(String, String)],
    body: &'static str,
) -> (StatusCode, String) {
    let options = HttpOptions {
        proxy: match url.starts_with("http://127.") {
            true => ProxyChoice::None,
            false => ProxyChoice::FromEnvironment,
        },
        ..HttpOptions::default()
    };
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request = request.header("content-length", body.len());
    let answer = ReqwestConnector::new(&options)
        .unwrap()
        .call(request.body(Body::from(body)).unwrap())
        .await
        .unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect(1 << 20).await.unwrap();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

async fn use_url(url: &PresignedUrl, body: &'static str) -> (StatusCode, String) {
    send(url.method(), url.expose_url(), url.headers(), body).await
}

#[tokio::test]
async fn a_url_reads_one_object() {
    conform(&[], async |bench| {
        let key = bench.put("a b/é+", "text").await;
        let url = bench.bucket.presign_url(Method::GET, key.clone());
        let url = url
            .param("response-content-type", "text/html")
            .sign()
            .await
            .unwrap();
        assert_eq!(use_url(&url, "").await, (StatusCode::OK, "text".to_owned()));
        // Nothing else: no other object, no other method, nothing that was signed differently.
        let other = bench.put("other", "secret").await;
        let elsewhere = url.expose_url().replace(&key.to_url_path(), &other.to_url_path());
        let changed = url.expose_url().replace("text%2Fhtml", "text%2Fplain");
        for (method, url) in [
            (Method::GET, elsewhere.as_str()),
            (Method::GET, changed.as_str()),
            (Method::DELETE, url.expose_url()),
        ] {
            let (status, _) = send(&method, url, &[], "").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {url}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_url_writes_one_object_with_the_headers_it_names() {
    conform(&[], async |bench| {
        let key = bench.key("o");
        let url = bench.bucket.presign_url(Method::PUT, key.clone());
        let url = url.header("x-cos-meta-owner", "ann").sign().await.unwrap();
        let (status, _) = send(&Method::PUT, url.expose_url(), &[], "text").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let (status, _) = use_url(&url, "text").await;
        assert_eq!(status, StatusCode::OK);
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        assert_eq!(head.metadata().get("owner"), Some("ann"));
        assert_eq!(bench.text(&key).await, "text");
    })
    .await;
}

#[tokio::test]
async fn a_url_ends() {
    conform(&[], async |bench| {
        let key = bench.put("o", "text").await;
        let url = bench.bucket.presign_url(Method::GET, key);
        let url = url.expires_in(Duration::from_secs(1)).sign().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (status, _) = use_url(&url, "").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    })
    .await;
}
