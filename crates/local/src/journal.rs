//! A journal of what a server was asked, for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::request::Line;

/// Parameters and headers that are never written down.
const SECRET: [&str; 4] = ["authorization", "q-signature", "sign", "x-cos-security-token"];

/// Records every request of a server. Clones share the record.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use cos_local::{Journal, Server};
///
/// let journal = Journal::new().keep_bodies(1024);
/// let folder = tempfile::tempdir()?;
/// let server = Server::new(folder.path()).journal(journal.clone()).start().await?;
/// // … requests …
/// server.shutdown().await;
/// for exchange in journal.exchanges() {
///     println!("{} {} {:?}", exchange.method, exchange.path, exchange.status);
/// }
/// assert!(journal.max_concurrency() <= 8);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Journal {
    record: Arc<Mutex<Record>>,
    keep: usize,
}

#[derive(Debug, Default)]
struct Record {
    exchanges: Vec<Exchange>,
    /// Counts beginnings and ends.
    events: u64,
}

/// A request and how it was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// When its head had arrived: beginnings and ends of all exchanges are numbered in one order.
    pub started: u64,
    /// When its answer was sent or given up, in the same order; none while it is under way.
    pub ended: Option<u64>,
    /// Method.
    pub method: Method,
    /// Decoded path.
    pub path: String,
    /// Decoded parameters, without signatures and tokens.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case, without signatures and tokens.
    pub headers: Vec<(String, String)>,
    /// Length of the body as far as it was read, in bytes.
    pub body_length: u64,
    /// SHA-256 of the body as far as it was read.
    pub body_sha256: [u8; 32],
    /// The body, where the journal keeps bodies of its length.
    pub body: Option<Bytes>,
    /// Status of the answer; none when the connection was cut without one, or before there is one.
    pub status: Option<StatusCode>,
}

impl Exchange {
    /// The value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The value of a header, its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether two exchanges were under way at the same time.
    #[must_use]
    pub fn overlaps(&self, other: &Exchange) -> bool {
        let ended = |exchange: &Exchange| exchange.ended.unwrap_or(u64::MAX);
        self.started < ended(other) && other.started < ended(self)
    }
}

impl Journal {
    /// An empty journal that keeps no bodies.
    #[must_use]
    pub fn new() -> Journal {
        Journal::default()
    }

    /// Keeps bodies of up to so many bytes.
    #[must_use]
    pub fn keep_bodies(mut self, up_to: usize) -> Journal {
        self.keep = up_to;
        self
    }

    /// All exchanges so far, in the order in which their heads arrived.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.record().exchanges.clone()
    }

    /// Forgets all exchanges so far. Not to be used while requests are under way.
    pub fn clear(&self) {
        self.record().exchanges.clear();
    }

    /// How many exchanges were under way at the same time, at most.
    #[must_use]
    pub fn max_concurrency(&self) -> usize {
        let record = self.record();
        let mut events: Vec<(u64, bool)> = Vec::new();
        for exchange in &record.exchanges {
            events.push((exchange.started, true));
            events.extend(exchange.ended.map(|ended| (ended, false)));
        }
        events.sort_unstable();
        let (mut now, mut most) = (0_usize, 0);
        for (_, begins) in events {
            now = if begins { now + 1 } else { now.saturating_sub(1) };
            most = most.max(now);
        }
        most
    }

    /// Notes a request whose head has arrived.
    pub(crate) fn begin(&self, line: &Line, headers: &HeaderMap) -> Ticket {
        let is_open = |name: &str| !SECRET.contains(&name.to_ascii_lowercase().as_str());
        let query = line.query.iter().filter(|(name, _)| is_open(name)).cloned();
        let headers = headers
            .iter()
            .filter(|(name, _)| **name != header::AUTHORIZATION && is_open(name.as_str()));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let mut record = self.record();
        let started = record.next_event();
        let index = record.exchanges.len();
        record.exchanges.push(Exchange {
            started,
            ended: None,
            method: line.method.clone(),
            path: line.path.clone(),
            query: query.collect(),
            headers: headers.collect(),
            body_length: 0,
            body_sha256: Sha256::digest(b"").into(),
            body: (self.keep > 0).then(Bytes::new),
            status: None,
        });
        Ticket {
            journal: self.clone(),
            index,
            started,
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn next_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}

/// The place of one exchange in the journal. Dropped, it ends the exchange.
#[derive(Debug)]
pub(crate) struct Ticket {
    journal: Journal,
    index: usize,
    started: u64,
}

impl Ticket {
    /// Listens to the request's body.
    pub(crate) fn listener(&self) -> Listener {
        Listener {
            hash: Sha256::new(),
            length: 0,
            kept: BytesMut::new(),
            keep: self.journal.keep,
        }
    }

    /// Notes what was heard of the request's body, and the status of the answer.
    pub(crate) fn note(&self, heard: Listener, status: Option<StatusCode>) {
        self.with(|exchange, _| {
            exchange.body_length = heard.length;
            exchange.body_sha256 = heard.hash.finalize().into();
            let is_kept = heard.keep > 0 && heard.length <= heard.keep as u64;
            exchange.body = is_kept.then(|| heard.kept.freeze());
            exchange.status = status;
        });
    }

    fn with(&self, change: impl FnOnce(&mut Exchange, u64)) {
        let mut record = self.journal.record();
        let event = record.next_event();
        // After the journal was cleared, the place may be another's.
        let exchange = record.exchanges.get_mut(self.index);
        if let Some(exchange) = exchange.filter(|exchange| exchange.started == self.started) {
            change(exchange, event);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.with(|exchange, event| exchange.ended = Some(event));
    }
}

/// Hashes a body on its way in.
#[derive(Debug)]
pub(crate) struct Listener {
    hash: Sha256,
    length: u64,
    kept: BytesMut,
    keep: usize,
}

impl Listener {
    pub(crate) fn hear(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.length += piece.len() as u64;
        if self.length <= self.keep as u64 {
            self.kept.extend_from_slice(piece);
        }
    }
}

fn find<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}
