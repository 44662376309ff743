use base64::Engine as _;
use proptest::prelude::*;

use super::super::message::{MAX_HEADERS, MAX_MESSAGE};
use super::*;

fn vector() -> Vec<u8> {
    let json: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../../fixtures/cos-api.json")).unwrap();
    let encoded = json["select_event_stream"]["stream_b64"].as_str().unwrap();
    base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()
}

fn events() -> Vec<SelectEvent> {
    let stats = SelectProgress {
        bytes_scanned: 8,
        bytes_processed: 8,
        bytes_returned: 8,
    };
    vec![
        SelectEvent::Records(Bytes::from_static(b"a,b\n1,2\n")),
        SelectEvent::Continuation,
        SelectEvent::Stats(stats),
        SelectEvent::End,
    ]
}

type Decoded = Result<Vec<Result<SelectEvent, SelectFailure>>, EventStreamError>;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = EventDecoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(event) = decoder.next_event()? {
            events.push(event);
        }
    }
    decoder.finish().map(|()| events)
}

fn encode(events: &[SelectEvent]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|event| event.to_message().encode().unwrap())
        .collect()
}

/// A message with these lengths, the CRC of its prelude right.
fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &bytes);
    bytes.extend(u32::try_from(crc).unwrap().to_be_bytes());
    bytes
}

fn ok(events: Vec<SelectEvent>) -> Decoded {
    Ok(events.into_iter().map(Ok).collect())
}

#[test]
fn the_sample_stream() {
    assert_eq!(decode([vector().as_slice()]), ok(events()));
}

#[test]
fn what_is_written_is_what_the_sample_holds() {
    // The sample's document has no line break behind its declaration; everything else is the same to the byte.
    let (vector, stats) = (vector(), events().remove(2));
    let written = encode(&events());
    let stats_len = stats.to_message().encode().unwrap().len();
    let before = vector.len() - 56 - (stats_len - 1);
    assert_eq!(written[..before], vector[..before]);
    assert_eq!(written[written.len() - 56..], vector[vector.len() - 56..]);
}

#[test]
fn progress_and_failures() {
    let progress = SelectEvent::Progress(SelectProgress {
        bytes_scanned: 1,
        bytes_processed: 2,
        bytes_returned: u64::MAX,
    });
    let failure = SelectFailure {
        code: "CSVUnclosedQuote".into(),
        message: "a quote is open".into(),
    };
    let mut stream = encode(std::slice::from_ref(&progress));
    stream.extend(failure.to_message().encode().unwrap());
    assert_eq!(decode([stream.as_slice()]), Ok(vec![Ok(progress), Err(failure)]));
    stream.extend(encode(&[SelectEvent::End]));
    assert_eq!(decode([stream.as_slice()]), Err(EventStreamError::BehindEnd));
}

#[test]
fn a_stream_must_end_and_end_there() {
    let stream = vector();
    let end = encode(&[SelectEvent::End]).len();
    assert_eq!(
        decode([&stream[..stream.len() - end]]),
        Err(EventStreamError::Unfinished)
    );
    assert_eq!(decode([&b""[..]]), Err(EventStreamError::Unfinished));
    for cut in 0..stream.len() {
        assert_eq!(
            decode([&stream[..cut]]),
            Err(EventStreamError::Unfinished),
            "{cut}"
        );
    }
    let longer = [stream.as_slice(), b"\0"].concat();
    assert_eq!(decode([longer.as_slice()]), Err(EventStreamError::BehindEnd));
    assert_eq!(
        decode([stream.as_slice(), stream.as_slice()]),
        Err(EventStreamError::BehindEnd)
    );
}

#[test]
fn impossible_lengths_are_refused_before_anything_is_kept() {
    let max = u32::try_from(MAX_MESSAGE).unwrap();
    for (total, headers) in [
        (0, 0),
        (15, 0),
        (16, 1),
        (u32::MAX, 0),
        (u32::MAX, u32::MAX),
        (max + 1, 0),
        (max, u32::try_from(MAX_HEADERS).unwrap() + 1),
        (20, u32::MAX - 8),
    ] {
        let refused = decode([prelude(total, headers).as_slice()]);
        assert!(
            matches!(refused, Err(EventStreamError::Length { .. })),
            "{total} {headers}: {refused:?}"
        );
    }
    assert_eq!(
        decode([prelude(max, 0).as_slice()]),
        Err(EventStreamError::Unfinished)
    );
    assert!(Message::new(vec![0; MAX_MESSAGE]).encode().is_err());
    assert!(
        Message::default()
            .with_header(&"n".repeat(256), "")
            .encode()
            .is_err()
    );
    assert!(
        Message::default()
            .with_header("n", "v".repeat(65536))
            .encode()
            .is_err()
    );
}

#[test]
fn malformed_headers_are_refused() {
    let with_headers = |headers: &[u8]| {
        let len = u32::try_from(headers.len()).unwrap();
        let mut message = prelude(16 + len, len);
        message.extend(headers);
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &message);
        message.extend(u32::try_from(crc).unwrap().to_be_bytes());
        decode([message.as_slice()])
    };
    for bad in [
        &b"\x05ab"[..],
        b"\x01a",
        b"\x01a\x07\0",
        b"\x01a\x07\0\x05ab",
        b"\x01a\x06\0\x01b",
        b"\x01\xff\x07\0\x01b",
        b"\x01a\x07\0\x01\xff",
        b"",
        b"\x01a\x07\0\x01b",
    ] {
        assert!(
            matches!(with_headers(bad), Err(EventStreamError::Headers(_))),
            "{bad:?}"
        );
    }
    let unknown = Message::default()
        .with_header(":message-type", "event")
        .with_header(":event-type", "Other");
    let encoded = unknown.encode().unwrap();
    assert_eq!(
        decode([&encoded[..]]),
        Err(EventStreamError::Unknown("Other".into()))
    );
}

proptest! {
    #[test]
    fn cut_anyhow_the_events_are_the_same(
        records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
        sizes in proptest::collection::vec(1usize..200, 1..20),
    ) {
        let mut events: Vec<_> = records.into_iter().map(|r| SelectEvent::Records(r.into())).collect();
        events.push(SelectEvent::End);
        let stream = encode(&events);
        let (mut rest, mut pieces) = (stream.as_slice(), Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        prop_assert_eq!(decode(pieces), ok(events));
    }

    #[test]
    fn any_changed_byte_is_an_error(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut stream = vector();
        let at = at.index(stream.len());
        stream[at] ^= flip;
        prop_assert!(decode([stream.as_slice()]).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode([bytes.as_slice()]).is_err());
    }
}
