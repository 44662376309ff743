//! End to end: real keys, real HTTP, the real command.

mod bad_input;
mod crash;
mod keys;
mod main_job;
mod memory;
mod names;
mod service;
mod tampering;
