//! AES-256-CTR with a 128-bit big-endian counter: the Python SDK's content cipher, and Go's, Java's and Android's CTR mode.

use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

use crate::Error;
use crate::secret::DataKey;

/// Length of the IV in bytes; all of it is the initial counter.
pub const IV_LEN: usize = 16;

/// The keystream of one object, at some offset. Encryption and decryption are the same.
///
/// The counter wraps at 2^128. Ciphertext is as long as plaintext, and **a wrong key, IV or offset gives garbage, not an error**.
pub struct CtrStream(Ctr128BE<Aes256>);

impl CtrStream {
    /// The keystream from byte `offset` of the object on: any offset, not only whole blocks.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the cryptographic library fails.
    pub fn new(data_key: &DataKey, iv: &[u8; IV_LEN], offset: u64) -> Result<Self, Error> {
        at_offset(data_key.expose(), iv, offset).map(Self)
    }

    /// Encrypts or decrypts the next bytes in place.
    pub fn apply(&mut self, data: &mut [u8]) {
        self.0.apply_keystream(data);
    }
}

impl std::fmt::Debug for CtrStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CtrStream(redacted)")
    }
}

/// The Python SDK's AES wrap: the keystream of a 16-, 24- or 32-byte master key from counter 0, `offset` bytes in.
pub(crate) fn apply_wrap_keystream(master: &[u8], offset: u64, data: &mut [u8]) -> Result<(), Error> {
    const COUNTER_ZERO: [u8; IV_LEN] = [0; IV_LEN];
    match master.len() {
        16 => at_offset::<Ctr128BE<Aes128>>(master, &COUNTER_ZERO, offset)?.apply_keystream(data),
        24 => at_offset::<Ctr128BE<Aes192>>(master, &COUNTER_ZERO, offset)?.apply_keystream(data),
        _ => at_offset::<Ctr128BE<Aes256>>(master, &COUNTER_ZERO, offset)?.apply_keystream(data),
    }
    Ok(())
}

fn at_offset<C: KeyIvInit + StreamCipherSeek>(key: &[u8], iv: &[u8], offset: u64) -> Result<C, Error> {
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| Error::Crypto("AES-CTR refused its key"))?;
    cipher
        .try_seek(offset)
        .map_err(|_| Error::Crypto("AES-CTR could not seek"))?;
    Ok(cipher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;
    use proptest::prelude::*;

    fn key(hex_key: &str) -> DataKey {
        DataKey::from_secret(SecretBytes::take(hex::decode(hex_key).unwrap())).unwrap()
    }

    #[test]
    fn nist_sp_800_38a_f_5_5() {
        let key = key("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv: [u8; 16] = hex::decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
            .unwrap()
            .try_into()
            .unwrap();
        let mut data = hex::decode(concat!(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
        ))
        .unwrap();
        CtrStream::new(&key, &iv, 0).unwrap().apply(&mut data);
        assert_eq!(
            hex::encode(data),
            concat!(
                "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
                "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
            )
        );
    }

    #[test]
    fn the_counter_wraps_at_2_to_the_128() {
        let key = key(&"42".repeat(32));
        let mut wrapped = [0; 48];
        CtrStream::new(&key, &[0xff; 16], 0).unwrap().apply(&mut wrapped);
        let mut from_zero = [0; 32];
        CtrStream::new(&key, &[0; 16], 0).unwrap().apply(&mut from_zero);
        assert_eq!(wrapped[16..], from_zero);
        let mut sought = [0; 32];
        CtrStream::new(&key, &[0xff; 16], 16).unwrap().apply(&mut sought);
        assert_eq!(sought, from_zero);
    }

    proptest! {
        #[test]
        fn any_offset_gives_a_slice_of_the_whole(iv: [u8; 16], split in 0_usize..200, high in 240_u8..) {
            let mut iv = iv;
            iv[..15].fill(high);
            let key = key(&"17".repeat(32));
            let mut whole = [0; 200];
            CtrStream::new(&key, &iv, 0).unwrap().apply(&mut whole);
            let mut tail = vec![0; 200 - split];
            CtrStream::new(&key, &iv, split as u64).unwrap().apply(&mut tail);
            prop_assert_eq!(&whole[split..], &tail[..]);
        }
    }
}
