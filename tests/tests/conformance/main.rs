//! The object API, operation by operation, as the service's documentation has it: written against a
//! [`Bucket`](cos_transport::Bucket) only, so that it judges any server.
//!
//! The server is cos-local, in this process, unless the environment names a real bucket:
//!
//! ```sh
//! COSCRYPT_CONFORMANCE_BUCKET=examplebucket-1250000000 COSCRYPT_CONFORMANCE_REGION=ap-guangzhou \
//!   COS_SECRET_ID=… COS_SECRET_KEY=… cargo test -p cos-e2e --test conformance
//! ```
//!
//! `COSCRYPT_CONFORMANCE_ENDPOINT` may take the region's place. Every test writes below a random prefix of its own and
//! deletes what it wrote. What a server cannot be asked is skipped, with the reason on stderr.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]

mod append;
mod archive;
mod bench;
mod buckets;
mod conditions;
mod copies;
mod deletes;
mod listings;
mod meta;
mod multipart;
mod names;
mod objects;
mod presign;
mod ranges;
mod select;
mod transfers;
mod versions;
