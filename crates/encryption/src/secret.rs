//! Secrets that are wiped when dropped, never printed, never cloned.

use std::fmt;

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;

/// Length of a data key in bytes: AES-256 everywhere, in every format.
pub const DATA_KEY_LEN: usize = 32;

/// The data key of one object: 32 random bytes, fresh for every object written.
///
/// It lives in one heap allocation from birth to wiping. It is not `Clone`; share it in an [`Arc`](std::sync::Arc).
pub struct DataKey(SecretBytes);

impl ZeroizeOnDrop for DataKey {}

impl DataKey {
    /// A new data key from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        SecretBytes::random(DATA_KEY_LEN).map(Self)
    }

    /// Takes an unwrapped secret as a data key; `None` when it is not exactly 32 bytes.
    #[must_use]
    pub fn from_secret(secret: SecretBytes) -> Option<Self> {
        (secret.len() == DATA_KEY_LEN).then_some(Self(secret))
    }

    /// The 32 key bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

/// Secret bytes of a fixed length in one heap allocation, wiped when dropped.
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// `len` bytes from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system gives no random bytes.
    pub fn random(len: usize) -> Result<Self, Error> {
        let mut secret = Self::zeroed(len);
        fill_random(secret.expose_mut())?;
        Ok(secret)
    }

    /// `len` zero bytes, to be filled in place.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len].into_boxed_slice())
    }

    /// A copy of `bytes`; the caller stays responsible for wiping the original.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Takes over `bytes`. A vector with spare capacity is copied and wiped, not shrunk, so that no copy is left behind.
    #[must_use]
    pub fn take(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let copy = Self::copy_of(&bytes);
        bytes.zeroize();
        copy
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be changed in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Zeroize for SecretBytes {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes, redacted)", self.len())
    }
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    SysRng.try_fill_bytes(bytes).map_err(|_| Error::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret_byte() {
        let key = DataKey::from_secret(SecretBytes::copy_of(&[0xA7; 32])).unwrap();
        let shown = format!("{key:?} {:?}", SecretBytes::copy_of(&[0xA7; 3]));
        assert_eq!(shown, "DataKey(redacted) SecretBytes(3 bytes, redacted)");
    }

    /// Compiles only with the `zeroize` features of the crates that hold keys inside of their states.
    #[test]
    fn the_states_of_macs_and_ciphers_are_wiped() {
        fn wiped<T: ZeroizeOnDrop>() {}
        // HMAC holds two states of its hash, and nothing else.
        wiped::<sha2::Sha256>();
        wiped::<sha2::Sha512>();
        wiped::<aes_kw::KwAes256>();
        wiped::<ctr::Ctr128BE<aes::Aes256>>();
    }

    #[test]
    fn two_generated_data_keys_differ() {
        let (a, b) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
    }

    #[test]
    fn a_data_key_is_exactly_32_bytes() {
        assert!(DataKey::from_secret(SecretBytes::zeroed(31)).is_none());
        assert!(DataKey::from_secret(SecretBytes::zeroed(33)).is_none());
    }

    #[test]
    fn taking_a_vector_keeps_its_bytes() {
        let mut spare = Vec::with_capacity(64);
        spare.extend_from_slice(b"abc");
        assert_eq!(SecretBytes::take(spare).expose(), b"abc");
        assert_eq!(SecretBytes::take(vec![1, 2]).expose(), [1, 2]);
    }
}
