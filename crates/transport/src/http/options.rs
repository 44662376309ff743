//! How connections are made.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use crate::error::{Error, invalid};

/// How connections are made and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// The most unused connections that are kept to one host; 0 keeps none.
    pub max_idle_per_host: usize,
    /// Whether requests go through a proxy.
    pub proxy: ProxyChoice,
    /// Whose certificates are trusted.
    pub trust: Trust,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            max_idle_per_host: 64,
            proxy: ProxyChoice::FromEnvironment,
            trust: Trust::System,
        }
    }
}

/// Whether requests go through a proxy. To loopback they never do, unless it is given by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyChoice {
    /// As the environment says (`HTTPS_PROXY` and the like).
    FromEnvironment,
    /// Through this one, whatever the environment says.
    Explicit(ProxyUrl),
    /// Straight to the endpoint.
    None,
}

/// The address of a proxy: `http://` or `https://`, with name and password where it asks for them. Its password is not
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

impl ProxyUrl {
    pub(super) fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for ProxyUrl {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        // The value itself is not shown: it may hold a password.
        let refuse =
            || invalid("the proxy's address is not of the form http://host:port or https://host:port");
        let url = Url::parse(value).map_err(|_| refuse())?;
        let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        match matches!(url.scheme(), "http" | "https") && url.host().is_some() && is_plain {
            true => Ok(Self(url)),
            false => Err(refuse()),
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(
            f,
            "ProxyUrl({}://{host}:{:?})",
            self.0.scheme(),
            self.0.port_or_known_default()
        )
    }
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those, and these.
    SystemAnd(CertificateBundle),
    /// These alone.
    Only(CertificateBundle),
}

/// Certificates of authorities, at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateBundle {
    pem: Bytes,
    count: usize,
}

impl CertificateBundle {
    /// Reads `-----BEGIN CERTIFICATE-----` blocks.
    ///
    /// # Errors
    /// When there are none, or one is damaged.
    pub fn from_pem(pem: impl Into<Bytes>) -> Result<Self, Error> {
        let pem = pem.into();
        match read_pem(&pem)?.len() {
            0 => Err(invalid(
                "the file of certificates holds no -----BEGIN CERTIFICATE----- block",
            )),
            count => Ok(Self { pem, count }),
        }
    }

    pub(super) fn certificates(&self) -> Result<Vec<reqwest::Certificate>, Error> {
        read_pem(&self.pem)
    }
}

fn read_pem(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
        invalid(format!(
            "the certificates cannot be read: {}",
            super::root_cause(&error)
        ))
    })
}

impl fmt::Debug for CertificateBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateBundle({} certificates)", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_printed() {
        let proxy: ProxyUrl = "http://ann:sesame@proxy.example.com:3128".parse().unwrap();
        let printed = format!("{:?}", ProxyChoice::Explicit(proxy));
        assert!(
            printed.contains("proxy.example.com:Some(3128)") && !printed.contains("sesame"),
            "{printed}"
        );
        for bad in [
            "",
            "proxy:3128",
            "socks5://u:sesame@p:1",
            "http://u:sesame@p/x",
            "http://",
        ] {
            let told = bad.parse::<ProxyUrl>().unwrap_err().to_string();
            assert!(!told.contains("sesame"), "{told}");
        }
    }

    #[test]
    fn a_bundle_holds_certificates() {
        for bad in [
            &b""[..],
            b"text",
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        ] {
            assert!(CertificateBundle::from_pem(bad).is_err());
        }
    }
}
