//! Headers to envelope: strict, canonical, capped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Binding, MAC_LEN, MAX_RECIPIENTS, Recipient, SealedEnvelope};
use crate::Error;
use crate::envelope::budget::METADATA_LIMIT;
use crate::envelope::headers::{EnvelopeHeaders, Field};
use crate::keys::{KeyId, WrapScheme};
use crate::seal::cobblestone::{ALGORITHM, COMMITMENT_LEN, SALT_LEN};
use crate::seal::{Commitment, Salt};

/// RFC 3394 of 32 bytes.
const A256KW_LEN: usize = 40;
/// Modulus sizes in bytes: 2048 to 8192 bits.
const RSA_LENS: std::ops::RangeInclusive<usize> = 256..=1024;

pub(super) fn parse(headers: &EnvelopeHeaders) -> Result<SealedEnvelope, Error> {
    let algorithm = headers.require(Field::CekAlg)?;
    if algorithm != ALGORITHM {
        return Err(Error::Unsupported {
            what: algorithm.chars().take(100).collect(),
        });
    }
    let len = headers.len_on_wire();
    if len > METADATA_LIMIT {
        return Err(malformed(format!(
            "{len} bytes of headers exceed the limit of {METADATA_LIMIT}"
        )));
    }
    if headers.has(Field::Iv) {
        return Err(malformed(format!(
            "{} does not belong in a sealed envelope",
            Field::Iv.name()
        )));
    }
    let start: [u8; SALT_LEN + COMMITMENT_LEN] = decode(headers, Field::Start)?;
    let mac: [u8; MAC_LEN] = decode(headers, Field::Mac)?;
    let (salt, commitment) = split(start);
    let (key_ids, binding) = parse_matdesc(headers.require(Field::Matdesc)?)?;
    let recipients = parse_recipients(headers, &key_ids)?;
    Ok(SealedEnvelope {
        salt,
        commitment,
        recipients,
        binding,
        mac,
    })
}

fn parse_recipients(headers: &EnvelopeHeaders, key_ids: &[KeyId]) -> Result<Vec<Recipient>, Error> {
    let schemes: Vec<_> = headers.require(Field::WrapAlg)?.split(',').collect();
    let wrapped: Vec<_> = headers.require(Field::Key)?.split(',').collect();
    if schemes.len() != wrapped.len() || schemes.len() != key_ids.len() {
        return Err(malformed(format!(
            "{} wrap algorithms, {} wrapped keys and {} key ids do not go together",
            schemes.len(),
            wrapped.len(),
            key_ids.len()
        )));
    }
    let recipients = schemes.into_iter().zip(wrapped).zip(key_ids);
    recipients
        .map(|((scheme, wrapped), key_id)| parse_recipient(scheme, wrapped, *key_id))
        .collect()
}

fn parse_recipient(scheme: &str, wrapped: &str, key_id: KeyId) -> Result<Recipient, Error> {
    let scheme = WrapScheme::SEALED
        .into_iter()
        .find(|known| known.name() == scheme)
        .ok_or_else(|| Error::Unsupported {
            what: format!("wrap algorithm {}", scheme.chars().take(100).collect::<String>()),
        })?;
    let wrapped = STANDARD
        .decode(wrapped)
        .map_err(|_| malformed(format!("{} is not valid base64", Field::Key.name())))?;
    if !is_wrapped_len(scheme, wrapped.len()) {
        return Err(malformed(format!(
            "a key wrapped with {} cannot have {} bytes",
            scheme.name(),
            wrapped.len()
        )));
    }
    Ok(Recipient {
        scheme,
        key_id,
        wrapped,
    })
}

/// Whether a data key wrapped with a scheme of the sealed format can have so many bytes.
pub(super) fn is_wrapped_len(scheme: WrapScheme, len: usize) -> bool {
    match scheme {
        WrapScheme::A256Kw => len == A256KW_LEN,
        _ => RSA_LENS.contains(&len),
    }
}

/// `{"v":1,"kid":["<16 hex>",...],"bind":"key"}`, exactly.
fn parse_matdesc(text: &str) -> Result<(Vec<KeyId>, Binding), Error> {
    let bad = || {
        malformed(format!(
            "{} is not of the form {{\"v\":1,\"kid\":[…],\"bind\":\"…\"}}",
            Field::Matdesc.name()
        ))
    };
    let Some(rest) = text.strip_prefix(r#"{"v":1,"kid":["#) else {
        return Err(later_version(text).unwrap_or_else(bad));
    };
    let (ids, rest) = rest.split_once(r#"],"bind":""#).ok_or_else(bad)?;
    let binding = rest.strip_suffix(r#""}"#).ok_or_else(bad)?;
    let binding = [Binding::None, Binding::Key, Binding::BucketAndKey]
        .into_iter()
        .find(|known| known.name() == binding)
        .ok_or_else(bad)?;
    let ids = ids
        .split(',')
        .take(MAX_RECIPIENTS + 1)
        .map(|quoted| quoted.strip_prefix('"')?.strip_suffix('"')?.parse().ok())
        .collect::<Option<Vec<KeyId>>>()
        .ok_or_else(bad)?;
    if ids.len() > MAX_RECIPIENTS {
        return Err(malformed(format!("more than {MAX_RECIPIENTS} recipients")));
    }
    Ok((ids, binding))
}

/// A well-formed description of a version that came after this reader.
fn later_version(text: &str) -> Option<Error> {
    let (version, _) = text.strip_prefix(r#"{"v":"#)?.split_once(',')?;
    let version: u32 = version.parse().ok().filter(|version| *version > 1)?;
    Some(Error::Unsupported {
        what: format!("version {version} of the sealed format"),
    })
}

fn decode<const N: usize>(headers: &EnvelopeHeaders, field: Field) -> Result<[u8; N], Error> {
    let bytes = STANDARD.decode(headers.require(field)?).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| malformed(format!("{} is not the base64 of {N} bytes", field.name())))
}

fn split(start: [u8; SALT_LEN + COMMITMENT_LEN]) -> (Salt, Commitment) {
    let mut salt = [0; SALT_LEN];
    let mut commitment = [0; COMMITMENT_LEN];
    salt.copy_from_slice(&start[..SALT_LEN]);
    commitment.copy_from_slice(&start[SALT_LEN..]);
    (Salt::from_bytes(salt), Commitment::from_bytes(commitment))
}

fn malformed(reason: String) -> Error {
    Error::MalformedEnvelope { reason }
}
