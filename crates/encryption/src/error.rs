//! What can go wrong, sorted by who is to blame.

use std::path::PathBuf;

use crate::envelope::{Binding, BudgetExceeded};
use crate::keys::{KeyError, KeyId};

/// Why something could not be encrypted, decrypted or described.
///
/// The message says what happened; [`Error::help`] says what to do about it. The kinds are told apart for the local caller:
/// a service that decrypts for others must not pass them on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object carries no envelope.
    #[error("the object is not encrypted: it carries no encryption headers")]
    NotEncrypted,
    /// The object is encrypted in a way that cannot be read.
    #[error("the object is encrypted with {what}, which is not supported")]
    Unsupported {
        /// The algorithm, or the writer and the algorithm.
        what: String,
    },
    /// The headers look like an envelope, but are not one.
    #[error("the encryption headers are malformed: {reason}")]
    MalformedEnvelope {
        /// Which header, and what is wrong with it.
        reason: String,
    },
    /// The policy refuses the object's format.
    #[error(
        "the object was written by {writer} without authentication: what it decrypts to cannot be verified"
    )]
    Unauthenticated {
        /// Which SDK wrote it.
        writer: String,
    },

    /// The envelope does not belong to this object at this place.
    #[error(
        "the encryption headers were tampered with, or the object was moved: they do not authenticate for {binding}"
    )]
    EnvelopeTampered {
        /// What the envelope says that it is bound to.
        binding: Binding,
    },
    /// The envelope states another key than it holds.
    #[error("the encryption headers hold another key than the one they commit to")]
    CommitmentMismatch,
    /// A chunk failed authentication.
    #[error("the content was tampered with or damaged: bytes {start}..{end} failed authentication")]
    ContentTampered {
        /// First plaintext byte of the chunk.
        start: u64,
        /// First plaintext byte after the chunk.
        end: u64,
    },
    /// No sealed object has this length.
    #[error("the object was truncated or extended: {length} bytes is not the length of a sealed object")]
    IllegalLength {
        /// Length of the object as stored, in bytes.
        length: u64,
    },
    /// The body ended early.
    #[error("the body ended early: {received} of {expected} bytes arrived")]
    Truncated {
        /// Bytes that the range has.
        expected: u64,
        /// Bytes that arrived.
        received: u64,
    },
    /// The body went on past its end.
    #[error("the body is longer than the {expected} bytes that belong to it")]
    TrailingData {
        /// Bytes that the range has.
        expected: u64,
    },

    /// None of the keys at hand is one of the object's recipients.
    #[error("no key for this object: it needs {}, and {}", or_unnamed(.wanted), held_keys(.held))]
    NoKey {
        /// The key ids that the envelope names; empty when the format names none.
        wanted: Vec<KeyId>,
        /// The key ids at hand.
        held: Vec<KeyId>,
    },
    /// The format does not say which key, and guessing could give garbage.
    #[error("the object does not say which key encrypted it, and several could have: {}", list(.candidates))]
    AmbiguousKey {
        /// The key ids that could be the one.
        candidates: Vec<KeyId>,
    },
    /// The right key did not open the wrapped data key.
    #[error(
        "key {key_id} does not open this object's data key: the encryption headers are damaged, or the key is another"
    )]
    UnwrapFailed {
        /// The key that was tried.
        key_id: KeyId,
    },
    /// The key is the one that the envelope names, and still does not open it.
    #[error(
        "the encryption headers were tampered with: the data key wrapped for key {key_id} is not genuine"
    )]
    WrappedKeyTampered {
        /// The key that was tried.
        key_id: KeyId,
    },
    /// The key at hand can encrypt only.
    #[error("key {key_id} is a public key: it encrypts, but cannot decrypt")]
    PublicKeyOnly {
        /// The key.
        key_id: KeyId,
    },
    /// The key cannot be used in this format.
    #[error("key {key_id} cannot be used here: {reason}")]
    KeyUnsuitable {
        /// The key.
        key_id: KeyId,
        /// What the format asks for.
        reason: String,
    },
    /// A key could not be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key file could not be read or made.
    #[error("key file {}: {error}", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; part of the message.
        error: KeyError,
    },

    /// Envelope and user metadata do not fit in the service's limit.
    #[error(transparent)]
    MetadataTooLarge(#[from] BudgetExceeded),
    /// An object has 1 to 16 recipients.
    #[error("an object is encrypted to 1 to 16 keys, not {count}")]
    RecipientCount {
        /// How many were given.
        count: usize,
    },
    /// The Python SDK's format knows one key only.
    #[error("the Python SDK's format takes exactly one key, and {count} were given")]
    OneKeyOnly {
        /// How many were given.
        count: usize,
    },
    /// The plaintext is longer than the format allows.
    #[error("the object is longer than the sealed format allows (2^52 - 1 bytes)")]
    ObjectTooLong,
    /// A part that is followed by another does not end at a chunk's edge.
    #[error("a part of {plain_len} bytes is not a whole number of 16384-byte chunks; the next valid size is {}", next_part_size(*.plain_len))]
    PartNotWholeChunks {
        /// Plaintext bytes in the part.
        plain_len: usize,
    },
    /// A range of no bytes.
    #[error("the range is empty")]
    EmptyRange,
    /// A range that starts after the end.
    #[error("the range starts at byte {start}, and the object has {length}")]
    RangeOutside {
        /// First byte wanted.
        start: u64,
        /// Length of the plaintext.
        length: u64,
    },

    /// A metadata name that belongs to the encryption.
    #[error("the metadata name {name} belongs to the encryption and cannot be set")]
    ReservedMetadata {
        /// The name.
        name: String,
    },
    /// More ciphertext than one request may carry.
    #[error("encrypted, this is more than the 5 GiB that one request may carry")]
    TooLongForOneRequest,
    /// More plaintext than the caller wants in memory.
    #[error("the object has more than the {limit} bytes that are wanted in memory")]
    TooLongForMemory {
        /// The caller's limit, in bytes.
        limit: usize,
    },
    /// The object was replaced between two requests of one read.
    #[error("the object was replaced while it was read")]
    ChangedMeanwhile,
    /// The plaintext could not be read.
    #[error("the data to encrypt could not be read: {0}")]
    Source(#[source] std::io::Error),
    /// The ciphertext could not be kept until it was sent.
    #[error("the temporary file for encrypted data failed: {0}")]
    Spool(#[source] std::io::Error),
    /// The service, the network, or a request that was impossible.
    #[cfg(feature = "client")]
    #[error(transparent)]
    Transport(#[from] cos_transport::Error),

    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
    /// The cryptographic library failed.
    #[error("internal failure: {0}")]
    Crypto(&'static str),
}

/// Who is to blame for an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object is not in a format that this read accepts.
    Format,
    /// The data failed authentication: tampered with, damaged, truncated or moved.
    Authentication,
    /// A key is missing, wrong or unreadable.
    Key,
    /// The caller asked for something impossible.
    Caller,
    /// The service refused, or could not be reached: see the [`Transport`](Error::Transport) error inside.
    Transport,
    /// The machine failed, or what it was working on changed.
    System,
}

impl Error {
    /// Who is to blame.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotEncrypted
            | Self::Unsupported { .. }
            | Self::MalformedEnvelope { .. }
            | Self::Unauthenticated { .. } => ErrorKind::Format,
            Self::EnvelopeTampered { .. }
            | Self::WrappedKeyTampered { .. }
            | Self::CommitmentMismatch
            | Self::ContentTampered { .. }
            | Self::IllegalLength { .. }
            | Self::Truncated { .. }
            | Self::TrailingData { .. } => ErrorKind::Authentication,
            Self::NoKey { .. }
            | Self::AmbiguousKey { .. }
            | Self::UnwrapFailed { .. }
            | Self::PublicKeyOnly { .. }
            | Self::KeyUnsuitable { .. }
            | Self::Key(_)
            | Self::KeyFile { .. } => ErrorKind::Key,
            Self::MetadataTooLarge(_)
            | Self::RecipientCount { .. }
            | Self::OneKeyOnly { .. }
            | Self::ObjectTooLong
            | Self::PartNotWholeChunks { .. }
            | Self::EmptyRange
            | Self::RangeOutside { .. }
            | Self::ReservedMetadata { .. }
            | Self::TooLongForOneRequest
            | Self::TooLongForMemory { .. } => ErrorKind::Caller,
            #[cfg(feature = "client")]
            Self::Transport(_) => ErrorKind::Transport,
            Self::ChangedMeanwhile | Self::Source(_) | Self::Spool(_) | Self::Random | Self::Crypto(_) => {
                ErrorKind::System
            }
        }
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotEncrypted => {
                "Read it as a plain object, or check that its x-cos-meta-* headers were not lost in a copy."
            }
            Self::Unsupported { .. } => {
                "Describe the object to see what wrote it, and read it with that tool."
            }
            Self::MalformedEnvelope { .. } => {
                "The headers were edited, or lost in a copy; restore them from another version of the object."
            }
            Self::Unauthenticated { .. } => {
                "Allow unauthenticated objects explicitly if you trust everyone who can write to the bucket."
            }
            Self::EnvelopeTampered { .. } => {
                "Move the object back to where it was written, or read it under its old key; copy it with this tool to move it."
            }
            Self::CommitmentMismatch
            | Self::WrappedKeyTampered { .. }
            | Self::ContentTampered { .. }
            | Self::IllegalLength { .. }
            | Self::TrailingData { .. } => {
                "Do not use the data. Restore the object from another version or a backup."
            }
            Self::Truncated { .. } => "Read it again; if it fails again, the object is damaged.",
            Self::NoKey { .. } => "Give the key file of one of the keys that the object needs.",
            Self::AmbiguousKey { .. } => "Give only the key that wrote the object.",
            Self::UnwrapFailed { .. } => "Check that this is the key that wrote the object.",
            Self::PublicKeyOnly { .. } => "Give the private key file.",
            Self::KeyUnsuitable { .. } => "Use an AES key of 32 bytes, or an RSA key of 2048 to 8192 bits.",
            Self::Key(error) | Self::KeyFile { error, .. } => return error.help(),
            Self::MetadataTooLarge(_) => {
                "Use less user metadata, fewer recipients, or an AES key: an RSA key costs its modulus in the headers."
            }
            Self::OneKeyOnly { .. } => "Give one key, or write the sealed format, which takes up to 16.",
            Self::Random => "Try again; on a freshly started machine, wait until it has gathered entropy.",
            Self::ReservedMetadata { .. } => "Choose another name for this metadata.",
            Self::TooLongForOneRequest => "Split the data into objects of less than 5 GiB.",
            Self::ChangedMeanwhile => "Read it again.",
            Self::Source(_) => "Check that the file can be read and that nothing changes it meanwhile.",
            Self::Spool(_) => "Free some space in the temporary folder, or set TMPDIR to another one.",
            #[cfg(feature = "client")]
            Self::Transport(error) => return error.help(),
            Self::RecipientCount { .. }
            | Self::TooLongForMemory { .. }
            | Self::ObjectTooLong
            | Self::PartNotWholeChunks { .. }
            | Self::EmptyRange
            | Self::RangeOutside { .. }
            | Self::Crypto(_) => return None,
        })
    }
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", ")
}

fn or_unnamed(wanted: &[KeyId]) -> String {
    if wanted.is_empty() {
        "a key that it does not name".to_owned()
    } else {
        list(wanted)
    }
}

fn held_keys(held: &[KeyId]) -> String {
    if held.is_empty() {
        "no key was given".to_owned()
    } else {
        format!("the keys given are {}", list(held))
    }
}

fn next_part_size(plain_len: usize) -> usize {
    use crate::seal::CHUNK_LEN;
    plain_len.div_ceil(CHUNK_LEN).max(1).saturating_mul(CHUNK_LEN)
}
