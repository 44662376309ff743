//! Several providers, one after the other.

use std::sync::Arc;

use super::{
    CredentialsError, CredentialsFuture, CredentialsProvider, EnvironmentCredentials, ProfileCredentials,
};

/// Asks one provider after the other until one has credentials. Only one that has none ([`CredentialsError::Missing`])
/// is passed over: credentials that are half set or cannot be read are an error, rather than a silent change of
/// identity.
#[derive(Debug, Clone, Default)]
pub struct CredentialsChain(Vec<Arc<dyn CredentialsProvider>>);

impl CredentialsChain {
    /// A chain without providers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The environment, then the credentials file. On a virtual machine of Tencent Cloud its role may be added:
    /// `standard().then(RefreshingCredentials::new(InstanceCredentials::new()?))`. Elsewhere that would ask the network
    /// for credentials that are not there, and believe whoever answers.
    #[must_use]
    pub fn standard() -> Self {
        Self::new()
            .then(EnvironmentCredentials)
            .then(ProfileCredentials::standard())
    }

    /// Adds a provider, to be asked when those before have nothing.
    #[must_use]
    pub fn then(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.0.push(Arc::new(provider));
        self
    }
}

impl CredentialsProvider for CredentialsChain {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async {
            for provider in &self.0 {
                match provider.credentials().await {
                    Err(CredentialsError::Missing) => {}
                    found => return found,
                }
            }
            Err(CredentialsError::Missing)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Credentials, StaticCredentials};

    #[derive(Debug)]
    struct Failing(CredentialsError);

    impl CredentialsProvider for Failing {
        fn credentials(&self) -> CredentialsFuture<'_> {
            Box::pin(std::future::ready(Err(self.0.clone())))
        }
    }

    #[tokio::test]
    async fn only_a_provider_without_credentials_is_passed_over() {
        let found = || StaticCredentials::from(Credentials::new("id", "key").unwrap());
        let passed = CredentialsChain::new()
            .then(Failing(CredentialsError::Missing))
            .then(found());
        assert_eq!(passed.credentials().await.unwrap().secret_id(), "id");
        let half = CredentialsError::HalfSet("COS_SECRET_KEY".into());
        let stopped = CredentialsChain::new().then(Failing(half.clone())).then(found());
        assert_eq!(stopped.credentials().await.unwrap_err(), half);
        let empty = CredentialsChain::new().credentials().await.unwrap_err();
        assert_eq!(empty, CredentialsError::Missing);
    }
}
