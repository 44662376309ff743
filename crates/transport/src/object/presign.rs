//! Presigned URLs: a request that somebody else may send, without credentials, for a while.

use std::fmt;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::bucket::Bucket;
use crate::client::key_time;
use crate::credentials::Credentials;
use crate::error::{Error, invalid};
use crate::name::{ObjectKey, Target, percent_encode};
use crate::request::{authority, header_value};
use crate::sign::{CanonicalRequest, KeyTime};

/// How long a URL holds unless it is said.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
const TOKEN: &str = "x-cos-security-token";

impl Bucket {
    /// Begins a URL by which whoever has it may do `method` on an object: `GET` to read it, `PUT` to write it, and so
    /// on.
    ///
    /// ```no_run
    /// # async fn example(bucket: cos_transport::Bucket) -> Result<(), Box<dyn std::error::Error>> {
    /// let url = bucket
    ///     .presign_url(http::Method::GET, "folder/report.pdf".parse()?)
    ///     .param("response-content-disposition", "attachment")
    ///     .expires_in(std::time::Duration::from_secs(3600))
    ///     .sign()
    ///     .await?;
    /// println!("{}", url.expose_url());
    /// # Ok(())
    /// # }
    /// ```
    pub fn presign_url(&self, method: Method, key: ObjectKey) -> PresignUrl {
        PresignUrl {
            bucket: self.clone(),
            key,
            request: Unsigned {
                method,
                params: Vec::new(),
                headers: Vec::new(),
                lifetime: LIFETIME,
            },
        }
    }
}

/// A URL in the making. Begun by [`Bucket::presign_url`].
#[derive(Debug, Clone)]
#[must_use = "there is no URL before `sign`"]
pub struct PresignUrl {
    bucket: Bucket,
    key: ObjectKey,
    request: Unsigned,
}

#[derive(Clone)]
struct Unsigned {
    method: Method,
    params: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    lifetime: Duration,
}

impl std::fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets, such as a key for encryption at the service.
        let names =
            |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let (params, headers) = (names(&self.params), names(&self.headers));
        write!(
            f,
            "{} with {params:?} and {headers:?} for {:?}",
            self.method, self.lifetime
        )
    }
}

impl PresignUrl {
    /// How long the URL holds: from one second; 15 minutes unless set. Fractions of a second are left out. The service
    /// states no longest time, but temporary credentials take their URLs along when they end.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.request.lifetime = lifetime;
        self
    }

    /// Adds a query parameter, which is signed: `response-content-type`, `x-cos-traffic-limit` and so on.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.params.push((name.into(), value.into()));
        self
    }

    /// This version of the object rather than the latest.
    pub fn version_id(self, version_id: impl Into<String>) -> Self {
        self.param("versionId", version_id)
    }

    /// Signs a header, which whoever uses the URL must then send with exactly this value. `Host` always is signed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Signs. Nothing is sent; whether the object exists is not looked at.
    ///
    /// # Errors
    /// When there are no credentials, the time is shorter than a second, or a parameter or header is impossible: twice
    /// there, part of the signature itself, or not printable.
    pub async fn sign(self) -> Result<PresignedUrl, Error> {
        let target = self.bucket.target(Some(&self.key))?;
        let credentials = self.bucket.client().credentials().await?;
        let time = key_time(self.request.lifetime.as_secs())?;
        self.request.sign(&target, &credentials, time)
    }
}

impl Unsigned {
    fn sign(self, target: &Target, credentials: &Credentials, time: KeyTime) -> Result<PresignedUrl, Error> {
        if self.lifetime < Duration::from_secs(1) {
            return Err(invalid("a presigned URL holds for at least one second"));
        }
        let expires_at = i64::try_from(time.end)
            .ok()
            .and_then(|end| Timestamp::from_second(end).ok())
            .ok_or_else(|| invalid("a presigned URL cannot hold for so long"))?;
        let host = authority(&target.url);
        let mut params: Vec<_> = self
            .params
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let mut headers = vec![("host", host.as_str())];
        for (name, value) in &self.headers {
            header_value(name, value)?;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(invalid(format!("{name:?} is not the name of a header")));
            }
            headers.push((name, value));
        }
        if let Some((name, _)) = params.iter().find(|(name, _)| is_reserved(name)) {
            return Err(invalid(format!(
                "the parameter {name:?} is part of the signature and cannot be set"
            )));
        }
        params.extend(credentials.token().map(|token| (TOKEN, token)));
        refuse_repeated("parameter", &params)?;
        refuse_repeated("header", &headers)?;

        let canonical = CanonicalRequest::new(
            self.method.as_str(),
            &target.signed_path,
            params.iter().copied(),
            headers.iter().copied(),
        );
        let signature =
            canonical.authorization_pairs(credentials.secret_id(), credentials.secret_key(), time);
        let pairs: Vec<_> = signature
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain(params)
            .collect();
        // Room for all of it from the beginning: a URL that grew would leave copies of its secrets behind.
        let room: usize = pairs
            .iter()
            .map(|(name, value)| 2 + 3 * (name.len() + value.len()))
            .sum();
        let mut url = Zeroizing::new(String::with_capacity(target.url.as_str().len() + room));
        url.push_str(target.url.as_str());
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(&percent_encode(name));
            url.push('=');
            url.push_str(&percent_encode(value));
        }
        Ok(PresignedUrl {
            url,
            method: self.method,
            headers: self.headers,
            // A token's end is also the end of what was signed with it.
            expires_at: credentials
                .expires_at()
                .map_or(expires_at, |end| end.min(expires_at)),
        })
    }
}

fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.is_empty() || name == "sign" || name == TOKEN || name.starts_with("q-")
}

/// The signature covers each name once, whatever its case.
fn refuse_repeated(what: &str, pairs: &[(&str, &str)]) -> Result<(), Error> {
    let mut names: Vec<String> = pairs.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    match names.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(invalid(format!("the {what} {:?} is there twice", two[0]))),
        None => Ok(()),
    }
}

/// A URL that lets whoever has it do one thing for a while. It is a secret: it is not printed, and wiped when dropped.
pub struct PresignedUrl {
    url: Zeroizing<String>,
    method: Method,
    headers: Vec<(String, String)>,
    expires_at: Timestamp,
}

impl PresignedUrl {
    /// The URL itself. Whoever sees it may use it.
    #[must_use]
    pub fn expose_url(&self) -> &str {
        &self.url
    }

    /// The method that it is for.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The headers that must be sent with it, beside `Host`.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// When it ends.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PresignedUrl({}, until {}, redacted)",
            self.method, self.expires_at
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;

    fn unsigned(lifetime: u64) -> Unsigned {
        Unsigned {
            method: Method::GET,
            params: Vec::new(),
            headers: Vec::new(),
            lifetime: Duration::from_secs(lifetime),
        }
    }

    #[test]
    fn the_url_of_the_official_sdk() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../../fixtures/cos-api.json")).unwrap();
        let text = |name: &str| fixture[name].as_str().unwrap();
        let vector = &fixture["presigned_url"];
        let credentials = Credentials::new(text("secret_id"), text("secret_key")).unwrap();
        let target = Endpoint::region(&"ap-guangzhou".parse().unwrap())
            .unwrap()
            .target(
                &"examplebucket-1250000000".parse().unwrap(),
                Some(&vector["key"].as_str().unwrap().parse().unwrap()),
            )
            .unwrap();
        let mut request = unsigned(vector["expire"].as_u64().unwrap());
        for (name, value) in vector["params"].as_object().unwrap() {
            request
                .params
                .push((name.clone(), value.as_str().unwrap().to_owned()));
        }
        let time = KeyTime {
            start: 1_699_999_940,
            end: 1_700_000_600,
        };
        let url = request.sign(&target, &credentials, time).unwrap();
        assert_eq!(url.expose_url(), vector["url"].as_str().unwrap());
        assert_eq!(url.expires_at().as_second(), 1_700_000_600);
        let printed = format!("{url:?}");
        assert!(
            !printed.contains("AKID") && !printed.contains("b12c0089"),
            "{printed}"
        );
    }

    #[test]
    fn what_cannot_be_signed_is_refused() {
        let target = "http://127.0.0.1:9"
            .parse::<Endpoint>()
            .unwrap()
            .target(&"b-1".parse().unwrap(), Some(&"k".parse().unwrap()))
            .unwrap();
        let sign = |request: Unsigned, end| {
            let credentials = Credentials::new("a", "b").unwrap().with_token("t").unwrap();
            request.sign(&target, &credentials, KeyTime { start: 0, end })
        };
        assert!(sign(unsigned(1), 9).is_ok());
        assert!(sign(unsigned(0), 9).is_err());
        assert!(sign(unsigned(1), u64::MAX).is_err());
        for name in ["q-ak", "Q-Signature", "sign", "", TOKEN] {
            let params = vec![(name.to_owned(), String::new())];
            assert!(
                sign(
                    Unsigned {
                        params,
                        ..unsigned(1)
                    },
                    9
                )
                .is_err(),
                "{name}"
            );
        }
        let twice = |name: &str| {
            vec![
                ("range".to_owned(), String::new()),
                (name.to_owned(), String::new()),
            ]
        };
        assert!(
            sign(
                Unsigned {
                    params: twice("RANGE"),
                    ..unsigned(1)
                },
                9
            )
            .is_err()
        );
        assert!(
            sign(
                Unsigned {
                    headers: twice("Range"),
                    ..unsigned(1)
                },
                9
            )
            .is_err()
        );
        for (name, value) in [("Host", "x"), ("a b", "x"), ("range", "a\r\nb"), ("", "x")] {
            let headers = vec![(name.to_owned(), value.to_owned())];
            assert!(
                sign(
                    Unsigned {
                        headers,
                        ..unsigned(1)
                    },
                    9
                )
                .is_err(),
                "{name}"
            );
        }
        let soon = Credentials::new("a", "b")
            .unwrap()
            .with_expiry(Timestamp::from_second(5).unwrap());
        let url = unsigned(1)
            .sign(&target, &soon, KeyTime { start: 0, end: 9 })
            .unwrap();
        assert_eq!(url.expires_at().as_second(), 5);
    }
}
