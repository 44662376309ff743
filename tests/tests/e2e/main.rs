//! End to end: real keys, real HTTP, the real command.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise, like tests"
)]

mod bad_input;
mod crash;
mod keys;
mod main_job;
mod memory;
mod names;
mod service;
mod tampering;
