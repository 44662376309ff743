//! Starting, serving and stopping.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cos_transport::{BucketName, Credentials};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::credentials::generate_credentials;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::service::Service;
use crate::spelling;
use crate::store::{BucketRecord, MissingBuckets, OpenError, Store, StoreError};
use crate::tls::{Exposure, TlsError, TlsFiles};

/// How long requests under way may take once the server is told to stop.
const STOP_TIME: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, or leave a kept connection idle before the next.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// What is read ahead of a connection, in bytes: a longer head is refused.
const BUFFER: usize = 128 * 1024;
/// The most header lines of a request.
const MAX_HEADERS: usize = 200;

const RESTORE_TIME: Duration = Duration::from_secs(2);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder cannot be used as a store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The address could be reached from other computers, which was not allowed.
    #[error(
        "{address} can be reached from other computers; allow that and give a certificate for TLS, or listen on 127.0.0.1"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A bucket that was asked for cannot be made.
    #[error("cannot make the bucket {bucket}: {reason}")]
    Bucket {
        /// The bucket.
        bucket: BucketName,
        /// Why not.
        reason: String,
    },
    /// Something that should always work did not.
    #[error("the server cannot be set up: {0}")]
    Setup(io::Error),
}

/// A COS-compatible server on a folder. This is its configuration; [`start`](Server::start) makes it run.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    credentials: Option<Credentials>,
    address: SocketAddr,
    exposure: Exposure,
    tls: Option<TlsFiles>,
    buckets: Vec<BucketName>,
    missing_buckets: MissingBuckets,
    restore_time: Duration,
    clock: Clock,
    faults: Option<Faults>,
    journal: Option<Journal>,
}

impl Server {
    /// A server on `folder`, which is made when it is missing: on a free port of 127.0.0.1, with random
    /// credentials, and strict about buckets.
    pub fn new(folder: impl Into<PathBuf>) -> Server {
        Server {
            folder: folder.into(),
            credentials: None,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            exposure: Exposure::default(),
            tls: None,
            buckets: Vec::new(),
            missing_buckets: MissingBuckets::default(),
            restore_time: RESTORE_TIME,
            clock: Clock::system(),
            faults: None,
            journal: None,
        }
    }

    /// The one pair of credentials that requests must be signed with; with a token they must carry it too.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Server {
        self.credentials = Some(credentials);
        self
    }

    /// The address to listen on; port 0 is any free one. One that other computers reach needs
    /// [`Exposure::Network`] and [`tls`](Server::tls).
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Server {
        self.address = address;
        self
    }

    /// From where the server may be reached: from this computer only, unless it is said here.
    #[must_use]
    pub fn exposure(mut self, exposure: Exposure) -> Server {
        self.exposure = exposure;
        self
    }

    /// Serves HTTPS with this certificate, and plain HTTP no more.
    #[must_use]
    pub fn tls(mut self, files: TlsFiles) -> Server {
        self.tls = Some(files);
        self
    }

    /// A bucket that is made at the start when it is missing.
    #[must_use]
    pub fn bucket(mut self, bucket: BucketName) -> Server {
        self.buckets.push(bucket);
        self
    }

    /// What happens to a write into a bucket that does not exist.
    #[must_use]
    pub fn missing_buckets(mut self, choice: MissingBuckets) -> Server {
        self.missing_buckets = choice;
        self
    }

    /// How long it takes, by the server's clock, until an archived object that is restored can be read: 2 seconds
    /// unless it is said here. The service takes minutes to days.
    #[must_use]
    pub fn restore_time(mut self, duration: Duration) -> Server {
        self.restore_time = duration;
        self
    }

    /// The clock to judge signatures by and to date objects with.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Server {
        self.clock = clock;
        self
    }

    /// What goes wrong on purpose, for tests.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Server {
        self.faults = Some(faults);
        self
    }

    /// Where every request is recorded, for tests.
    #[must_use]
    pub fn journal(mut self, journal: Journal) -> Server {
        self.journal = Some(journal);
        self
    }

    /// Opens the store and serves it on tasks of this runtime.
    ///
    /// # Errors
    /// When the folder is in use, not a store or damaged, the certificate is not usable, or the address is taken or
    /// more exposed than is allowed.
    pub async fn start(self) -> Result<Running, StartError> {
        let is_protected = self.exposure == Exposure::Network && self.tls.is_some();
        if !self.address.ip().is_loopback() && !is_protected {
            let address = self.address;
            return Err(StartError::Exposed { address });
        }
        let tls = self.tls.as_ref().map(TlsFiles::load).transpose()?;
        let folder = self.folder;
        let opened = tokio::task::spawn_blocking(move || Store::open(&folder)).await;
        let store = Arc::new(opened.map_err(io::Error::other).map_err(StartError::Setup)??);
        for bucket in self.buckets {
            make_bucket(&store, &self.clock, bucket).await?;
        }
        let listen = |source| StartError::Listen {
            address: self.address,
            source,
        };
        let listener = TcpListener::bind(self.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let credentials = Arc::new(self.credentials.unwrap_or_else(generate_credentials));
        let service = Arc::new(Service {
            store: store.clone(),
            credentials: credentials.clone(),
            clock: self.clock,
            faults: self.faults,
            journal: self.journal,
            missing_buckets: self.missing_buckets,
            restore_time: self.restore_time,
            spelling: spelling::record().await.map_err(StartError::Setup)?,
        });
        let stop = CancellationToken::new();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let accepting = tokio::spawn(accept(listener, tls, service, stop.clone()));
        tracing::info!(%address, "serving");
        Ok(Running {
            address,
            scheme,
            credentials,
            store,
            stop,
            accepting,
        })
    }
}

async fn make_bucket(store: &Store, clock: &Clock, bucket: BucketName) -> Result<(), StartError> {
    let record = BucketRecord::new(clock.now());
    match store.create_bucket(bucket.as_str(), record).await {
        Ok(()) | Err(StoreError::BucketAlreadyExists) => Ok(()),
        Err(error) => Err(StartError::Bucket {
            bucket,
            reason: error.to_string(),
        }),
    }
}

/// A server that serves. Dropping it cuts all connections; acknowledged writes are safe all the same.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    scheme: &'static str,
    credentials: Arc<Credentials>,
    store: Arc<Store>,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Running {
    /// Where the server is, such as `http://127.0.0.1:41234`. Buckets are addressed in the path
    /// (`http://127.0.0.1:41234/BUCKET/KEY`) or in the host name (`Host: BUCKET.any.thing`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The address that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The credentials that requests must be signed with.
    #[must_use]
    pub fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }

    /// Takes no new connections, lets requests under way end (for ten seconds at most) and closes the store.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.accepting).await {
            tracing::error!(%error, "the server did not stop in order");
        }
        let store = self.store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store was not closed in order");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connect(stream, tls.clone(), service.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of file handles, most likely: some will come free.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME, all_ended).await.is_err() {
        tracing::warn!("connections that did not end in time are cut");
        connections.shutdown().await;
    }
}

async fn connect(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    stop: CancellationToken,
) {
    // Answers are small or written in large pieces: waiting to fill packets would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let Some(tls) = tls else {
        return serve(stream, service, stop).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, service, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a connection could not agree on TLS"),
        Err(_) => tracing::debug!("a connection took too long to agree on TLS"),
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: Arc<Service>,
    stop: CancellationToken,
) {
    let respond = service_fn(move |request| service.clone().serve(request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), respond));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
