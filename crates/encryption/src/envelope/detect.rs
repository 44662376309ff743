//! Which writer's envelope an object carries, from its headers alone, without a key.

use super::headers::{EnvelopeHeaders, Field};
use super::python::PythonEnvelope;
use super::sdk::{
    AndroidEnvelope, GoJavaEnvelope, JavaOldEnvelope, RawIv, SdkClaims, SdkContent, SdkEnvelope, SdkWrap,
    WrappedIv, clip, decode, is_text,
};
use super::sealed::SealedEnvelope;
use crate::Error;
use crate::policy::ReadPolicy;
use crate::seal::cobblestone::ALGORITHM;

/// Length of a raw CTR or CBC IV.
const RAW_IV_LEN: usize = 16;
/// RFC 3394 of a 32-byte key, and of a 16-byte IV.
const AES_WRAP_LENS: (usize, usize) = (40, 24);

/// What an object's headers say that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detected {
    /// This project's sealed format.
    Sealed(SealedEnvelope),
    /// The official Python SDK.
    Python(PythonEnvelope),
    /// The official Go SDK, the Java SDK since 5.6.50, or hadoop-cos; they store the same.
    GoJava(GoJavaEnvelope),
    /// The official Android SDK: like Java, but the IV is stored as it is.
    Android(AndroidEnvelope),
    /// The official Java SDK before 5.6.50.
    JavaOld(JavaOldEnvelope),
    /// Not an object of its own: the Java SDK's instruction file, which holds another object's envelope.
    InstructionFile,
    /// No envelope.
    Plain(InstructionHint),
    /// An envelope with a content algorithm that no known writer uses.
    UnsupportedContent {
        /// The algorithm's name as stored.
        algorithm: String,
    },
    /// Headers of an envelope that do not go together.
    Malformed {
        /// What is wrong.
        reason: String,
    },
}

/// Whether an object without an envelope may have it in a second object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionHint {
    /// Nothing points to an instruction file.
    None,
    /// It carries a plaintext length, as the Java SDK leaves it when the envelope is in `<key>.instruction`.
    Likely,
}

/// An envelope that this crate can open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readable {
    /// The sealed format.
    Sealed(SealedEnvelope),
    /// The Python SDK's format: unauthenticated.
    Python(PythonEnvelope),
}

impl Detected {
    /// The envelope, if it can be opened and the policy lets it.
    ///
    /// # Errors
    /// [`Error::NotEncrypted`], [`Error::Unsupported`], [`Error::MalformedEnvelope`], [`Error::Unauthenticated`].
    pub fn into_readable(self, policy: ReadPolicy) -> Result<Readable, Error> {
        let unauthenticated = |writer: &str| match policy {
            ReadPolicy::SealedOnly => Err(Error::Unauthenticated {
                writer: writer.to_owned(),
            }),
            ReadPolicy::AllowUnauthenticated => Ok(()),
        };
        let unsupported = |writer: &str, wrap: &SdkWrap, content: SdkContent| Error::Unsupported {
            what: format!(
                "{} by {writer}, its key wrapped with {}",
                content.name(),
                wrap.name()
            ),
        };
        match self {
            Self::Sealed(envelope) => Ok(Readable::Sealed(envelope)),
            Self::Python(envelope) => {
                unauthenticated("the official Python SDK")?;
                Ok(Readable::Python(envelope))
            }
            Self::GoJava(sdk) => Err(unsupported("the official Go or Java SDK", &sdk.wrap, sdk.content)),
            Self::Android(sdk) => Err(unsupported("the official Android SDK", &sdk.wrap, sdk.content)),
            Self::JavaOld(sdk) => Err(unsupported(
                "the official Java SDK before 5.6.50",
                &sdk.wrap,
                sdk.content,
            )),
            Self::InstructionFile | Self::Plain(InstructionHint::None) => Err(Error::NotEncrypted),
            Self::Plain(InstructionHint::Likely) => Err(Error::Unsupported {
                what: "an envelope outside its headers (probably the Java SDK's instruction file)".to_owned(),
            }),
            Self::UnsupportedContent { algorithm } => Err(Error::Unsupported { what: algorithm }),
            Self::Malformed { reason } => Err(Error::MalformedEnvelope { reason }),
        }
    }
}

/// Tells which writer's envelope these headers are.
#[must_use]
pub fn detect(headers: &EnvelopeHeaders) -> Detected {
    if headers.get(Field::CekAlg) == Some(ALGORITHM) {
        return match SealedEnvelope::from_headers(headers) {
            Ok(envelope) => Detected::Sealed(envelope),
            Err(Error::Unsupported { what }) => Detected::UnsupportedContent { algorithm: what },
            Err(Error::MalformedEnvelope { reason }) => Detected::Malformed { reason },
            Err(other) => malformed(other.to_string()),
        };
    }
    if headers.has(Field::Mac) {
        return malformed(
            "it has the MAC of a sealed object, but names another content algorithm or none".to_owned(),
        );
    }
    let has_current = headers.has(Field::Key) || headers.has(Field::Iv) || headers.has(Field::Start);
    let has_old = headers.has(Field::OldKeyV2) || headers.has(Field::OldKey) || headers.has(Field::OldIv);
    match (has_current, has_old) {
        (true, true) => malformed("it has the headers of two formats at once".to_owned()),
        (true, false) => detect_current(headers),
        (false, true) => detect_java_old(headers),
        (false, false) if headers.has(Field::InstructionFile) => Detected::InstructionFile,
        (false, false) => detect_without_key(headers),
    }
}

