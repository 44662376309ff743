//! Faults on purpose: what tests need a server to do wrong, and when.

mod disturb;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

pub(crate) use disturb::{AnswerDisturbance, Cut, RequestDisturbance};

use crate::request::Line;

/// Rules about which requests go wrong, and how. Clones share the rules, so a test can add some while the server
/// runs.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use cos_local::{Fault, Faults, Rule, Server};
///
/// let faults = Faults::new();
/// // The second part that is uploaded is stored, but nobody is told; then the service is busy three times.
/// faults.add(Rule::new(Fault::DropAnswer).method(http::Method::PUT).query("partNumber", "2").times(1));
/// faults.add(Rule::new(Fault::slow_down(None)).path("/videos/").skip(1).times(3));
///
/// let folder = tempfile::tempdir()?;
/// let server = Server::new(folder.path()).faults(faults.clone()).start().await?;
/// // … requests …
/// server.shutdown().await;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

/// Which requests a fault meets. Without conditions, all.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    method: Option<Method>,
    path: Option<String>,
    query: Vec<(String, Option<String>)>,
    /// Matching requests that are spared yet.
    skip: u32,
    /// Matching requests that are still met.
    times: u32,
}

/// What goes wrong. Offsets count the bytes of a body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The request is refused with this status and error code, and nothing is done.
    Refuse {
        /// Status.
        status: StatusCode,
        /// Error code, such as `InternalError`.
        code: String,
        /// The header `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The answer has status 200 and an error document as its body, and nothing is done.
    ErrorInSuccess {
        /// Error code, such as `InternalError`.
        code: String,
    },
    /// Nothing happens for so long, then what usually happens.
    Delay(Duration),
    /// The connection is cut after so many bytes of the request's body were read; what was asked for is not done.
    CutRequest {
        /// Bytes that are read.
        after: u64,
    },
    /// The connection is cut after so many bytes of the answer's body.
    CutAnswer {
        /// Bytes that are sent.
        after: u64,
    },
    /// What was asked for is done and durable, then the connection is cut without an answer.
    DropAnswer,
    /// A bit of the request's body arrives wrong.
    CorruptRequest {
        /// Offset of the byte.
        at: u64,
    },
    /// A bit of the answer's body is sent wrong.
    CorruptAnswer {
        /// Offset of the byte.
        at: u64,
    },
    /// The answer's `ETag` is another one.
    WrongETag,
    /// The answer's `x-cos-hash-crc64ecma` is another one.
    WrongCrc64,
    /// The answer's body is sent in small pieces with pauses.
    SlowAnswer {
        /// Bytes of a piece, at least one.
        piece: usize,
        /// Before each piece.
        pause: Duration,
    },
}

impl Fault {
    /// The service is busy: status 503 with the code `SlowDown`.
    #[must_use]
    pub fn slow_down(retry_after: Option<Duration>) -> Fault {
        Fault::Refuse {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "SlowDown".to_owned(),
            retry_after,
        }
    }
}

impl Rule {
    /// Every request meets this fault.
    #[must_use]
    pub fn new(fault: Fault) -> Rule {
        Rule {
            fault,
            method: None,
            path: None,
            query: Vec::new(),
            skip: 0,
            times: u32::MAX,
        }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Rule {
        self.method = Some(method);
        self
    }

    /// Only requests whose decoded path holds this text.
    #[must_use]
    pub fn path(mut self, part: impl Into<String>) -> Rule {
        self.path = Some(part.into());
        self
    }

    /// Only requests with this parameter and value.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Rule {
        self.query.push((name.into(), Some(value.into())));
        self
    }

    /// Only requests with this parameter, whatever its value.
    #[must_use]
    pub fn has_query(mut self, name: impl Into<String>) -> Rule {
        self.query.push((name.into(), None));
        self
    }

    /// The first so many matching requests are spared: `skip(n - 1).times(1)` is the n-th.
    #[must_use]
    pub fn skip(mut self, requests: u32) -> Rule {
        self.skip = requests;
        self
    }

