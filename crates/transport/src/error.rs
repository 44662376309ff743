//! Errors, sorted by who is to blame.

use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;

use crate::credentials::CredentialsError;
use crate::name::NameError;
use crate::wire::select::EventStreamError;
use crate::wire::xml::XmlError;

/// Anything that can go wrong between a call and its result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service refused the request.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The service could not be reached, or the connection broke.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The caller asked for something impossible; nothing was sent.
    #[error("{0}")]
    InvalidInput(String),
    /// The bytes that arrived are not the bytes that were sent.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// The answer is not one that the service gives.
    #[error("{0}")]
    Protocol(String),
    /// There are no credentials to sign with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// What a transfer remembers on disk could not be written or read.
    #[error("the transfer's own notes failed: {0}")]
    State(#[source] io::Error),
    /// What has arrived could not be written.
    #[error("what arrived could not be written: {0}")]
    Destination(#[source] io::Error),
    /// The source of a body failed while it was read.
    #[error("the data to send could not be read: {0}")]
    Source(#[source] io::Error),
}

impl Error {
    /// How long the service wants to be left alone, when it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.service().and_then(|error| error.retry_after)
    }

    /// The service's answer, when it is one.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }

    /// True when the bucket, object, version or upload does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.service()
            .is_some_and(|error| error.status == StatusCode::NOT_FOUND)
    }

    /// True when a condition of the request (`If-Match` and the like) did not hold.
    #[must_use]
    pub fn is_precondition_failed(&self) -> bool {
        self.service().is_some_and(|e| {
            e.status == StatusCode::PRECONDITION_FAILED || e.status == StatusCode::NOT_MODIFIED
        })
    }

    /// True when the same request may succeed if it is sent again: the network failed, or the service stumbled.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Service(error) => error.is_retryable(),
            Self::Network(_) => true,
            _ => false,
        }
    }

    /// What the user can do about it, when there is something to say.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Service(error) => error.help(),
            Self::Network(error) => Some(error.help()),
            Self::Integrity(_) => Some("try again; if it happens again, the network or a proxy alters data"),
            Self::Credentials(_) => Some(
                "set COS_SECRET_ID and COS_SECRET_KEY in the environment (COS_SESSION_TOKEN for temporary ones)",
            ),
            _ => None,
        }
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidInput(message.into())
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::InvalidInput(error.to_string())
    }
}

impl From<XmlError> for Error {
    fn from(error: XmlError) -> Self {
        Self::Protocol(format!("the service's answer cannot be read: {error}"))
    }
}

impl From<EventStreamError> for Error {
    fn from(error: EventStreamError) -> Self {
        match error {
            EventStreamError::Crc { computed, stated } => IntegrityError::Message { computed, stated }.into(),
            other => Self::Protocol(other.to_string()),
        }
    }
}

/// A refusal by the service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// HTTP status.
    pub status: StatusCode,
    /// Such as `NoSuchKey`; empty when the answer had no body.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// What the request was about.
    pub resource: String,
    /// Names the request for the service's support.
    pub request_id: String,
    /// Names it more precisely.
    pub trace_id: String,
    /// How long the service wants to be left alone, when it says so (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// Where the bucket lives, when the service says that it lives elsewhere.
    pub region_hint: Option<String>,
    /// True when the object is hidden behind a delete marker: older versions of it are still there.
    pub delete_marker: bool,
}

