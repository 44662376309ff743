//! One request: what is sent, before it is signed.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use url::Url;

use crate::body::Body;
use crate::checksum::content_md5;
use crate::credentials::Credentials;
use crate::error::{Error, invalid};
use crate::name::{Target, percent_encode};
use crate::sign::{CanonicalRequest, KeyTime, is_signed_header};
use crate::wire::xml::Element;

/// Whether the same request may be sent again when its fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Sending it twice is as good as once.
    Idempotent,
    /// Only an answer that says "not done" allows another try.
    AfterRefusalOnly,
}

/// What a good answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Headers, and a body to stream.
    Stream,
    /// A document, read whole as part of the attempt. It may be an error in spite of the status.
    Document,
}

/// A request in the making.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) repeat: Repeat,
    pub(crate) answer: Answer,
    /// How long the request may stand still, when that is not for the client to say.
    pub(crate) patience: Option<Duration>,
}

impl Call {
    pub(crate) fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            params: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            repeat: Repeat::Idempotent,
            answer: Answer::Stream,
            patience: None,
        }
    }

    /// Adds a query parameter.
    pub(crate) fn param(mut self, name: &'static str, value: impl ToString) -> Self {
        self.params.push((name, value.to_string()));
        self
    }

    /// Adds a query parameter when there is a value.
    pub(crate) fn maybe_param(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.param(name, value),
            None => self,
        }
    }

    pub(crate) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sends a document, with the Content-MD5 that the service wants for it, and expects one in return.
    pub(crate) fn with_document(mut self, document: &Element) -> Result<Self, Error> {
        let document = document.to_document();
        let md5 = header_value("content-md5", &content_md5(document.as_bytes()))?;
        self.headers.insert(HeaderName::from_static("content-md5"), md5);
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        self.body = Body::from(document);
        Ok(self.expecting_document())
    }

    pub(crate) fn expecting_document(mut self) -> Self {
        self.answer = Answer::Document;
        self
    }

    pub(crate) fn repeated(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    fn url(&self) -> Url {
        let mut url = self.target.url.clone();
        if !self.params.is_empty() {
            let pair = |(name, value): &(&str, String)| format!("{name}={}", percent_encode(value));
            url.set_query(Some(&self.params.iter().map(pair).collect::<Vec<_>>().join("&")));
        }
        url
    }

    /// The signed request, without its body, for `body_len` bytes. `extra` are headers that this attempt adds.
    pub(crate) fn sign(
        &self,
        credentials: &Credentials,
        body_len: u64,
        time: KeyTime,
        extra: &HeaderMap,
    ) -> Result<Request<()>, Error> {
        let url = self.url();
        let mut headers = self.headers.clone();
        headers.extend(extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.insert(HOST, header_value("host", &authority(&url))?);
        if self.method != Method::GET && self.method != Method::HEAD && self.method != Method::DELETE {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body_len));
        }
        if let Some(token) = credentials.token() {
            let mut token = header_value("x-cos-security-token", token)?;
            token.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-cos-security-token"), token);
        }
        let signed = headers.iter().filter(|(name, _)| is_signed_header(name.as_str()));
        let signed: Vec<_> = signed
            .filter_map(|(n, v)| Some((n.as_str(), std::str::from_utf8(v.as_bytes()).ok()?)))
            .collect();
        let params = self.params.iter().map(|(name, value)| (*name, value.as_str()));
        let canonical = CanonicalRequest::new(self.method.as_str(), &self.target.signed_path, params, signed);
        let authorization = canonical.authorization(credentials.secret_id(), credentials.secret_key(), time);
        let mut authorization = header_value("authorization", &authorization)?;
        authorization.set_sensitive(true);
        headers.insert(http::header::AUTHORIZATION, authorization);

        let uri: Uri = url
            .as_str()
            .parse()
            .map_err(|_| invalid("the request's address is too long"))?;
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// Host, and port when it is not the scheme's own: what the `Host` header says.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A header value that a user gave.
pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    let printable = value.bytes().all(|b| (b' '..=b'~').contains(&b));
    let trimmed = value.trim_matches(' ').len() == value.len();
    match HeaderValue::from_str(value) {
        Ok(header) if printable && trimmed => Ok(header),
        _ => Err(invalid(format!(
            "the value of {name} cannot be a header: printable ASCII only, without spaces at its ends; \
             percent-encode other characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_encoded_once_and_signed_decoded() {
        let target = "http://127.0.0.1:9"
            .parse::<crate::Endpoint>()
            .unwrap()
            .target(&"b-1".parse().unwrap(), None)
            .unwrap();
        let call = Call::new(Method::GET, target)
            .param("prefix", "p/中 文")
            .param("marker", "")
            .param("uploads", "");
        assert_eq!(
            call.url().query(),
            Some("prefix=p%2F%E4%B8%AD%20%E6%96%87&marker=&uploads=")
        );
        let credentials = Credentials::new("id", "key").unwrap().with_token("tok").unwrap();
        let request = call
            .sign(&credentials, 0, KeyTime { start: 1, end: 2 }, &HeaderMap::new())
            .unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(
            authorization
                .contains("q-header-list=host;x-cos-security-token&q-url-param-list=marker;prefix;uploads&")
        );
        assert_eq!(request.headers()["host"], "127.0.0.1:9");
        assert!(
            !format!("{:?}", request.headers()).contains("tok\""),
            "{:?}",
            request.headers()
        );
    }

    #[test]
    fn header_values_are_printable() {
        assert!(header_value("x", "a b").is_ok());
        for bad in ["é", "a\nb", "a\r\nx: y", " a", "a ", "\u{7f}", "\t"] {
            assert!(header_value("x", bad).is_err(), "{bad:?}");
        }
    }
}
