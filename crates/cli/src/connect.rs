//! From settings to ready objects: the client, the embedded server behind `local:DIR`, the keys.

use std::path::PathBuf;
use std::sync::Arc;

use cos_encryption::keys::{FilePermissions, KeyRing, LoadedKey};
use cos_local::{MissingBuckets, Running, Server, generate_credentials};
use cos_transport::http::{HttpOptions, ProxyChoice, ReqwestConnector};
use cos_transport::{Client, Credentials, Endpoint};

use crate::args::global::EndpointChoice;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::connector::CountSent;
use crate::settings::Settings;

/// A client, and the server that lives as long as the command.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    server: Option<Running>,
    store: Option<PathBuf>,
}

impl Session {
    /// Connects to the service, or starts the embedded server and connects to that.
    pub(crate) async fn open(settings: &mut Settings, output: &Arc<Output>) -> Result<Self, Failure> {
        match settings.endpoint()? {
            EndpointChoice::Url(endpoint) => {
                let client = client(endpoint, settings.take_credentials()?, output)?;
                Ok(Self {
                    client,
                    server: None,
                    store: None,
                })
            }
            EndpointChoice::Local(folder) => {
                let credentials = generate_credentials();
                let for_server = Credentials::new(credentials.secret_id(), credentials.secret_key())
                    .map_err(cos_transport::Error::from)?;
                let server = Server::new(&folder)
                    .credentials(for_server)
                    .missing_buckets(MissingBuckets::Create);
                let server = server.start().await?;
                let endpoint = server.endpoint().parse().map_err(cos_transport::Error::from)?;
                let client = client(endpoint, credentials, output)?;
                Ok(Self {
                    client,
                    server: Some(server),
                    store: folder.canonicalize().ok(),
                })
            }
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The folder of the embedded server, which must not be put into itself.
    pub(crate) fn store(&self) -> Option<PathBuf> {
        self.store.clone()
    }

    /// Stops the embedded server in order.
    pub(crate) async fn close(self) {
        drop(self.client);
        if let Some(server) = self.server {
            server.shutdown().await;
        }
    }
}

fn client(endpoint: Endpoint, credentials: Credentials, output: &Arc<Output>) -> Result<Client, Failure> {
    let proxy = if endpoint.is_loopback() {
        ProxyChoice::None
    } else {
        ProxyChoice::FromEnvironment
    };
    let connector = ReqwestConnector::new(&HttpOptions {
        proxy,
        ..HttpOptions::default()
    })?;
    let connector = CountSent::new(connector, Arc::clone(output));
    Ok(Client::builder()
        .endpoint(endpoint)
        .credentials(credentials)
        .connector(connector)
        .build()?)
}

/// The keys that were given; at least one.
pub(crate) fn key_ring(settings: &Settings) -> Result<KeyRing, Failure> {
    if settings.keys().is_empty() {
        let help = "give --key FILE or set COSCRYPT_KEY; make a key with: coscrypt key new FILE";
        return Err(Failure::new(Exit::Key, "no key was given").or_help(help));
    }
    let mut ring = KeyRing::new();
    for path in settings.keys() {
        ring.add(LoadedKey::from_file(path, FilePermissions::OwnerOnly)?.into_provider());
    }
    Ok(ring)
}
