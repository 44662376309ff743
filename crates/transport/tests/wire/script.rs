//! The scripted server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cos_transport::{Bucket, Client, Credentials, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Never answers.
    Silence,
    /// Closes without an answer.
    Close,
}

/// An answer with a length.
pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    Reply::Bytes(
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
        .into(),
    )
}

/// An answer as it is.
pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply::Bytes(bytes.into())
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Script {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Script {
    /// Answers the first request with the first reply, and so on; the last one again and again.
    pub(crate) async fn new(replies: impl Into<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (replies, log) = (replies.into(), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (replies, log) = (replies.clone(), Arc::clone(&log));
                tokio::spawn(serve(stream, replies, log));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A bucket whose client tries up to `attempts` times, quickly, and waits a second for a dead server.
    pub(crate) fn bucket(&self, attempts: u32) -> Bucket {
        let first_delay = Duration::from_millis(1);
        Client::builder()
            .endpoint(format!("http://{}", self.address).parse().unwrap())
            .credentials(
                Credentials::new("AKID", "secret")
                    .unwrap()
                    .with_token("token")
                    .unwrap(),
            )
            .retry(RetryPolicy {
                attempts,
                first_delay,
                ..RetryPolicy::default()
            })
            .stall_timeout(Duration::from_secs(1))
            .build()
            .unwrap()
            .bucket("bench-1".parse().unwrap())
    }
}

async fn serve(mut stream: TcpStream, replies: Vec<Reply>, log: Arc<Mutex<Vec<Request>>>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request);
        log.len() - 1
    };
    match replies[number.min(replies.len() - 1)].clone() {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
        Reply::Close => {}
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_len].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let mut request = Request {
        line,
        headers,
        body: bytes.split_off(head_len),
    };
    let length: usize = request.header("content-length").unwrap_or("0").parse().unwrap();
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            break;
        }
    }
    Some(request)
}
