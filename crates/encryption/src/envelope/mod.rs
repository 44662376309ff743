//! The envelope: the `x-cos-meta-*` headers that tell how an object is encrypted.
//!
//! - [`headers`] – all header names, and the set of encryption headers of one object.
//! - [`sealed`] – this project's envelope (docs/format.md §3).
//! - [`python`] – the official Python SDK's two headers.
//! - [`sdk`] – what the official Go, Java and Android SDKs store.
//! - [`mod@detect`] – which writer's envelope it is; [`describe`] – the same for people and JSON, without a key.
//! - [`budget`] – the service's limit of 2 KiB of metadata.

pub mod budget;
pub mod describe;
pub mod detect;
pub mod headers;
pub mod python;
pub mod sdk;
pub mod sealed;

pub use budget::BudgetExceeded;
pub use describe::{Authentication, Description};
pub use detect::{Detected, Readable, detect};
pub use headers::EnvelopeHeaders;
pub use python::{PythonEnvelope, PythonSecrets};
pub use sealed::{Binding, Location, OpenedEnvelope, SealedEnvelope};
