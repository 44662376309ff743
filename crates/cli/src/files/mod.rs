//! Files on this machine: names that cannot lead astray, targets that appear whole or not at all, folders to walk, stdin.

pub(crate) mod relative;
pub(crate) mod stdin;
pub(crate) mod target;
pub(crate) mod walk;