    /// At most so many matching requests are met.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Rule {
        self.times = requests;
        self
    }

    fn matches(&self, line: &Line) -> bool {
        let has = |(name, value): &(String, Option<String>)| {
            let mut named = line.query.iter().filter(|(n, _)| n == name);
            named.any(|(_, v)| value.as_ref().is_none_or(|value| value == v))
        };
        self.method.as_ref().is_none_or(|method| *method == line.method)
            && self
                .path
                .as_ref()
                .is_none_or(|part| line.path.contains(part.as_str()))
            && self.query.iter().all(has)
    }

    /// Counts a matching request. Gives whether it is met.
    fn count(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let is_met = self.times > 0;
        self.times = self.times.saturating_sub(1);
        is_met
    }
}

impl Faults {
    /// No rules yet: everything goes well.
    #[must_use]
    pub fn new() -> Faults {
        Faults::default()
    }

    /// From now on this rule holds too.
    pub fn add(&self, rule: Rule) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// From now on everything goes well.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What goes wrong with a request.
    pub(crate) fn plan(&self, line: &Line) -> Plan {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matching = rules.iter_mut().filter(|rule| rule.matches(line));
        let met = matching.filter_map(|rule| rule.count().then(|| rule.fault.clone()));
        Plan(met.collect())
    }
}

/// What goes wrong with one request.
#[derive(Debug, Default)]
pub(crate) struct Plan(Vec<Fault>);

/// An answer instead of the one that the request deserves.
#[derive(Debug)]
pub(crate) struct Instead {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Plan {
    pub(crate) fn delay(&self) -> Duration {
        let delays = self.0.iter().filter_map(|fault| match fault {
            Fault::Delay(delay) => Some(*delay),
            _ => None,
        });
        delays.sum()
    }

    pub(crate) fn instead(&self) -> Option<Instead> {
        self.0.iter().find_map(|fault| match fault {
            Fault::Refuse {
                status,
                code,
                retry_after,
            } => Some(Instead {
                status: *status,
                code: code.clone(),
                retry_after: *retry_after,
            }),
            Fault::ErrorInSuccess { code } => Some(Instead {
                status: StatusCode::OK,
                code: code.clone(),
                retry_after: None,
            }),
            _ => None,
        })
    }

    pub(crate) fn drops_answer(&self) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::DropAnswer))
    }

    pub(crate) fn change_headers(&self, headers: &mut HeaderMap) {
        const CRC64: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");
        for fault in &self.0 {
            match fault {
                Fault::WrongETag if headers.contains_key(header::ETAG) => {
                    let wrong = HeaderValue::from_static("\"00000000000000000000000000000000\"");
                    headers.insert(header::ETAG, wrong);
                }
                Fault::WrongCrc64 => {
                    let right = headers.get(CRC64).and_then(|value| value.to_str().ok());
                    if let Some(right) = right.and_then(|value| value.parse::<u64>().ok()) {
                        headers.insert(CRC64, (right ^ 1).into());
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn on_request(&self) -> RequestDisturbance {
        let mut disturbance = RequestDisturbance::default();
        for fault in &self.0 {
            match fault {
                Fault::CutRequest { after } => disturbance.cut_after = Some(*after),
                Fault::CorruptRequest { at } => disturbance.corrupt_at = Some(*at),
                _ => {}
            }
        }
        disturbance
    }

    pub(crate) fn on_answer(&self) -> Option<AnswerDisturbance> {
        let mut disturbance = AnswerDisturbance::default();
        let mut is_any = false;
        for fault in &self.0 {
            match fault {
                Fault::CutAnswer { after } => disturbance.cut_after = Some(*after),
                Fault::CorruptAnswer { at } => disturbance.corrupt_at = Some(*at),
                Fault::SlowAnswer { piece, pause } => disturbance.drip = Some(((*piece).max(1), *pause)),
                _ => continue,
            }
            is_any = true;
        }
        is_any.then_some(disturbance)
    }
}
