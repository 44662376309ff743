//! What goes over the wire: XML documents, shared by the client and by servers that stand in for COS.

pub mod error;
pub mod list;
pub mod select;
pub mod service;
pub mod xml;
