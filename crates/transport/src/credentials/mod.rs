//! Who signs: secret id, secret key and, for temporary credentials, the token; and where they come from.
//!
//! | provider | reads |
//! |---|---|
//! | [`StaticCredentials`] | what the program was given |
//! | [`EnvironmentCredentials`] | the environment, before every request |
//! | [`ProfileCredentials`] | the file that Tencent Cloud's SDKs and tools share, before every request |
//! | [`InstanceCredentials`] | the metadata service of a virtual machine, for its role |
//! | [`RefreshingCredentials`] | another provider, ahead of expiry, once for all requests that wait |
//! | [`CredentialsChain`] | several providers, until one has some |
//!
//! ```no_run
//! use cos_transport::Client;
//! use cos_transport::credentials::{InstanceCredentials, RefreshingCredentials};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let role = RefreshingCredentials::new(InstanceCredentials::new()?);
//! let cos = Client::builder().region("ap-guangzhou".parse()?).credentials_provider(role).build()?;
//! # Ok(())
//! # }
//! ```

mod chain;
mod environment;
mod instance;
mod profile;
mod refresh;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use chain::CredentialsChain;
pub use environment::EnvironmentCredentials;
pub use instance::InstanceCredentials;
pub use profile::ProfileCredentials;
pub use refresh::RefreshingCredentials;

/// A secret id with its key. Never printed, wiped when dropped.
pub struct Credentials {
    secret_id: String,
    secret_key: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Permanent credentials.
    ///
    /// # Errors
    /// When id or key is empty or holds characters that cannot be sent.
    pub fn new(
        secret_id: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        let (secret_id, secret_key) = (secret_id.into(), Zeroizing::new(secret_key.into()));
        if !is_sendable(&secret_id) || secret_id.contains('&') {
            return Err(CredentialsError::Malformed("secret id"));
        }
        if !is_sendable(&secret_key) {
            return Err(CredentialsError::Malformed("secret key"));
        }
        Ok(Self {
            secret_id,
            secret_key,
            token: None,
            expires_at: None,
        })
    }

    /// Temporary credentials: the same with the token that came with them.
    ///
    /// # Errors
    /// When the token is empty or holds characters that cannot be sent.
    pub fn with_token(mut self, token: impl Into<String>) -> Result<Self, CredentialsError> {
        let token = Zeroizing::new(token.into());
        if !is_sendable(&token) {
            return Err(CredentialsError::Malformed("session token"));
        }
        self.token = Some(token);
        Ok(self)
    }

    /// The same, known to end at this time.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// When they end, where that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Reads `COS_SECRET_ID`, `COS_SECRET_KEY` and `COS_SESSION_TOKEN`, or else `TENCENTCLOUD_SECRET_ID`,
    /// `TENCENTCLOUD_SECRET_KEY` and `TENCENTCLOUD_SESSION_TOKEN`. The two families are not mixed.
    ///
    /// # Errors
    /// When neither family is set, or one is only half set.
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, CredentialsError> {
        for family in ["COS", "TENCENTCLOUD"] {
            let get = |name: &str| lookup(&format!("{family}_{name}")).filter(|value| !value.is_empty());
            let credentials = match (get("SECRET_ID"), get("SECRET_KEY")) {
                (None, None) => continue,
                (Some(id), Some(key)) => Self::new(id, key)?,
                (Some(_), None) => return Err(CredentialsError::HalfSet(format!("{family}_SECRET_KEY"))),
                (None, Some(_)) => return Err(CredentialsError::HalfSet(format!("{family}_SECRET_ID"))),
            };
            return match get("SESSION_TOKEN") {
                Some(token) => credentials.with_token(token),
                None => Ok(credentials),
            };
        }
        Err(CredentialsError::Missing)
    }

    /// The id, which is not a secret.
    #[must_use]
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The key. Handle with care: it must not reach a log or an error.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The token of temporary credentials.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().map(String::as_str)
    }
}

fn is_sendable(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic())
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Nothing is set.
    #[error("no credentials for COS were found")]
    Missing,
    /// The other half is missing.
    #[error("{0} is not set, though its other half is")]
    HalfSet(String),
    /// Cannot be right; the value itself is not shown.
    #[error("the {0} is empty or holds characters that are not printable ASCII")]
    Malformed(&'static str),
    /// A provider could not get any.
    #[error("the credentials could not be obtained: {0}")]
    Provider(String),
}

/// A future that a provider returns.
pub type CredentialsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<Credentials>, CredentialsError>> + Send + 'a>>;

/// Where credentials come from. Asked before every request, so that temporary ones can be renewed in time.
pub trait CredentialsProvider: Send + Sync + fmt::Debug {
    /// Credentials that are valid now.
    fn credentials(&self) -> CredentialsFuture<'_>;
}

/// The same credentials for ever.
#[derive(Debug)]
pub struct StaticCredentials(Arc<Credentials>);

impl From<Credentials> for StaticCredentials {
    fn from(credentials: Credentials) -> Self {
        Self(Arc::new(credentials))
    }
}

impl CredentialsProvider for StaticCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(pairs: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
        let find = |name: &str| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Credentials::from_lookup(find)
    }

    #[test]
    fn both_families_of_variables() {
        let own = lookup(&[
            ("COS_SECRET_ID", "id"),
            ("COS_SECRET_KEY", "key"),
            ("COS_SESSION_TOKEN", "t"),
        ])
        .unwrap();
        assert_eq!(
            (own.secret_id(), own.secret_key(), own.token()),
            ("id", "key", Some("t"))
        );
        let cloud = lookup(&[
            ("TENCENTCLOUD_SECRET_ID", "id2"),
            ("TENCENTCLOUD_SECRET_KEY", "key2"),
        ])
        .unwrap();
        assert_eq!((cloud.secret_id(), cloud.token()), ("id2", None));
    }

    #[test]
    fn halves_are_named_and_families_not_mixed() {
        assert_eq!(lookup(&[]).unwrap_err(), CredentialsError::Missing);
        let half = [
            ("COS_SECRET_ID", "id"),
            ("TENCENTCLOUD_SECRET_KEY", "key"),
            ("TENCENTCLOUD_SECRET_ID", "x"),
        ];
        assert_eq!(
            lookup(&half).unwrap_err(),
            CredentialsError::HalfSet("COS_SECRET_KEY".into())
        );
        assert!(Credentials::new("a b", "k").is_err());
        assert!(Credentials::new("a", "k\n").is_err());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let credentials = Credentials::new("AKID", "sesame")
            .unwrap()
            .with_token("tok")
            .unwrap();
        let printed = format!(
            "{credentials:?} {:?}",
            StaticCredentials::from(Credentials::new("AKID", "sesame").unwrap())
        );
        assert!(
            !printed.contains("sesame") && !printed.contains("tok"),
            "{printed}"
        );
    }
}
