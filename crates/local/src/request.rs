//! A received request, its address and query taken apart and decoded exactly once.

use std::borrow::Cow;
use std::collections::HashSet;

use cos_transport::percent_decode;
use http::request::Parts;
use http::{HeaderMap, Method, header};

use crate::error::{Code, Refusal};

/// A request's first line, for rules and records: as far as it can be decoded.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

impl Line {
    pub(crate) fn of(parts: &Parts) -> Line {
        let path = parts.uri.path();
        let query = parts.uri.query().unwrap_or_default();
        Line {
            method: parts.method.clone(),
            path: percent_decode(path).unwrap_or_else(|_| path.to_owned()),
            query: Query::parse(query).map(|query| query.0).unwrap_or_default(),
        }
    }
}

/// Everything of a request but its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// As sent, possibly with a port; empty when the client sent none.
    pub(crate) host: String,
    /// Decoded, with its leading slash.
    pub(crate) path: String,
    pub(crate) query: Query,
}

impl Head {
    /// Takes the head of a request apart.
    pub(crate) fn parse(parts: Parts) -> Result<Head, Refusal> {
        let host = match parts.headers.get(header::HOST) {
            Some(host) => text(host.as_bytes()).into_owned(),
            None => parts.uri.authority().map(ToString::to_string).unwrap_or_default(),
        };
        Ok(Head {
            path: decode(parts.uri.path(), "path")?,
            query: Query::parse(parts.uri.query().unwrap_or_default())?,
            method: parts.method,
            headers: parts.headers,
            host,
        })
    }

    /// The host without its port.
    pub(crate) fn host_name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    /// A header's value as text, when there is such a header.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| text(value.as_bytes()))
    }
}

/// Header bytes as text: UTF-8 where they are that, else Latin-1, which older HTTP software sends.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The parameters behind the `?`, decoded, in the order sent. A parameter without `=` has an empty value.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Result<Query, Refusal> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Form encoding, which HTTP libraries use for queries, writes a space as `+`.
            let part = |text: &str| decode(&text.replace('+', "%20"), "query");
            Ok((part(name)?, part(value)?))
        });
        let pairs = pairs.collect::<Result<Vec<(String, String)>, Refusal>>()?;
        // Of a name that comes twice, the signature would cover one value and the operation might use the other.
        let mut names = HashSet::new();
        match pairs.iter().find(|(name, _)| !names.insert(name.to_lowercase())) {
            Some((name, _)) => Err(Refusal::new(
                Code::InvalidArgument,
                format!("The parameter {name} comes twice."),
            )),
            None => Ok(Query(pairs)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of the first parameter of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

fn decode(text: &str, what: &str) -> Result<String, Refusal> {
    let refuse = || {
        Refusal::new(
            Code::InvalidURI,
            format!("The {what} of the URL is not percent-encoded UTF-8."),
        )
    };
    let mut after_percent = text.split('%').skip(1);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    if !after_percent.all(is_escape) {
        return Err(refuse());
    }
    percent_decode(text).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str) -> Result<Head, Refusal> {
        let request = http::Request::builder()
            .uri(uri)
            .header("host", "localhost:9000")
            .body(())
            .unwrap();
        Head::parse(request.into_parts().0)
    }

    #[test]
    fn path_and_query_are_decoded_once() {
        let head = head("/b-1/a%252Fb+c%20%E4%B8%AD/.%2Fx?prefix=a%2Bb+c%2525&acl").unwrap();
        assert_eq!(head.path, "/b-1/a%2Fb+c 中/./x");
        assert_eq!(head.query.get("prefix"), Some("a+b c%25"));
        assert_eq!(head.query.get("acl"), Some(""));
        assert_eq!(head.host_name(), "localhost");
    }

    #[test]
    fn a_parameter_comes_once() {
        for uri in [
            "/b-1?prefix=a&prefix=b",
            "/b-1?prefix=a&Prefix=b",
            "/b-1?prefix=a&pre%66ix=a",
        ] {
            assert_eq!(head(uri).unwrap_err().code, Code::InvalidArgument, "{uri}");
        }
    }

    #[test]
    fn what_is_not_encoded_text_is_refused() {
        for uri in [
            "/b-1/%zz",
            "/b-1/%4",
            "/b-1/%",
            "/b-1/%ff",
            "/b-1/a?x=%e4%b8",
            "/b-1/a?%=1",
        ] {
            assert_eq!(head(uri).unwrap_err().code, Code::InvalidURI, "{uri}");
        }
    }
}
