//! Envelope to headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::SealedEnvelope;
use crate::envelope::headers::{EnvelopeHeaders, Field};
use crate::seal::cobblestone::ALGORITHM;

pub(super) fn encode(envelope: &SealedEnvelope) -> EnvelopeHeaders {
    let start = [
        envelope.salt.as_bytes().as_slice(),
        envelope.commitment.as_bytes(),
    ]
    .concat();
    let joined = |part: fn(&super::Recipient) -> String| {
        envelope.recipients.iter().map(part).collect::<Vec<_>>().join(",")
    };
    EnvelopeHeaders::of([
        (Field::CekAlg, ALGORITHM.to_owned()),
        (Field::Start, STANDARD.encode(start)),
        (
            Field::WrapAlg,
            joined(|recipient| recipient.scheme.name().to_owned()),
        ),
        (
            Field::Key,
            joined(|recipient| STANDARD.encode(&recipient.wrapped)),
        ),
        (Field::Matdesc, matdesc(envelope)),
        (Field::Mac, STANDARD.encode(envelope.mac)),
    ])
}

/// JSON without spaces, keys in this order: the only form that parses.
fn matdesc(envelope: &SealedEnvelope) -> String {
    let ids: Vec<_> = envelope
        .recipients
        .iter()
        .map(|recipient| format!("\"{}\"", recipient.key_id))
        .collect();
    format!(
        r#"{{"v":1,"kid":[{}],"bind":"{}"}}"#,
        ids.join(","),
        envelope.binding.name()
    )
}
