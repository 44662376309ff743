//! The request signature (`q-sign-algorithm=sha1`), for clients that sign and servers that check.
//!
//! The string to sign covers the method, the **decoded** path, all query parameters and the chosen headers.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::name::{percent_decode, percent_encode};

/// Headers that are signed when a request carries them, besides all of `x-cos-*` and `x-ci-*`.
const SIGNED_HEADERS: [&str; 17] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "origin",
    "pic-operations",
    "range",
    "transfer-encoding",
];

/// True for the headers that the official SDKs sign. `name` in lower case.
#[must_use]
pub fn is_signed_header(name: &str) -> bool {
    SIGNED_HEADERS.contains(&name) || name.starts_with("x-cos-") || name.starts_with("x-ci-")
}

/// When a signature holds, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTime {
    /// First second.
    pub start: u64,
    /// Last second.
    pub end: u64,
}

impl fmt::Display for KeyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.start, self.end)
    }
}

impl std::str::FromStr for KeyTime {
    type Err = MalformedAuthorization;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let (start, end) = value
            .split_once(';')
            .ok_or(MalformedAuthorization("q-sign-time"))?;
        let seconds = |text: &str| text.parse().map_err(|_| MalformedAuthorization("q-sign-time"));
        Ok(Self {
            start: seconds(start)?,
            end: seconds(end)?,
        })
    }
}

/// The parts of a request that a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// `method\npath\nparameters\nheaders\n`.
    pub http_string: String,
    /// Names of the signed headers, joined by `;`.
    pub header_list: String,
    /// Names of the signed parameters, joined by `;`.
    pub param_list: String,
}

impl CanonicalRequest {
    /// Puts a request into its canonical form. `path` is decoded; names and values of parameters are decoded, a
    /// missing value is empty. Every given header is covered: choose with [`is_signed_header`].
    pub fn new<'a>(
        method: &str,
        path: &str,
        params: impl IntoIterator<Item = (&'a str, &'a str)>,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let (param_list, params) = canonical_pairs(params);
        let (header_list, headers) = canonical_pairs(headers);
        let http_string = format!("{}\n{path}\n{params}\n{headers}\n", method.to_ascii_lowercase());
        Self {
            http_string,
            header_list,
            param_list,
        }
    }

    /// The text whose HMAC is the signature.
    #[must_use]
    pub fn string_to_sign(&self, time: KeyTime) -> String {
        format!(
            "sha1\n{time}\n{}\n",
            hex::encode(Sha1::digest(self.http_string.as_bytes()))
        )
    }

    /// The signature, in lower-case hex.
    #[must_use]
    pub fn signature(&self, secret_key: &str, time: KeyTime) -> String {
        // The key of the second HMAC is the hexadecimal text of the first.
        let sign_key = Zeroizing::new(hmac_sha1_hex(secret_key.as_bytes(), time.to_string().as_bytes()));
        hmac_sha1_hex(sign_key.as_bytes(), self.string_to_sign(time).as_bytes())
    }

    /// The seven `q-*` pairs, in the order in which they are written.
    #[must_use]
    pub fn authorization_pairs(
        &self,
        secret_id: &str,
        secret_key: &str,
        time: KeyTime,
    ) -> [(&'static str, String); 7] {
        [
            ("q-sign-algorithm", "sha1".to_owned()),
            ("q-ak", secret_id.to_owned()),
            ("q-sign-time", time.to_string()),
            ("q-key-time", time.to_string()),
            ("q-header-list", self.header_list.clone()),
            ("q-url-param-list", self.param_list.clone()),
            ("q-signature", self.signature(secret_key, time)),
        ]
    }

    /// The value of the `Authorization` header.
    #[must_use]
    pub fn authorization(&self, secret_id: &str, secret_key: &str, time: KeyTime) -> String {
        let pairs = self.authorization_pairs(secret_id, secret_key, time);
        pairs.map(|(name, value)| format!("{name}={value}")).join("&")
    }
}

/// Lower-cases and encodes the names, encodes the values, sorts by name. Of a repeated name the last value counts.
fn canonical_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> (String, String) {
    let sorted: BTreeMap<String, String> = pairs
        .into_iter()
        .map(|(name, value)| (percent_encode(name).to_ascii_lowercase(), percent_encode(value)))
        .collect();
    let list = sorted.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let text = sorted
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    (list, text)
}

fn hmac_sha1_hex(key: &[u8], data: &[u8]) -> String {
    // HMAC takes keys of any length; the other arm cannot be reached.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(data);
    hex::encode(mac.finalize().into_bytes())
}

/// An authorization that names the wrong parts, or lacks some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request's authorization is malformed: {0}")]
pub struct MalformedAuthorization(pub &'static str);

/// The authorization of a received request, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `q-ak`.
    pub secret_id: String,
    /// `q-sign-time`.
    pub sign_time: KeyTime,
    /// `q-key-time`.
    pub key_time: KeyTime,
    /// `q-header-list`, in lower case.
    pub header_list: Vec<String>,
    /// `q-url-param-list`, in lower case, percent-encoded as sent.
    pub param_list: Vec<String>,
    /// `q-signature`.
    pub signature: String,
}

impl Authorization {
    /// Reads the `Authorization` header.
    ///
    /// # Errors
    /// When a pair is missing or malformed.
    pub fn from_header(value: &str) -> Result<Self, MalformedAuthorization> {
        Self::from_pairs(value.split('&').filter_map(|pair| pair.split_once('=')))
    }

    /// Reads the `q-*` pairs, decoded, from a header or from the query of a presigned URL.
    ///
    /// # Errors
    /// When a pair is missing or malformed.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, MalformedAuthorization> {
        let pairs: BTreeMap<&str, &str> = pairs.into_iter().collect();
        let get = |name: &'static str| pairs.get(name).copied().ok_or(MalformedAuthorization(name));
        if get("q-sign-algorithm")? != "sha1" {
            return Err(MalformedAuthorization("q-sign-algorithm"));
        }
        let list = |name: &'static str| -> Result<Vec<String>, MalformedAuthorization> {
            // Some clients percent-encode the list's semicolons in the header too.
            let text = percent_decode(get(name)?).map_err(|_| MalformedAuthorization(name))?;
            Ok(text
                .split(';')
                .filter(|s| !s.is_empty())
                .map(str::to_ascii_lowercase)
                .collect())
        };
        let time = |name: &'static str| -> Result<KeyTime, MalformedAuthorization> {
            percent_decode(get(name)?)
                .map_err(|_| MalformedAuthorization(name))?
                .parse()
        };
        Ok(Self {
            secret_id: get("q-ak")?.to_owned(),
            sign_time: time("q-sign-time")?,
            key_time: time("q-key-time")?,
            header_list: list("q-header-list")?,
            param_list: list("q-url-param-list")?,
            signature: get("q-signature")?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
