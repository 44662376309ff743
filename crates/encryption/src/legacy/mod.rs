//! The content ciphers of the official SDKs' formats. Nothing here is authenticated.

pub mod ctr;
