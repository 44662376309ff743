//! Putting a client together.

use std::sync::Arc;
use std::time::Duration;

use super::{Client, Shared};
use crate::credentials::{Credentials, CredentialsError, CredentialsProvider, StaticCredentials};
use crate::error::{Error, invalid};
use crate::http::{HttpConnector, HttpOptions, ProxyChoice, ReqwestConnector};
use crate::name::{Endpoint, Region};
use crate::retry::{BackupDomain, RetryPolicy};
use crate::transfer::Throttle;

/// Puts a [`Client`] together. An endpoint or a region, and credentials, are needed.
#[derive(Debug, Default)]
pub struct ClientBuilder {
    endpoint: Option<Endpoint>,
    region: Option<Region>,
    credentials: Option<Arc<dyn CredentialsProvider>>,
    connector: Option<Arc<dyn HttpConnector>>,
    http: HttpOptions,
    retry: RetryPolicy,
    throttle: Option<Throttle>,
    stall_timeout: Option<Duration>,
    timeout: Option<Duration>,
    backup_domain: BackupDomain,
}

impl ClientBuilder {
    /// The region whose public address is used.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Another address than the region's.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// The same credentials for every request.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(Arc::new(StaticCredentials::from(credentials)));
        self
    }

    /// Credentials that are asked for before every request.
    #[must_use]
    pub fn credentials_provider(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.credentials = Some(Arc::new(provider));
        self
    }

    /// Another HTTP client than reqwest.
    #[must_use]
    pub fn connector(mut self, connector: impl HttpConnector + 'static) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// How connections are made.
    #[must_use]
    pub fn http_options(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// When failed requests are tried again.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// How long a request may stand still, neither sending nor receiving. 60 seconds unless set.
    #[must_use]
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = Some(timeout);
        self
    }

    /// How long a whole call may take: all its attempts, the waits between them, and the body of the answer. Not
    /// limited unless set, since it depends on how much is sent; what stands still ends by
    /// [`stall_timeout`](Self::stall_timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Whether the last attempt goes to the service's other domain; never unless set.
    #[must_use]
    pub fn backup_domain(mut self, backup_domain: BackupDomain) -> Self {
        self.backup_domain = backup_domain;
        self
    }

    /// Limits what all requests of this client send and receive together.
    #[must_use]
    pub fn bandwidth_limit(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When there is neither endpoint nor region, no credentials, or HTTPS cannot be set up.
    pub fn build(self) -> Result<Client, Error> {
        let endpoint = match (self.endpoint, &self.region) {
            (Some(endpoint), _) => endpoint,
            (None, Some(region)) => Endpoint::region(region)?,
            (None, None) => return Err(invalid("neither a region nor an endpoint is set")),
        };
        let credentials = self.credentials.ok_or(CredentialsError::Missing)?;
        let connector = match self.connector {
            Some(connector) => connector,
            None => {
                let mut options = self.http;
                if endpoint.is_loopback() && options.proxy == ProxyChoice::FromEnvironment {
                    options.proxy = ProxyChoice::None;
                }
                Arc::new(ReqwestConnector::new(&options)?)
            }
        };
        Ok(Client(Arc::new(Shared {
            endpoint,
            credentials,
            connector,
            retry: self.retry,
            throttle: self.throttle,
            stall_timeout: self.stall_timeout.unwrap_or(Duration::from_secs(60)),
            timeout: self.timeout,
            backup_domain: self.backup_domain,
        })))
    }
}
