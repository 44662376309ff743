use super::*;
use crate::keys::AesProvider;
use crate::secret::SecretBytes;
use crate::testing::fixture_key;

#[test]
fn the_same_key_is_kept_once_and_its_private_half_wins() {
    let forms = [
        "rsa2048_pub.pem",
        "rsa2048_pkcs8.pem",
        "rsa2048_pkcs1.pem",
        "rsa2048_pub.pem",
    ];
    let ring: KeyRing = forms
        .into_iter()
        .map(|name| fixture_key(name).into_provider())
        .collect();
    assert_eq!(ring.len(), 1);
    assert!(
        ring.providers()
            .next()
            .unwrap()
            .can_unwrap(WrapScheme::RsaOaepSha256)
    );
}

#[test]
fn order_is_kept_and_an_empty_ring_names_no_key() {
    let aes = AesProvider::from_bytes(SecretBytes::copy_of(&[1; 32])).unwrap();
    let (first, second) = (LoadedKey::Aes(aes), fixture_key("rsa2048_pub.pem"));
    let ids = [first.key_id(), second.key_id()];
    let ring: KeyRing = [first, second]
        .map(LoadedKey::into_provider)
        .into_iter()
        .collect();
    assert_eq!(ring.key_ids(), ids);
    assert!(KeyRing::new().is_empty());
    let error = KeyRing::new().find_recipient(&[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no key for this object: it needs a key that it does not name, and no key was given"
    );
}