/// No wrapped key in the headers: plain, or the envelope is elsewhere, or it was damaged.
fn detect_without_key(headers: &EnvelopeHeaders) -> Detected {
    if let Some(field) = [Field::CekAlg, Field::WrapAlg, Field::OldCekAlg, Field::OldWrapAlg]
        .into_iter()
        .find(|f| headers.has(*f))
    {
        return malformed(format!("{} is present, but no wrapped key", field.name()));
    }
    let length = headers.has(Field::UnencryptedLength) || headers.has(Field::OldUnencryptedLength);
    Detected::Plain(if length {
        InstructionHint::Likely
    } else {
        InstructionHint::None
    })
}

/// The formats that share `client-side-encryption-key`.
fn detect_current(headers: &EnvelopeHeaders) -> Detected {
    match (
        headers.has(Field::Key),
        headers.has(Field::Iv),
        headers.has(Field::Start),
    ) {
        (true, true, false) => match PythonEnvelope::from_headers(headers) {
            Ok(envelope) => Detected::Python(envelope),
            Err(Error::MalformedEnvelope { reason }) => Detected::Malformed { reason },
            Err(other) => malformed(other.to_string()),
        },
        (true, false, true) => detect_go_java_android(headers),
        (true, true, true) => {
            malformed("it has a Python SDK's IV and a Go or Java SDK's IV; no SDK writes both".to_owned())
        }
        (true, false, false) => malformed("it has a wrapped key, but no IV".to_owned()),
        (false, ..) => malformed("it has an IV, but no wrapped key".to_owned()),
    }
}

fn detect_go_java_android(headers: &EnvelopeHeaders) -> Detected {
    let (Some(key), Some(start)) = (decode(headers, Field::Key), decode(headers, Field::Start)) else {
        return malformed("the wrapped key or IV is not valid base64".to_owned());
    };
    let Some(algorithm) = headers.get(Field::CekAlg).filter(|name| !name.is_empty()) else {
        return malformed("it names no content algorithm".to_owned());
    };
    let Some(content) = SdkContent::of_name(algorithm) else {
        return Detected::UnsupportedContent {
            algorithm: clip(algorithm),
        };
    };
    let wrap = SdkWrap::of_name(headers.get(Field::WrapAlg));
    let bad_lengths = || {
        malformed(format!(
            "{} cannot give a key of {} and an IV of {} bytes",
            wrap.name(),
            key.len(),
            start.len()
        ))
    };
    match &wrap {
        SdkWrap::Unrecorded => return malformed("it names no wrap algorithm".to_owned()),
        // A wrapped IV is never 16 bytes: AESWrap gives 24, RSA the modulus, KMS more.
        SdkWrap::AesWrap | SdkWrap::RsaOaepSha256 | SdkWrap::Kms if start.len() == RAW_IV_LEN => {
            return Detected::Android(SdkEnvelope {
                wrap,
                content,
                wrapped_key: key,
                iv: RawIv(start),
                matdesc: headers.get(Field::Matdesc).map(str::to_owned),
                claims: SdkClaims::of(headers),
            });
        }
        SdkWrap::AesWrap if (key.len(), start.len()) != AES_WRAP_LENS => return bad_lengths(),
        SdkWrap::RsaOaepSha256 if key.len() != start.len() || key.len() < 98 => return bad_lengths(),
        SdkWrap::Kms if !is_text(&key) || !is_text(&start) => return bad_lengths(),
        _ => {}
    }
    Detected::GoJava(SdkEnvelope {
        wrap,
        content,
        wrapped_key: key,
        iv: WrappedIv(start),
        matdesc: headers.get(Field::Matdesc).map(str::to_owned),
        claims: SdkClaims::of(headers),
    })
}

fn detect_java_old(headers: &EnvelopeHeaders) -> Detected {
    let key = [Field::OldKeyV2, Field::OldKey]
        .into_iter()
        .find(|field| headers.has(*field));
    let (Some(key), true) = (key, headers.has(Field::OldIv)) else {
        return malformed("of the old Java format's wrapped key and IV, one is missing".to_owned());
    };
    let (Some(key), Some(iv)) = (decode(headers, key), decode(headers, Field::OldIv)) else {
        return malformed("the wrapped key or IV is not valid base64".to_owned());
    };
    let Some(name) = headers.get(Field::OldCekAlg) else {
        return malformed("it names no content algorithm".to_owned());
    };
    match SdkContent::of_name(name) {
        Some(content) => Detected::JavaOld(SdkEnvelope {
            wrap: SdkWrap::of_name(headers.get(Field::OldWrapAlg)),
            content,
            wrapped_key: key,
            iv: RawIv(iv),
            matdesc: headers.get(Field::OldMatdesc).map(str::to_owned),
            claims: SdkClaims::of(headers),
        }),
        None => Detected::UnsupportedContent {
            algorithm: clip(name),
        },
    }
}

fn malformed(reason: String) -> Detected {
    Detected::Malformed { reason }
}

#[cfg(test)]
mod tests;
