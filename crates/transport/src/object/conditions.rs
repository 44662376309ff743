//! Conditions on the object that a request is about.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use jiff::Timestamp;

use crate::error::Error;
use crate::request::header_value;
use crate::types::ETag;

/// The four conditions of RFC 9110. Times have a precision of seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// Only if the object has this tag.
    pub if_match: Option<ETag>,
    /// Only if it has another.
    pub if_none_match: Option<ETag>,
    /// Only if it was written later.
    pub if_modified_since: Option<Timestamp>,
    /// Only if it was not written later.
    pub if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    pub(crate) fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let tag = |tag: &Option<ETag>| tag.as_ref().map(ETag::quoted);
        let time = |time: &Option<Timestamp>| time.map(http_date);
        let pairs: [(HeaderName, Option<String>); 4] = [
            (IF_MATCH, tag(&self.if_match)),
            (IF_NONE_MATCH, tag(&self.if_none_match)),
            (IF_MODIFIED_SINCE, time(&self.if_modified_since)),
            (IF_UNMODIFIED_SINCE, time(&self.if_unmodified_since)),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                let value = header_value(name.as_str(), &value)?;
                headers.insert(name, value);
            }
        }
        Ok(())
    }
}

/// A time as HTTP headers carry it.
pub(crate) fn http_date(time: Timestamp) -> String {
    // HTTP dates begin with 1970 here; nothing was stored before.
    let time = SystemTime::try_from(time).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH);
    httpdate::fmt_http_date(time)
}

/// The setters of every call that takes [`Conditions`], over its field `conditions`.
macro_rules! condition_setters {
    () => {
        /// Only if the object has this entity tag.
        pub fn if_match(mut self, etag: $crate::ETag) -> Self {
            self.conditions.if_match = Some(etag);
            self
        }

        /// Only if the object has another entity tag.
        pub fn if_none_match(mut self, etag: $crate::ETag) -> Self {
            self.conditions.if_none_match = Some(etag);
            self
        }

        /// Only if the object was written later than this.
        pub fn if_modified_since(mut self, time: jiff::Timestamp) -> Self {
            self.conditions.if_modified_since = Some(time);
            self
        }

        /// Only if the object was not written later than this.
        pub fn if_unmodified_since(mut self, time: jiff::Timestamp) -> Self {
            self.conditions.if_unmodified_since = Some(time);
            self
        }
    };
}
pub(crate) use condition_setters;
