//! The envelopes of the official Go, Java and Android SDKs, parsed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::headers::{EnvelopeHeaders, Field};

/// The wrap algorithms that Java and Android name.
const AES_WRAP: &str = "AESWrap";
const RSA_WRAP: &str = "RSA/ECB/OAEPWithSHA-256AndMGF1Padding";
const KMS_WRAPS: [&str; 2] = ["KMS/TencentCloud", "kms"];

/// An envelope of the official Go SDK, of the Java SDK since 5.6.50, or of hadoop-cos; they store the same.
pub type GoJavaEnvelope = SdkEnvelope<WrappedIv>;
/// An envelope of the official Android SDK: like Java's, but the IV is stored as it is.
pub type AndroidEnvelope = SdkEnvelope<RawIv>;
/// An envelope of the official Java SDK before 5.6.50.
pub type JavaOldEnvelope = SdkEnvelope<RawIv>;

/// What such an envelope holds. Nothing in it is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SdkEnvelope<Iv> {
    /// How the data key is wrapped, and the IV where it is.
    pub wrap: SdkWrap,
    /// The content cipher.
    pub content: SdkContent,
    /// The wrapped data key.
    pub wrapped_key: Vec<u8>,
    /// The IV.
    pub iv: Iv,
    /// The material description, as stored; for KMS the encryption context.
    pub matdesc: Option<String>,
    /// What is said of lengths and sums.
    pub claims: SdkClaims,
}

/// An IV that is wrapped as the data key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedIv(pub Vec<u8>);

/// An IV as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawIv(pub Vec<u8>);

/// What the SDKs say of an object beside its keys; what is absent or no number is `None`. Nobody has verified it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SdkClaims {
    /// Length of the GCM tag, in bits.
    pub tag_bits: Option<u32>,
    /// Length of the plaintext, in bytes.
    pub plain_len: Option<u64>,
    /// MD5 of the plaintext: base64 from Go and Java, hexadecimal in quotes from Android.
    pub plain_md5: Option<String>,
    /// Length of the plaintext of an object in parts, in bytes. Java writes -1 when it does not know: `None` here.
    pub data_size: Option<u64>,
    /// Length of a part, in bytes.
    pub part_size: Option<u64>,
}

/// How Go, Java and Android wrap the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdkWrap {
    /// RFC 3394 under an AES master key.
    AesWrap,
    /// RSA-OAEP with SHA-256; MGF1 with SHA-1 or SHA-256, depending on Java's provider.
    RsaOaepSha256,
    /// Tencent Cloud KMS.
    Kms,
    /// A wrap that only the writer's program knows; the name as stored.
    Custom(String),
    /// No algorithm is recorded.
    Unrecorded,
}

/// The content ciphers of Go, Java and Android.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdkContent {
    /// `AES/CTR/NoPadding`: unauthenticated.
    Ctr,
    /// `AES/CBC/PKCS5Padding`: unauthenticated.
    Cbc,
    /// `AES/GCM/NoPadding`: one tag at the end of the object.
    Gcm,
}

impl SdkContent {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "AES/CTR/NoPadding" => Some(Self::Ctr),
            "AES/CBC/PKCS5Padding" => Some(Self::Cbc),
            "AES/GCM/NoPadding" => Some(Self::Gcm),
            _ => None,
        }
    }

    /// The name that the SDKs store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ctr => "AES/CTR/NoPadding",
            Self::Cbc => "AES/CBC/PKCS5Padding",
            Self::Gcm => "AES/GCM/NoPadding",
        }
    }
}

impl SdkWrap {
    pub(super) fn of_name(name: Option<&str>) -> Self {
        match name {
            None | Some("") => Self::Unrecorded,
            Some(AES_WRAP) => Self::AesWrap,
            Some(RSA_WRAP) => Self::RsaOaepSha256,
            Some(name) if KMS_WRAPS.contains(&name) => Self::Kms,
            Some(name) => Self::Custom(clip(name)),
        }
    }

    /// The name that the SDKs store.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::AesWrap => AES_WRAP,
            Self::RsaOaepSha256 => RSA_WRAP,
            Self::Kms => KMS_WRAPS[0],
            Self::Custom(name) => name,
            Self::Unrecorded => "not recorded",
        }
    }
}

impl SdkClaims {
    pub(super) fn of(headers: &EnvelopeHeaders) -> Self {
        let first = |fields: [Field; 2]| fields.into_iter().find_map(|field| headers.get(field));
        let number = |field| headers.get(field)?.parse().ok();
        Self {
            tag_bits: headers.get(Field::TagLen).and_then(|bits| bits.parse().ok()),
            plain_len: first([Field::UnencryptedLength, Field::OldUnencryptedLength])
                .and_then(|len| len.parse().ok()),
            plain_md5: first([Field::UnencryptedMd5, Field::OldUnencryptedMd5]).map(str::to_owned),
            data_size: number(Field::DataSize),
            part_size: number(Field::PartSize),
        }
    }
}

pub(super) fn decode(headers: &EnvelopeHeaders, field: Field) -> Option<Vec<u8>> {
    STANDARD.decode(headers.get(field)?).ok()
}

/// KMS gives base64 text, which the SDKs encode once more.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.is_ascii() && STANDARD.decode(bytes).is_ok()
}

/// Names from headers go into messages: no more than fits on a line.
pub(super) fn clip(name: &str) -> String {
    name.chars().take(100).collect()
}
