//! Credentials of the role that a virtual machine has, from its metadata service.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::{Credentials, CredentialsError, CredentialsFuture, CredentialsProvider};
use crate::body::Body;
use crate::http::{HttpConnector, HttpOptions, ProxyChoice, ReqwestConnector};
use crate::name::{Endpoint, percent_encode};
use crate::request::authority;
use crate::retry::RetryPolicy;

/// Reachable only from within the machine; it speaks plain HTTP.
const ADDRESS: &str = "http://metadata.tencentyun.com";
const PATH: &str = "/latest/meta-data/cam/security-credentials/";
/// The service stands beside the machine; whoever waits longer is not on one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one request in all.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Asks the metadata service of the virtual machine (CVM) for temporary credentials of its role. Every call asks; put
/// it into [`RefreshingCredentials`](super::RefreshingCredentials) to ask only when they end.
#[derive(Debug)]
pub struct InstanceCredentials {
    connector: Arc<dyn HttpConnector>,
    address: String,
    role: Option<String>,
    retry: RetryPolicy,
}

impl InstanceCredentials {
    /// Of the role that the machine has.
    ///
    /// # Errors
    /// When HTTP cannot be set up.
    pub fn new() -> Result<Self, CredentialsError> {
        let options = HttpOptions {
            connect_timeout: CONNECT_TIMEOUT,
            // A proxy is another machine, with another role.
            proxy: ProxyChoice::None,
            ..HttpOptions::default()
        };
        let connector =
            ReqwestConnector::new(&options).map_err(|error| CredentialsError::Provider(error.to_string()))?;
        Ok(Self {
            connector: Arc::new(connector),
            address: ADDRESS.to_owned(),
            role: None,
            retry: RetryPolicy {
                attempts: 3,
                ..RetryPolicy::default()
            },
        })
    }

    /// Of this role, without asking which one the machine has.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.role = Some(name.into());
        self
    }

    /// Another address than the metadata service's own, such as a forwarder on loopback.
    #[must_use]
    pub fn address(mut self, address: &Endpoint) -> Self {
        self.address = address.to_string();
        self
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let role = match &self.role {
            Some(role) => role.clone(),
            None => {
                let names = self.get("").await?;
                let name = names.lines().map(str::trim).find(|name| !name.is_empty());
                name.ok_or(CredentialsError::Missing)?.to_owned()
            }
        };
        RoleCredentials::parse(&self.get(&percent_encode(&role)).await?, &role)
    }

    async fn get(&self, name: &str) -> Result<Zeroizing<String>, CredentialsError> {
        let url = format!("{}{PATH}{name}", self.address);
        let mut attempts = self.retry.start();
        loop {
            let answer = tokio::time::timeout(TIMEOUT, self.get_once(&url)).await;
            let failure = match answer {
                Ok(Ok((StatusCode::OK, text))) => return Ok(text),
                // No role is bound to this machine, or not this one.
                Ok(Ok((StatusCode::NOT_FOUND, _))) if self.role.is_none() => {
                    return Err(CredentialsError::Missing);
                }
                Ok(Ok((status, _))) if !status.is_server_error() => {
                    return Err(failed(format!("it answered {status}")));
                }
                Ok(Ok((status, _))) => failed(format!("it answered {status}")),
                Ok(Err(reason)) => failed(reason),
                Err(_) => failed(format!("it did not answer for {} seconds", TIMEOUT.as_secs())),
            };
            if !attempts.wait(&failure, None).await {
                return Err(failure);
            }
        }
    }

    async fn get_once(&self, url: &str) -> Result<(StatusCode, Zeroizing<String>), String> {
        let host = Url::parse(url).map_err(|error| error.to_string())?;
        let mut request = Request::get(url)
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        let host = HeaderValue::from_str(&authority(&host)).map_err(|error| error.to_string())?;
        request.headers_mut().insert(HOST, host);
        let answer = self
            .connector
            .call(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect(MAX_ANSWER)
            .await
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8(body.to_vec()).map_err(|_| "its answer is not text".to_owned())?;
        Ok((status, Zeroizing::new(text)))
    }
}

impl CredentialsProvider for InstanceCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async { self.fetch().await.map(Arc::new) })
    }
}

/// What the service says of a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleCredentials {
    code: Option<String>,
    tmp_secret_id: Option<String>,
    tmp_secret_key: Option<String>,
    token: Option<String>,
    /// In Unix seconds.
    expired_time: Option<i64>,
}

impl RoleCredentials {
    fn parse(text: &str, role: &str) -> Result<Credentials, CredentialsError> {
        // The text holds keys: what is wrong with it is not shown.
        let read: Self = serde_json::from_str(text)
            .map_err(|error| failed(format!("its answer is not JSON (line {})", error.line())))?;
        if let Some(code) = read.code.filter(|code| code != "Success") {
            let code: String = code.chars().take(80).collect();
            return Err(failed(format!("it refused role {role:?}: {code}")));
        }
        let (Some(id), Some(key), Some(token), Some(expired_time)) = (
            read.tmp_secret_id,
            read.tmp_secret_key,
            read.token,
            read.expired_time,
        ) else {
            return Err(failed(format!("its answer about role {role:?} is not complete")));
        };
        let expires_at = Timestamp::from_second(expired_time)
            .map_err(|_| failed("it states an impossible time of expiry".to_owned()))?;
        Ok(Credentials::new(id, key)?
            .with_token(token)?
            .with_expiry(expires_at))
    }
}

fn failed(reason: String) -> CredentialsError {
    CredentialsError::Provider(format!("the metadata service of the virtual machine: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_not_whole_are_refused_without_their_secrets() {
        for bad in [
            "",
            "sesame",
            "{\"Code\":\"Failed\",\"Token\":\"sesame\"}",
            "{\"Code\":\"Success\",\"TmpSecretId\":\"i\",\"TmpSecretKey\":\"sesame\",\"Token\":\"t\"}",
            "{\"TmpSecretId\":\"i\",\"TmpSecretKey\":\"sesame\",\"Token\":\"t\",\"ExpiredTime\":9223372036854775807}",
            "{\"TmpSecretId\":\"i\",\"TmpSecretKey\":\"sesame\",\"Token\":\"\",\"ExpiredTime\":1}",
            "{\"TmpSecretId\":\"i\",\"TmpSecretKey\":\"ses\\name\",\"Token\":\"t\",\"ExpiredTime\":1}",
            "{\"TmpSecretKey\":\"sesame\",\"ExpiredTime\":\"soon\"}",
        ] {
            let told = RoleCredentials::parse(bad, "r").unwrap_err().to_string();
            assert!(!told.contains("sesame") && !told.contains("soon"), "{told}");
        }
    }
}
