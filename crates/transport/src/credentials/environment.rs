//! Credentials out of the environment.

use std::sync::Arc;

use super::{Credentials, CredentialsFuture, CredentialsProvider};

/// Reads the environment before every request, by the rules of [`Credentials::from_env`].
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentCredentials;

impl CredentialsProvider for EnvironmentCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async { Credentials::from_env().map(Arc::new) })
    }
}
