//! A client that sends exactly the bytes it is told to and shows exactly the bytes that came back.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use cos_local::{Running, Server};
use cos_transport::Credentials;
use cos_transport::sign::{CanonicalRequest, KeyTime};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const BUCKET: &str = "examplebucket-1250000000";

/// A server to send to.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Arc<Credentials>,
}

/// A server on a folder of its own, with one bucket.
pub(crate) struct Fixture {
    pub(crate) server: Running,
    pub(crate) folder: TempDir,
    peer: Peer,
}

impl Deref for Fixture {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl Fixture {
    pub(crate) async fn new() -> Fixture {
        Fixture::with(|server| server.bucket(BUCKET.parse().unwrap())).await
    }

    pub(crate) async fn with(configure: impl FnOnce(Server) -> Server) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let server = configure(Server::new(folder.path())).start().await.unwrap();
        let peer = Peer {
            address: server.address(),
            credentials: server.credentials().clone(),
        };
        Fixture { server, folder, peer }
    }
}

impl Peer {
    /// A request on an object of the bucket; the path is percent-encoded.
    pub(crate) fn object(&self, method: &str, key: &str) -> Call<'_> {
        self.call(method, &format!("/{BUCKET}/{key}"))
    }

    pub(crate) fn call(&self, method: &str, uri: &str) -> Call<'_> {
        Call {
            peer: self,
            method: method.to_owned(),
            uri: uri.to_owned(),
            host: self.address.to_string(),
            headers: Vec::new(),
            body: None,
            signing: Signing::default(),
        }
    }

    pub(crate) async fn put(&self, key: &str, body: &[u8]) -> Answer {
        self.object("PUT", key).body(body).send().await
    }

    pub(crate) async fn get(&self, key: &str) -> Answer {
        self.object("GET", key).send().await
    }
}

/// How a request is signed.
pub(crate) struct Signing {
    pub(crate) secret_id: Option<String>,
    pub(crate) secret_key: Option<String>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) sign: bool,
    pub(crate) signed_host: Option<String>,
}

impl Default for Signing {
    fn default() -> Self {
        Signing {
            secret_id: None,
            secret_key: None,
            start: -60,
            end: 600,
            sign: true,
            signed_host: None,
        }
    }
}

pub(crate) struct Call<'f> {
    peer: &'f Peer,
    method: String,
    pub(crate) uri: String,
    host: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    pub(crate) signing: Signing,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// With its Content-Length.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = Some(body.to_owned());
        self.header("Content-Length", &body.len().to_string())
    }

    pub(crate) fn signing(mut self, change: impl FnOnce(&mut Signing)) -> Self {
        change(&mut self.signing);
        self
    }

    /// The head as it goes over the wire, without what ends it.
    pub(crate) fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.uri, self.host);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.signing.sign {
            head.push_str(&format!("Authorization: {}\r\n", self.authorization()));
        }
        head
    }

    pub(crate) fn authorization(&self) -> String {
        let (path, query) = self.uri.split_once('?').unwrap_or((&self.uri, ""));
        let decode = |text: &str| cos_transport::percent_decode(text).unwrap();
        let params: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let host = self.signing.signed_host.as_ref().unwrap_or(&self.host);
        let mut headers = vec![("host".to_owned(), host.clone())];
        headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.clone())),
        );
        let canonical = CanonicalRequest::new(
            &self.method,
            &decode(path),
            params.iter().map(|(n, v)| (n.as_str(), v.as_str())),
            headers.iter().map(|(n, v)| (n.as_str(), v.as_str())),
        );
        let credentials: &Credentials = &self.peer.credentials;
        let id = self
            .signing
            .secret_id
            .as_deref()
            .unwrap_or(credentials.secret_id());
        let key = self
            .signing
            .secret_key
            .as_deref()
            .unwrap_or(credentials.secret_key());
        canonical.authorization(id, key, self.time())
    }

    fn time(&self) -> KeyTime {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let at = |offset: i64| u64::try_from(now + offset).unwrap();
        KeyTime {
            start: at(self.signing.start),
            end: at(self.signing.end),
        }
    }

    /// Sends the request on a connection of its own and reads until the server closes it.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    pub(crate) async fn try_send(self) -> io::Result<Answer> {
        let mut message = format!("{}Connection: close\r\n\r\n", self.head()).into_bytes();
        message.extend_from_slice(self.body.as_deref().unwrap_or_default());
        raw(self.peer, &message).await
    }
}

/// Sends bytes and reads until the server closes the connection.
///
/// # Errors
/// When the connection breaks or ends before there is an answer.
pub(crate) async fn raw(peer: &Peer, message: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(peer.address).await?;
    stream.write_all(message).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Answer::parse(&answer))
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names as they were spelled.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Answer {
        let end = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("an answer has a head");
        let head: String = bytes[..end].iter().copied().map(char::from).collect();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Answer {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The value of a header spelled exactly so.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of the document's first element of that name.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text().split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    pub(crate) fn elements(&self, name: &str) -> Vec<&str> {
        let parts = self
            .text()
            .split(&format!("<{name}>"))
            .skip(1)
            .collect::<Vec<_>>();
        parts
            .into_iter()
            .map(|part| part.split_once(&format!("</{name}>")).unwrap().0)
            .collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Answer {
        let answer = self.expect(status);
        assert_eq!(answer.element("Code"), Some(code), "{}", answer.text());
        answer
    }
}

/// Bytes that differ from their neighbours.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// How many bodies are in files, stored or on their way.
pub(crate) fn body_files(folder: &Path) -> usize {
    let shards = fs::read_dir(folder.join("objects")).unwrap();
    let stored: usize = shards
        .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum();
    stored + fs::read_dir(folder.join("incoming")).unwrap().count()
}
