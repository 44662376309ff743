//! A service that refuses, or is not there.

use std::time::{Duration, Instant};

use cos_e2e::{BUCKET, Bench, Exit, SECRET_ID, SECRET_KEY, url};
use cos_local::{Clock, Server};
use cos_transport::Credentials;

#[test]
fn no_such_bucket() {
    let bench = Bench::new();
    let source = bench.write("source", "x");
    let error = bench
        .coscrypt()
        .arg("put")
        .arg(source)
        .arg("cos://absent-1250000000/x")
        .fails(Exit::NotFound);
    assert!(
        error.contains("absent-1250000000 does not exist") && error.contains("APPID"),
        "{error}"
    );
    bench
        .coscrypt()
        .args(["ls", "cos://absent-1250000000/"])
        .fails(Exit::NotFound);
    bench
        .coscrypt()
        .args(["get", "cos://absent-1250000000/x", "-"])
        .fails(Exit::NotFound);
}

#[test]
fn a_wrong_secret_and_an_unknown_id() {
    let bench = Bench::new();
    bench.put("object", "data");
    let error = bench
        .coscrypt()
        .env("COS_SECRET_KEY", "wrong")
        .args(["get", &url("object"), "-"])
        .fails(Exit::NotPermitted);
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    bench
        .coscrypt()
        .env("COS_SECRET_ID", "AKIDNOBODY")
        .args(["ls", &url("")])
        .fails(Exit::NotPermitted);
}

#[test]
fn no_credentials() {
    let bench = Bench::new();
    let run = bench
        .bare()
        .env("COSCRYPT_KEY", bench.key())
        .env("COS_ENDPOINT", bench.endpoint());
    let error = run
        .env("COS_SECRET_ID", SECRET_ID)
        .args(["ls", &url("")])
        .fails(Exit::NotPermitted);
    assert!(error.contains("COS_SECRET_KEY"), "{error}");
}

#[test]
fn a_server_that_is_gone() {
    let mut bench = Bench::new();
    bench.put("object", "data");
    let source = bench.write("source", "x");
    bench.kill_server();
    let started = Instant::now();
    let error = bench
        .coscrypt()
        .arg("put")
        .arg(source)
        .arg(url("x"))
        .fails(Exit::Failed);
    assert!(error.contains("127.0.0.1"), "{error}");
    bench
        .coscrypt()
        .arg("get")
        .arg(url("object"))
        .arg(bench.path("out"))
        .fails(Exit::Failed);
    assert!(!bench.path("out").exists());
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "two failures took {:?}",
        started.elapsed()
    );
}

#[test]
fn a_clock_that_is_off_says_so() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = Clock::system();
    let server = Server::new(bench.path("skewed"))
        .clock(clock.clone())
        .bucket(BUCKET.parse().unwrap());
    let server = server.credentials(Credentials::new(SECRET_ID, SECRET_KEY).unwrap());
    let server = runtime.block_on(server.start()).unwrap();
    let list = || {
        bench
            .coscrypt()
            .env("COS_ENDPOINT", server.endpoint())
            .args(["ls", &url("")])
    };

    list().succeeds();
    // The computer's clock is fast: its signatures are not valid yet.
    clock.set_behind(Duration::from_secs(20 * 60));
    let error = list().fails(Exit::NotPermitted);
    assert!(
        error.contains("RequestTimeTooSkewed") && error.contains("clock"),
        "{error}"
    );
    // It is slow by days: they are not valid any more.
    clock.set_ahead(Duration::from_secs(2 * 24 * 3600));
    let error = list().fails(Exit::NotPermitted);
    assert!(error.contains("expired"), "{error}");
    runtime.block_on(server.shutdown());
}