impl ServiceError {
    /// True when the same request may succeed later: the service is overloaded or stumbled.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        // A conditional or plain 4xx stays what it is; these do not.
        self.status.is_server_error()
            || self.status == StatusCode::TOO_MANY_REQUESTS
            // Some of these also come as the document of an answer with the status 200.
            || matches!(self.code.as_str(), "RequestTimeout" | "InternalError" | "SlowDown" | "ServiceUnavailable")
    }

    fn help(&self) -> Option<&'static str> {
        if self.region_hint.is_some() {
            return Some("use the region that the service names");
        }
        let help = match self.code.as_str() {
            "NoSuchBucket" => "check the bucket's name, its account number (APPID) and the region",
            "SignatureDoesNotMatch" => "the secret key does not belong to this secret id, or is mistyped",
            "InvalidAccessKeyId" => "the secret id is unknown to the service; check COS_SECRET_ID",
            "RequestTimeTooSkewed" => "this computer's clock is wrong; set it and try again",
            "ExpiredToken" => "the temporary credentials have expired; get new ones",
            "AccessDenied" if self.message.contains("expired") => {
                "this computer's clock may be wrong, or the credentials are old"
            }
            "AccessDenied" => "these credentials may not do this; ask the bucket's owner for the permission",
            "InvalidObjectState" => "the object is archived; restore it first",
            "SlowDown" | "ServiceUnavailable" => "the service is busy; try again later",
            _ => match self.status.as_u16() {
                301 | 302 | 307 => {
                    "the service answers from another address; check the region and the endpoint"
                }
                401 | 403 => "these credentials may not do this; check them and the bucket's permissions",
                404 => "check the name; list the bucket to see what is there",
                _ => return None,
            },
        };
        Some(help)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.status.canonical_reason().unwrap_or("refused");
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => write!(f, "the service answered {} {reason}", self.status.as_u16())?,
            (code, "") => write!(f, "the service answered {code} ({})", self.status.as_u16())?,
            (code, message) => write!(
                f,
                "the service answered {code} ({}): {message}",
                self.status.as_u16()
            )?,
        }
        if let Some(region) = &self.region_hint {
            write!(f, "; the bucket lives in {region}")?;
        }
        if !self.request_id.is_empty() {
            write!(f, " [request {}]", self.request_id)?;
        }
        Ok(())
    }
}

impl std::error::Error for ServiceError {}

/// A connection that could not be made or did not last.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No connection: refused, unknown host, TLS.
    #[error("{host} could not be reached: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// The lowest cause, in the system's words.
        reason: String,
    },
    /// The connection broke in the middle.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// The lowest cause, in the system's words.
        reason: String,
    },
    /// Nothing moved for too long.
    #[error("{host} did not answer for {seconds} seconds")]
    Stalled {
        /// Host and port.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The time for the whole call, all attempts included, is over.
    #[error("the request to {host} was not done in {seconds} seconds")]
    TimedOut {
        /// Host and port.
        host: String,
        /// How long was allowed.
        seconds: u64,
    },
}

impl NetworkError {
    fn help(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "check the endpoint and the network, and whether the server runs",
            Self::TimedOut { .. } => "allow more time, or check the network",
            Self::Broken { .. } | Self::Stalled { .. } => "check the network and run the same command again",
        }
    }
}

/// Data that changed or got lost on its way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// What the service stored is not what was sent.
    #[error("the service received other bytes than were sent (CRC-64 {received}, sent {sent})")]
    Upload {
        /// CRC-64 of the bytes sent.
        sent: u64,
        /// CRC-64 that the service computed.
        received: u64,
    },
    /// What arrived is not what the service stored.
    #[error("other bytes arrived than the service has stored (CRC-64 {received}, stored {stored})")]
    Download {
        /// CRC-64 that the service states.
        stored: u64,
        /// CRC-64 of the bytes that arrived.
        received: u64,
    },
    /// A message of an event stream changed on its way.
    #[error("a message of the answer has changed on its way (CRC-32 {computed:08x}, stated {stated:08x})")]
    Message {
        /// CRC-32 of what arrived.
        computed: u32,
        /// CRC-32 that the message states.
        stated: u32,
    },
    /// A body ended early or went on too long.
    #[error("{received} bytes arrived where {expected} were announced")]
    Length {
        /// Bytes announced.
        expected: u64,
        /// Bytes that came.
        received: u64,
    },
}
