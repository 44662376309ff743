//! New envelopes for bodies that stay.

use super::*;

#[test]
fn a_recipient_is_added_and_removed_without_the_others_keys() {
    let (envelope, body) = three_chunks(Binding::Key);
    let open_with = |envelope: &SealedEnvelope, seed| {
        run(envelope.open(&KeyRing::of(aes(seed)), LOCATION, body.len() as u64))
    };
    let rsa = KeyRing::from_iter([fixture_key("rsa2048_pub.pem").into_provider()]);
    let opened = open_with(&envelope, 1).unwrap();
    let shared = run(opened.rewrap(|_| true, &rsa, Binding::Key, LOCATION)).unwrap();
    assert_eq!(shared.recipients()[..1], *envelope.recipients());
    assert_eq!(shared.recipients()[1].key_id(), rsa.key_ids()[0]);
    // Only the first key is at hand, and the wrap for the second is kept byte for byte.
    let opened = open_with(&shared, 1).unwrap();
    let not_the_first = |recipient: &Recipient| recipient.key_id() != aes(1).key_id();
    let second = KeyRing::of(aes(2));
    let rotated = run(opened.rewrap(not_the_first, &second, Binding::Key, LOCATION)).unwrap();
    assert_eq!(rotated.recipients()[0], shared.recipients()[1]);
    assert!(matches!(open_with(&rotated, 1), Err(Error::NoKey { .. })));
    assert_eq!(
        open(&rotated.to_headers(), &KeyRing::of(aes(2)), LOCATION, &body).unwrap(),
        pattern(40_000)
    );
    let private = KeyRing::from_iter([fixture_key("rsa2048_pkcs8.pem").into_provider()]);
    assert!(open(&rotated.to_headers(), &private, LOCATION, &body).is_ok());
}

#[test]
fn a_rewrap_moves_and_adds_nobody_twice_and_leaves_somebody() {
    let (envelope, body) = three_chunks(Binding::Key);
    let ring = KeyRing::of(aes(1));
    let moved = Location {
        key: "dir/other",
        ..LOCATION
    };
    let opened = run(envelope.open(&ring, LOCATION, body.len() as u64)).unwrap();
    let there = run(opened.rewrap(|_| true, &ring, Binding::BucketAndKey, moved)).unwrap();
    assert_eq!(there.recipients(), envelope.recipients());
    assert!(open(&there.to_headers(), &ring, moved, &body).is_ok());
    assert!(open(&there.to_headers(), &ring, LOCATION, &body).is_err());
    let nobody = run(opened.rewrap(|_| false, &KeyRing::new(), Binding::Key, LOCATION));
    assert!(matches!(nobody, Err(Error::RecipientCount { count: 0 })));
    let many: KeyRing = (2..18)
        .map(|seed| LoadedKey::Aes(aes(seed)).into_provider())
        .collect();
    let too_many = run(opened.rewrap(|_| true, &many, Binding::Key, LOCATION));
    assert!(matches!(too_many, Err(Error::RecipientCount { count: 17 })));
}
