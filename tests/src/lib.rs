//! End to end: the built command against a local server, with a plain client beside it that plays the service
//! provider, who can read and change whatever is stored.
//!
//! The command is `target/debug/coscrypt`, or what `COSCRYPT` names; `tests/run` builds it first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness stops at the first surprise"
)]

mod bench;
mod process;
mod provider;

pub use bench::{BUCKET, Bench, SECRET_ID, SECRET_KEY, files_under, pattern, url};
pub use process::{Exit, Finished, Run, peak_resident_kib};
pub use provider::{Provider, StoredObject};
