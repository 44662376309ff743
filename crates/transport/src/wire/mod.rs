//! What goes over the wire: XML documents, shared by the client and by servers that stand in for COS.

pub mod common;
pub mod delete;
pub mod error;
pub mod list;
pub mod meta;
pub mod multipart;
pub mod select;
pub mod service;
pub mod versions;
pub mod xml;
