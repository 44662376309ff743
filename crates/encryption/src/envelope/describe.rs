//! What an envelope says, for people and JSON; needs no key, and so proves nothing.

use super::detect::{Detected, InstructionHint, detect};
use super::headers::EnvelopeHeaders;
use super::python::PythonEnvelope;
use super::sdk::{SdkContent, SdkWrap};
use super::sealed::{Binding, SealedEnvelope};
use crate::keys::KeyId;
use crate::seal::cobblestone::ALGORITHM;

/// What an object's headers say about its encryption.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Description {
    /// What wrote the object, in words.
    pub writer: String,
    /// Whether there is an envelope.
    pub encrypted: bool,
    /// The content algorithm, if one is named or implied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_algorithm: Option<String>,
    /// Who can open it, in the order of the envelope.
    pub wraps: Vec<WrapDescription>,
    /// What the envelope is bound to; sealed objects only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// How far what comes out can be trusted.
    pub authentication: Authentication,
    /// What is wrong or dangerous about it, in words.
    pub problems: Vec<String>,
}

/// One wrapped data key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WrapDescription {
    /// The wrap algorithm.
    pub algorithm: String,
    /// The key that unwraps it, where the format says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
}

/// How a format authenticates content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Chunk by chunk, before anything is released, envelope included.
    EveryChunk,
    /// One tag after the last byte; the envelope is not covered, and ranges cannot be checked.
    AtEnd,
    /// Not at all.
    None,
}

impl Description {
    /// Describes the headers of an object.
    #[must_use]
    pub fn of(headers: &EnvelopeHeaders) -> Self {
        match detect(headers) {
            Detected::Sealed(envelope) => Self::sealed(&envelope),
            Detected::Python(envelope) => Self::python(&envelope),
            Detected::GoJava(sdk) => Self::sdk(go_or_java(&sdk.wrap, sdk.content), &sdk.wrap, sdk.content),
            Detected::Android(sdk) => Self::sdk("Tencent COS Android SDK", &sdk.wrap, sdk.content),
            Detected::JavaOld(sdk) => Self::sdk("Tencent COS Java SDK before 5.6.50", &sdk.wrap, sdk.content),
            Detected::InstructionFile => Self::without_envelope(
                "Tencent COS Java SDK",
                Some(
                    "this is an instruction file: it holds the envelope of the object without the .instruction suffix",
                ),
            ),
            Detected::Plain(InstructionHint::None) => Self::without_envelope("unknown", None),
            Detected::Plain(InstructionHint::Likely) => Self::without_envelope(
                "probably the Tencent COS Java SDK",
                Some(
                    "it carries a plaintext length but no envelope: look for an object of the same name with .instruction added",
                ),
            ),
            Detected::UnsupportedContent { algorithm } => {
                let mut description =
                    Self::without_envelope("unknown", Some("the content algorithm is not supported"));
                description.encrypted = true;
                description.content_algorithm = Some(algorithm);
                description
            }
            Detected::Malformed { reason } => {
                let mut description = Self::without_envelope("unknown", None);
                description.encrypted = true;
                description
                    .problems
                    .push(format!("the encryption headers are malformed: {reason}"));
                description
            }
        }
    }

    fn sealed(envelope: &SealedEnvelope) -> Self {
        let wraps = envelope.recipients().iter().map(|recipient| WrapDescription {
            algorithm: recipient.scheme().name().to_owned(),
            key_id: Some(recipient.key_id()),
        });
        let problems = match envelope.binding() {
            Binding::None => {
                vec!["bound to no name: swapping it with another object would not be noticed".to_owned()]
            }
            Binding::Key | Binding::BucketAndKey => Vec::new(),
        };
        Self {
            writer: "coscrypt".to_owned(),
            encrypted: true,
            content_algorithm: Some(ALGORITHM.to_owned()),
            wraps: wraps.collect(),
            binding: Some(envelope.binding()),
            authentication: Authentication::EveryChunk,
            problems,
        }
    }

    fn python(envelope: &PythonEnvelope) -> Self {
        let mut problems = vec!["unauthenticated: changed content decrypts without an error".to_owned()];
        let algorithm = match envelope {
            PythonEnvelope::Aes { .. } => {
                problems.push(
                    "its key is wrapped with a keystream that is the same for every object: who learns one data key learns all"
                        .to_owned(),
                );
                "AES-CTR with a fixed keystream".to_owned()
            }
            PythonEnvelope::Rsa { key, .. } => {
                format!(
                    "RSA, {} bits; OAEP-SHA1 or PKCS#1 v1.5, which is not recorded",
                    key.len() * 8
                )
            }
        };
        Self {
            writer: "Tencent COS Python SDK".to_owned(),
            encrypted: true,
            content_algorithm: Some("AES/CTR/NoPadding (implied)".to_owned()),
            wraps: vec![WrapDescription {
                algorithm,
                key_id: None,
            }],
            binding: None,
            authentication: Authentication::None,
            problems,
        }
    }

    fn sdk(writer: &str, wrap: &SdkWrap, content: SdkContent) -> Self {
        let (authentication, problem) = match content {
            SdkContent::Gcm => (
                Authentication::AtEnd,
                "authenticated only at its end: ranges and headers cannot be verified",
            ),
            SdkContent::Ctr | SdkContent::Cbc => (
                Authentication::None,
                "unauthenticated: changed content decrypts without an error",
            ),
        };
        Self {
            writer: writer.to_owned(),
            encrypted: true,
            content_algorithm: Some(content.name().to_owned()),
            wraps: vec![WrapDescription {
                algorithm: wrap.name().to_owned(),
                key_id: None,
            }],
            binding: None,
            authentication,
            problems: vec![problem.to_owned()],
        }
    }

    fn without_envelope(writer: &str, problem: Option<&str>) -> Self {
        Self {
            writer: writer.to_owned(),
            encrypted: false,
            content_algorithm: None,
            wraps: Vec::new(),
            binding: None,
            authentication: Authentication::None,
            problems: problem.map(str::to_owned).into_iter().collect(),
        }
    }
}

/// Only Java writes CBC and GCM, and only Java ships AES and RSA wraps; a custom wrap is Go's.
fn go_or_java(wrap: &SdkWrap, content: SdkContent) -> &'static str {
    match (wrap, content) {
        (SdkWrap::Custom(_), _) => "Tencent COS Go SDK with a master key of the user's own",
        (SdkWrap::Kms, SdkContent::Ctr) => "Tencent COS Go or Java SDK",
        _ => "Tencent COS Java SDK or hadoop-cos",
    }
}
