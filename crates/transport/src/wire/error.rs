//! The service's error document.

use super::xml::{Element, XmlError};

/// `<Error>`: what the service says of a request that it refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorDocument {
    /// Such as `NoSuchKey`.
    pub code: String,
    /// For people.
    pub message: String,
    /// What the request was about.
    pub resource: String,
    /// Names the request in the service's logs.
    pub request_id: String,
    /// Names it there more precisely.
    pub trace_id: String,
}

impl ErrorDocument {
    /// Reads the document.
    ///
    /// # Errors
    /// When it is not an `<Error>`.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "Error")?;
        let text = |name| root.text_of(name).unwrap_or_default().to_owned();
        Ok(Self {
            code: text("Code"),
            message: text("Message"),
            resource: text("Resource"),
            request_id: text("RequestId"),
            trace_id: text("TraceId"),
        })
    }

    /// The document as XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        Element::new("Error")
            .leaf("Code", &self.code)
            .leaf("Message", &self.message)
            .leaf("Resource", &self.resource)
            .leaf("RequestId", &self.request_id)
            .leaf("TraceId", &self.trace_id)
    }
}
