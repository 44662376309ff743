//! TLS, exposure, and clients that send too much.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::sync::Arc;

use common::{Answer, BUCKET, Fixture, Peer};
use cos_local::{Exposure, Server, StartError, TlsError, TlsFiles};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn certificate(folder: &TempDir) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        certificates: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&files.certificates, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

#[tokio::test]
async fn with_a_certificate_the_server_speaks_tls_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (files, certificate) = certificate(&folder);
    let fixture = Fixture::with(|server| server.bucket(BUCKET.parse().unwrap()).tls(files)).await;
    assert!(fixture.server.endpoint().starts_with("https://127.0.0.1:"));
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    for (method, body) in [("PUT", "abc"), ("GET", "")] {
        let tcp = TcpStream::connect(fixture.address).await.unwrap();
        let mut stream = connector
            .connect("localhost".try_into().unwrap(), tcp)
            .await
            .unwrap();
        let call = fixture
            .object(method, "k")
            .header("Content-Length", &body.len().to_string());
        let message = format!("{}Connection: close\r\n\r\n{body}", call.head());
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = Answer::parse(&answer).expect(200);
        assert_eq!(answer.body, if method == "GET" { b"abc" } else { &b""[..] });
    }
    // In the clear there is no HTTP answer, only an alert or an end.
    let plain = std::panic::AssertUnwindSafe(fixture.object("GET", "k").try_send());
    let plain = futures_util::FutureExt::catch_unwind(plain).await;
    assert!(!matches!(plain, Ok(Ok(_))));
}

#[tokio::test]
async fn other_computers_are_let_in_only_on_purpose_and_with_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(&folder);
    let server = || {
        let server = Server::new(folder.path().join("store"));
        server.listen("0.0.0.0:0".parse().unwrap())
    };
    let exposed = |started| matches!(started, Err(StartError::Exposed { .. }));
    assert!(exposed(server().start().await));
    assert!(exposed(server().exposure(Exposure::Network).start().await));
    assert!(exposed(server().tls(files.clone()).start().await));
    let running = server()
        .exposure(Exposure::Network)
        .tls(files)
        .start()
        .await
        .unwrap();
    running.shutdown().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(&folder);
    let swapped = TlsFiles {
        certificates: files.key.clone(),
        key: files.certificates.clone(),
    };
    let absent = TlsFiles {
        certificates: folder.path().join("absent"),
        ..files
    };
    for files in [swapped, absent] {
        let refused = Server::new(folder.path().join("store")).tls(files).start().await;
        assert!(matches!(refused, Err(StartError::Tls(TlsError::File { .. }))));
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let fixture = Fixture::new().await;
    let status = async |peer: &Peer, head: String| {
        let mut stream = TcpStream::connect(peer.address).await.unwrap();
        // The server may answer and close before everything is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer)
            .chars()
            .skip(9)
            .take(3)
            .collect::<String>()
    };
    let many: String = (0..300).map(|i| format!("x-{i}: 1\r\n")).collect();
    let lines = [
        format!("GET / HTTP/1.1\r\n{many}\r\n"),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)),
    ];
    let statuses = [
        status(&fixture, lines[0].clone()).await,
        status(&fixture, lines[1].clone()).await,
    ];
    assert_eq!(statuses, ["431", "414"]);
    fixture.put("k", b"still serving").await.expect(200);
}
