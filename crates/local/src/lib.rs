//! Skeleton.
mod store;
pub use store::OpenError;
