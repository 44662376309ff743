//! RSA decryption, always blinded with the operating system's generator. Failures are told apart from nothing: `None`.

use rand::rngs::SysRng;
use rsa::BoxedUint;
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::traits::{PaddingScheme, PublicKeyParts};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::secret::SecretBytes;

pub(super) fn oaep(
    key: &rsa::PrivateKey,
    padding: impl PaddingScheme,
    wrapped: &[u8],
) -> Option<SecretBytes> {
    if wrapped.len() != key.size() {
        return None;
    }
    key.decrypt_blinded(&mut SysRng, padding, wrapped)
        .ok()
        .map(SecretBytes::take)
}

/// RSAES-PKCS1-v1_5 of a secret of known length, its padding checked explicitly.
///
/// The `rsa` crate's own decryption rejects implicitly: a foreign ciphertext comes out as a random message, of the right length
/// once in a few hundred times. Whether an object is of this kind is decided by the padding, so it is checked here: with the
/// length known, every byte of it has a fixed place, and one comparison in constant time covers all of them.
pub(super) fn pkcs1v15(key: &rsa::PrivateKey, wrapped: &[u8], len: usize) -> Option<SecretBytes> {
    const HEAD: usize = 2;
    const MIN_PADDING: usize = 8;
    let size = key.size();
    let separator = size
        .checked_sub(len + 1)
        .filter(|separator| *separator >= HEAD + MIN_PADDING)?;
    if wrapped.len() != size {
        return None;
    }
    let ciphertext = BoxedUint::from_be_slice(wrapped, key.n_bits_precision()).ok()?;
    let mut message = rsa_decrypt_and_check(key, Some(&mut SysRng), &ciphertext).ok()?;
    let encoded = Zeroizing::new(message.to_be_bytes());
    message.zeroize();
    // The integer is stored in whole words, which can be longer than the modulus.
    let encoded = encoded.get(encoded.len().checked_sub(size)?..)?;

    let mut valid = encoded[..HEAD].ct_eq(&[0, 2]);
    let mut zero_in_padding = Choice::from(0);
    for byte in &encoded[HEAD..separator] {
        zero_in_padding |= byte.ct_eq(&0);
    }
    valid &= !zero_in_padding;
    valid &= encoded[separator].ct_eq(&0);
    bool::from(valid).then(|| SecretBytes::copy_of(&encoded[separator + 1..]))
}
