//! How connections are made: time, proxies, certificates, the backup domain.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cos_transport::http::{
    CertificateBundle, HttpConnector, HttpOptions, ProxyChoice, ReqwestConnector, ResponseFuture, Trust,
};
use cos_transport::{
    BackupDomain, Body, Bucket, ByteStream, Client, ClientBuilder, Credentials, Error, NetworkError,
    RetryPolicy,
};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::script::{Reply, Script, reply};

fn builder(endpoint: &str, attempts: u32) -> ClientBuilder {
    Client::builder()
        .endpoint(endpoint.parse().unwrap())
        .credentials(Credentials::new("AKID", "secret").unwrap())
        .retry(RetryPolicy {
            attempts,
            first_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
}

fn bucket(builder: ClientBuilder) -> Bucket {
    builder.build().unwrap().bucket("bench-1".parse().unwrap())
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
}

#[tokio::test]
async fn a_call_ends_when_its_time_is_over() {
    for endless in [Reply::Silence, reply("503 Slow Down", &[], "")] {
        let script = Script::new([endless]).await;
        let builder = builder(&format!("http://{}", script.address()), 1_000_000);
        let bucket = bucket(builder.timeout(Duration::from_secs(1)));
        let started = Instant::now();
        let error = bucket.get_object("k".parse().unwrap()).send().await.unwrap_err();
        assert!(
            matches!(error, Error::Network(NetworkError::TimedOut { seconds: 1, .. })),
            "{error}"
        );
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_with_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 1000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let bucket = bucket(builder(&endpoint, 1).timeout(Duration::from_secs(1)));
    let got = bucket.get_object("k".parse().unwrap()).send().await.unwrap();
    let error = got.body.collect(1000).await.unwrap_err();
    assert!(
        matches!(error, Error::Network(NetworkError::TimedOut { seconds: 1, .. })),
        "{error}"
    );
}

#[tokio::test]
async fn an_explicit_proxy_is_used_and_told_its_password() {
    let proxy = Script::new([reply("200 OK", &[("ETag", "\"e\"")], "")]).await;
    let address = format!("http://ann:sesame@{}", proxy.address());
    let options = HttpOptions {
        proxy: ProxyChoice::Explicit(address.parse().unwrap()),
        ..HttpOptions::default()
    };
    // Nothing listens at the endpoint itself.
    let bucket = bucket(builder("http://127.0.0.1:1", 1).http_options(options));
    bucket.put_object("k".parse().unwrap(), "x").send().await.unwrap();
    let request = &proxy.requests()[0];
    assert_eq!(request.line, "PUT http://127.0.0.1:1/bench-1/k HTTP/1.1");
    assert_eq!(
        request.header("proxy-authorization"),
        Some("Basic YW5uOnNlc2FtZQ==")
    );
}

/// A server that speaks TLS with a certificate of its own, and the certificate.
async fn tls_server() -> (String, CertificateBundle) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            read_head(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e\"\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (endpoint, CertificateBundle::from_pem(made.cert.pem()).unwrap())
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_only_when_given() {
    let (endpoint, own) = tls_server().await;
    let (_, other) = tls_server().await;
    let head = async |trust: Trust| {
        let options = HttpOptions {
            trust,
            ..HttpOptions::default()
        };
        let bucket = bucket(builder(&endpoint, 1).http_options(options));
        bucket.head_object("k".parse().unwrap()).send().await
    };
    assert!(head(Trust::SystemAnd(own.clone())).await.is_ok());
    assert!(head(Trust::Only(own)).await.is_ok());
    for trust in [Trust::System, Trust::Only(other)] {
        let error = head(trust).await.unwrap_err();
        assert!(
            matches!(error, Error::Network(NetworkError::Connect { .. })),
            "{error}"
        );
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn damaged_certificates_are_refused_when_the_client_is_built() {
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let options = HttpOptions {
        trust: Trust::Only(CertificateBundle::from_pem(pem).unwrap()),
        ..HttpOptions::default()
    };
    assert!(matches!(
        ReqwestConnector::new(&options),
        Err(Error::InvalidInput(_))
    ));
}

/// Answers every request the same, and notes where it went and what for.
#[derive(Debug, Default)]
struct Recorder {
    answer: Option<(u16, &'static str)>,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl HttpConnector for Recorder {
    fn call(&self, request: Request<Body>) -> ResponseFuture<'_> {
        let text = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(text("host"), request.uri().host().unwrap());
        self.seen
            .lock()
            .unwrap()
            .push((text("host"), text("authorization")));
        let answer = match self.answer {
            None => Err(NetworkError::Broken {
                host: text("host"),
                reason: "gone".into(),
            }),
            Some((status, request_id)) => {
                let mut answer = Response::builder().status(status);
                if !request_id.is_empty() {
                    answer = answer.header("x-cos-request-id", request_id);
                }
                let empty = ByteStream::new(Some(0), futures_util::stream::empty());
                Ok(answer.body(empty).unwrap())
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn the_last_attempt_goes_to_the_backup_domain_when_nobody_answered() {
    let hosts = async |answer, switch, region: &str| {
        let recorder = Recorder {
            answer,
            ..Recorder::default()
        };
        let seen = Arc::clone(&recorder.seen);
        let builder = builder(&format!("https://cos.{region}.myqcloud.com"), 3).connector(recorder);
        let bucket = bucket(builder.backup_domain(switch));
        bucket.head_object("k".parse().unwrap()).send().await.unwrap_err();
        let seen = seen.lock().unwrap().clone();
        let signatures: std::collections::HashSet<_> = seen.iter().map(|(_, a)| a.clone()).collect();
        let hosts: Vec<_> = seen.into_iter().map(|(host, _)| host).collect();
        (hosts, signatures.len())
    };
    let first = "bench-1.cos.ap-seoul.myqcloud.com".to_owned();
    let backup = "bench-1.cos.ap-seoul.tencentcos.cn".to_owned();
    let kept = [first.clone(), first.clone(), first.clone()];
    for answer in [None, Some((502, ""))] {
        let (got, signatures) = hosts(answer, BackupDomain::OnLastAttempt, "ap-seoul").await;
        assert_eq!(got, [first.clone(), first.clone(), backup.clone()]);
        assert!(signatures > 1, "signed again for the other host");
        assert_eq!(hosts(answer, BackupDomain::Never, "ap-seoul").await.0, kept);
    }
    // The service itself answered: another way to it does not help.
    let (got, _) = hosts(Some((503, "R")), BackupDomain::OnLastAttempt, "ap-seoul").await;
    assert_eq!(got, kept);
    let (got, _) = hosts(None, BackupDomain::OnLastAttempt, "accelerate").await;
    assert_eq!(got[2], "bench-1.cos.accelerate.myqcloud.com");
}
