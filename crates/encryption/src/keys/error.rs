//! What can be wrong with a key or its file.

use std::io;

/// Why a key could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such file.
    #[error("the file does not exist")]
    Missing,
    /// A folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Other users of the machine can read or change a secret key.
    #[error("other users can {} this secret key (mode {mode:04o})", can(*.mode))]
    TooOpen {
        /// The permission bits of the file.
        mode: u32,
    },
    /// Other users of the machine can put another public key in the place of this one.
    #[error(
        "other users can change this public key (mode {mode:04o}): they could have data encrypted to a key of theirs"
    )]
    PublicKeyWritable {
        /// The permission bits of the file.
        mode: u32,
    },
    /// The file is somebody else's.
    #[error("the file belongs to another user (uid {uid}), who can read and change it")]
    OtherOwner {
        /// The owner's number.
        uid: u32,
    },
    /// Nothing that long is a key.
    #[error("it is larger than {limit} bytes, which is no key")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// There is already a file of that name.
    #[error("the file exists already, and keys are never overwritten")]
    Exists,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The key is encrypted with a passphrase.
    #[error("the key is protected with a passphrase, which is not supported yet")]
    PassphraseProtected,
    /// An OpenSSH key.
    #[error("the key is in OpenSSH's own format, which is not supported")]
    OpenSsh,
    /// Neither an AES nor an RSA key.
    #[error("it is neither the base64 text of an AES key nor an RSA key in PEM or DER form")]
    NotAKey,
    /// Another kind of key than the caller asked for.
    #[error("it is not an {wanted} key")]
    OtherKind {
        /// The kind asked for.
        wanted: &'static str,
    },
    /// Not base64.
    #[error("an AES key is written as base64 text, and this is not valid base64")]
    NotBase64,
    /// Not an AES key.
    #[error("an AES key has 16, 24 or 32 bytes, and this one has {len}")]
    AesLength {
        /// Bytes in the key.
        len: usize,
    },
    /// An RSA key that is damaged, or has parameters that nobody should use.
    #[error("the RSA key is damaged or unusable: {reason}")]
    InvalidRsa {
        /// What is wrong.
        reason: String,
    },
    /// An RSA key outside the supported sizes.
    #[error("RSA keys have {min} to 8192 bits here, and this one has {bits}")]
    RsaSize {
        /// Bits in the modulus.
        bits: u32,
        /// The least that is accepted for this use.
        min: u32,
    },
    /// The cryptographic library failed.
    #[error("internal failure: no key could be derived from it")]
    Derivation,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

impl KeyError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing => "Check the path. Keys are made only by an explicit command, never on the side.",
            Self::TooOpen { .. } => "Run chmod 600 on the file; if others may have read it, make a new key.",
            Self::PublicKeyWritable { .. } => {
                "Check that it is the right key, then run chmod 644 on the file."
            }
            Self::OtherOwner { .. } => {
                "Check that it is the right key, then use a copy of your own with mode 600."
            }
            Self::PassphraseProtected => {
                "Remove the passphrase with: openssl pkcs8 -in OLD -topk8 -nocrypt -out NEW"
            }
            Self::OpenSsh => "Convert a copy of it with: ssh-keygen -p -m PEM -f COPY",
            Self::Exists => "Choose another name.",
            Self::NotAKey
            | Self::OtherKind { .. }
            | Self::NotBase64
            | Self::AesLength { .. }
            | Self::InvalidRsa { .. } => {
                "Give a key file made by this tool, by openssl or by the official SDK."
            }
            Self::RsaSize { .. } => "Use an RSA key of 3072 or 4096 bits.",
            Self::NotAFile | Self::TooLarge { .. } | Self::Io(_) | Self::Derivation | Self::Random => {
                return None;
            }
        })
    }
}

fn can(mode: u32) -> &'static str {
    match (mode & 0o044 != 0, mode & 0o022 != 0) {
        (true, true) => "read and change",
        (false, true) => "change",
        _ => "read",
    }
}
