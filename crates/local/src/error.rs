//! Refusals as the service words them: a code, its status, and the XML document.

use std::borrow::Cow;

use cos_transport::wire::error::ErrorDocument;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::store::StoreError;

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
    /// Elements of the document beyond the usual five.
    pub(crate) details: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with_detail(mut self, name: &'static str, value: String) -> Refusal {
        self.details.push((name, value));
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.headers.push((name, value));
        self
    }

    /// The body of the answer.
    pub(crate) fn document(&self, resource: &str, request_id: &str, trace_id: &str) -> String {
        let document = ErrorDocument {
            code: self.code.name().to_owned(),
            message: self.message.clone().into_owned(),
            resource: resource.to_owned(),
            request_id: request_id.to_owned(),
            trace_id: trace_id.to_owned(),
        };
        let element = document.to_element();
        self.details
            .iter()
            .fold(element, |element, (name, value)| element.leaf(name, value))
            .to_document()
    }
}

macro_rules! codes {
    ($($code:ident = $status:ident),+ $(,)?) => {
        /// The service's error codes, each with its one status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($code),+
        }

        impl Code {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Code::$code => stringify!($code)),+
                }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self {
                    $(Code::$code => StatusCode::$status),+
                }
            }
        }
    };
}

codes! {
    AccessDenied = FORBIDDEN,
    BadDigest = BAD_REQUEST,
    BucketAlreadyOwnedByYou = CONFLICT,
    BucketNotEmpty = CONFLICT,
    EntityTooLarge = BAD_REQUEST,
    IncompleteBody = BAD_REQUEST,
    InternalError = INTERNAL_SERVER_ERROR,
    InvalidAccessKeyId = FORBIDDEN,
    InvalidArgument = BAD_REQUEST,
    InvalidBucketName = BAD_REQUEST,
    InvalidDigest = BAD_REQUEST,
    InvalidObjectName = BAD_REQUEST,
    InvalidObjectState = FORBIDDEN,
    InvalidRange = RANGE_NOT_SATISFIABLE,
    InvalidURI = BAD_REQUEST,
    KeyTooLong = BAD_REQUEST,
    MetadataTooLarge = BAD_REQUEST,
    MethodNotAllowed = METHOD_NOT_ALLOWED,
    MissingContentLength = LENGTH_REQUIRED,
    NoSuchBucket = NOT_FOUND,
    NoSuchKey = NOT_FOUND,
    NoSuchVersion = NOT_FOUND,
    NotImplemented = NOT_IMPLEMENTED,
    PreconditionFailed = PRECONDITION_FAILED,
    RequestTimeTooSkewed = FORBIDDEN,
    RequestTimeout = BAD_REQUEST,
    ServiceUnavailable = SERVICE_UNAVAILABLE,
    SignatureDoesNotMatch = FORBIDDEN,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Refusal::new(code, code.default_message())
    }
}

impl Code {
    fn default_message(self) -> &'static str {
        match self {
            Code::AccessDenied => "Access Denied.",
            Code::BucketNotEmpty => "The bucket you tried to delete is not empty.",
            Code::BucketAlreadyOwnedByYou => "The bucket you tried to create already exists, and you own it.",
            Code::InvalidAccessKeyId => "The access key Id you provided does not exist in our records.",
            Code::InvalidObjectState => "The object is archived; it must be restored before it can be read.",
            Code::NoSuchBucket => "The specified bucket does not exist.",
            Code::NoSuchKey => "The specified key does not exist.",
            Code::PreconditionFailed => "At least one of the preconditions you specified did not hold.",
            Code::InternalError => "The server could not read or write its store; its log says more.",
            Code::ServiceUnavailable => "The server is stopping.",
            other => other.name(),
        }
    }
}

/// What the store refused becomes the service's code; what failed in it is logged here and told without details.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchBucket => Code::NoSuchBucket.into(),
            StoreError::BucketAlreadyExists => Code::BucketAlreadyOwnedByYou.into(),
            StoreError::BucketNotEmpty => Code::BucketNotEmpty.into(),
            StoreError::Closed => Code::ServiceUnavailable.into(),
            StoreError::Io { .. } | StoreError::Index(_) | StoreError::Damaged(_) | StoreError::BodyLost => {
                tracing::error!(%error, "the store failed");
                Code::InternalError.into()
            }
        }
    }
}
