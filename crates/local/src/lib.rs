//! A COS-compatible server on a folder, for programs that embed it, for tests, and for `coscrypt serve`.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use cos_local::Server;
//!
//! let folder = tempfile::tempdir()?;
//! let server = Server::new(folder.path()).bucket("examplebucket-1250000000".parse()?).start().await?;
//! println!("{} {}", server.endpoint(), server.credentials().secret_id());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # What it is
//!
//! HTTP/1.1 as the official SDKs expect it of COS: `q-sign` signatures with their times (in the `Authorization`
//! header or a presigned URL), error documents with the service's codes, header names in the service's own spelling,
//! ETag and CRC-64, ranges, conditional requests, and listings in UTF-8 byte order. Requests that ask for something
//! it does not know are refused with `NotImplemented`, never answered with something else.
//!
//! # For tests
//!
//! A server can be made to go wrong on purpose ([`Faults`]), its clock can be moved ([`Clock`]), and a [`Journal`]
//! tells afterwards what it was asked, in which order, and what at the same time.
//!
//! # What it keeps
//!
//! A store survives being killed at any moment: a write that was acknowledged is there, whole, and one that was not
//! leaves nothing visible. Objects are stored as they are sent; the folder's protection is its file modes.

mod auth;
mod clock;
mod credentials;
mod error;
mod faults;
mod handlers;
mod inbound;
mod journal;
mod request;
mod response;
mod router;
mod select;
mod server;
mod service;
mod spelling;
mod store;
mod tls;

pub use clock::Clock;
pub use credentials::{CredentialsFileError, generate_credentials, load_or_create_credentials};
pub use faults::{Fault, Faults, Rule};
pub use journal::{Exchange, Journal};
pub use server::{Running, Server, StartError};
pub use store::{CREDENTIALS as CREDENTIALS_FILE, MissingBuckets, OpenError};
pub use tls::{Exposure, TlsError, TlsFiles};
