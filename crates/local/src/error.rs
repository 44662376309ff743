//! Refusals as the service words them: a code, its status, and the XML document.

use std::borrow::Cow;

use cos_transport::wire::error::ErrorDocument;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::handlers::{DELETE_MARKER, VERSION_ID};
use crate::store::{StateConflict, StoreError};

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
    AppendPositionErr = CONFLICT,
    BadDigest = BAD_REQUEST,
    BucketAlreadyOwnedByYou = CONFLICT,
    BucketNotEmpty = CONFLICT,
    EntityTooLarge = BAD_REQUEST,
    EntityTooSmall = BAD_REQUEST,
    IncompleteBody = BAD_REQUEST,
    InternalError = INTERNAL_SERVER_ERROR,
    InvalidAccessKeyId = FORBIDDEN,
    InvalidArgument = BAD_REQUEST,
    InvalidBucketName = BAD_REQUEST,
    InvalidDigest = BAD_REQUEST,
    InvalidObjectName = BAD_REQUEST,
    InvalidObjectState = FORBIDDEN,
    InvalidPart = BAD_REQUEST,
    InvalidPartOrder = BAD_REQUEST,
    InvalidRange = RANGE_NOT_SATISFIABLE,
    InvalidRequest = BAD_REQUEST,
    InvalidTag = BAD_REQUEST,
    InvalidURI = BAD_REQUEST,
    KeyTooLong = BAD_REQUEST,
    MalformedACLError = BAD_REQUEST,
    MalformedXML = BAD_REQUEST,
    MetadataTooLarge = BAD_REQUEST,
    MethodNotAllowed = METHOD_NOT_ALLOWED,
    MissingContentLength = LENGTH_REQUIRED,
    NoSuchBucket = NOT_FOUND,
    NoSuchCopySource = NOT_FOUND,
    NoSuchKey = NOT_FOUND,
    NoSuchUpload = NOT_FOUND,
    NoSuchVersion = NOT_FOUND,
    NotImplemented = NOT_IMPLEMENTED,
    ObjectNotAppendable = CONFLICT,
    ParseUnexpectedToken = BAD_REQUEST,
    PreconditionFailed = PRECONDITION_FAILED,
    RequestTimeTooSkewed = FORBIDDEN,
    RequestTimeout = BAD_REQUEST,
    RestoreAlreadyInProgress = CONFLICT,
    RestoreNonArchiveObject = METHOD_NOT_ALLOWED,
    ServiceUnavailable = SERVICE_UNAVAILABLE,
    SignatureDoesNotMatch = FORBIDDEN,
    UnsupportedSqlStructure = BAD_REQUEST,
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
            Code::InvalidPartOrder => "The parts must be named in ascending order of their numbers.",
            Code::NoSuchCopySource => "The object to copy from does not exist.",
            Code::NoSuchKey => "The specified key does not exist.",
            Code::NoSuchUpload => {
                "The specified upload does not exist: it was completed or aborted, or never begun."
            }
            Code::NoSuchVersion => "The specified version does not exist.",
            Code::ObjectNotAppendable => "The object was not made by appending.",
            Code::RestoreAlreadyInProgress => "The object is being restored already.",
            Code::RestoreNonArchiveObject => "The object is not archived: there is nothing to restore.",
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
            StoreError::NoSuchKey => Code::NoSuchKey.into(),
            StoreError::NoSuchVersion => Code::NoSuchVersion.into(),
            StoreError::DeleteMarker(version) => {
                let refusal = Refusal::from(Code::NoSuchKey)
                    .with_header(DELETE_MARKER, HeaderValue::from_static("true"));
                match HeaderValue::from_str(&version.id()) {
                    Ok(id) => refusal.with_header(VERSION_ID, id),
                    Err(_) => refusal,
                }
            }
            StoreError::NoSuchUpload => Code::NoSuchUpload.into(),
            StoreError::InvalidPart(number) => Refusal::new(
                Code::InvalidPart,
                format!("Part {number} was not uploaded, or with another ETag."),
            ),
            StoreError::PartTooSmall(number) => Refusal::new(
                Code::EntityTooSmall,
                format!("Part {number} is smaller than 1 MB and not the last."),
            ),
            StoreError::ObjectTooLarge => Refusal::new(
                Code::EntityTooLarge,
                "The object would be larger than is possible.",
            ),
            StoreError::WrongPosition(end) => Refusal::new(
                Code::AppendPositionErr,
                format!("The object ends at {end}, which is the only position to append at."),
            ),
            StoreError::NotAppendable => Code::ObjectNotAppendable.into(),
            StoreError::AppendWithVersions => Refusal::new(
                Code::InvalidRequest,
                "Objects cannot be appended to in a bucket that keeps versions.",
            ),
            StoreError::State(StateConflict::NotArchived) => Code::RestoreNonArchiveObject.into(),
            StoreError::State(StateConflict::RestoreInProgress) => Code::RestoreAlreadyInProgress.into(),
            StoreError::State(StateConflict::TierUnknown) => Refusal::new(
                Code::InvalidArgument,
                "DEEP_ARCHIVE is not restored with the tier Expedited; Standard and Bulk are possible.",
            ),
            StoreError::Closed => Code::ServiceUnavailable.into(),
            StoreError::Io { .. } | StoreError::Index(_) | StoreError::Damaged(_) | StoreError::BodyLost => {
                tracing::error!(%error, "the store failed");
                Code::InternalError.into()
            }
        }
    }
}
