//! What goes over the wire, and what becomes of answers that no good server gives: a server that says exactly what it
//! is told to, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]

mod connections;
mod credentials;
mod documents;
mod faults;
mod files;
mod hostile;
mod listings;
mod multipart;
mod operations;
mod presign;
mod properties;
mod requests;
mod script;
mod select;
