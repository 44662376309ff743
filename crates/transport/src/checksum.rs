//! The service's checksums: CRC-64/XZ of every object and part, MD5 where it demands one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};
use md5::Digest as _;

/// A running CRC-64/XZ, the `x-cos-hash-crc64ecma` of the service (polynomial 0x42F0E1EBA9EA3693, reflected).
#[derive(Clone)]
pub struct Crc64(Digest);

impl Crc64 {
    /// The CRC of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Xz))
    }

    /// The CRC of `data`.
    #[must_use]
    pub fn of(data: &[u8]) -> u64 {
        crc_fast::checksum(CrcAlgorithm::Crc64Xz, data)
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The CRC of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }

    /// The CRC of two runs of bytes put together, from the CRC of each; `second_len` in bytes.
    #[must_use]
    pub fn combine(first: u64, second: u64, second_len: u64) -> u64 {
        crc_fast::checksum_combine(CrcAlgorithm::Crc64Xz, first, second, second_len)
    }
}

impl Default for Crc64 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Crc64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crc64({})", self.value())
    }
}

/// A CRC-64 as the service writes it: decimal and unsigned, though some writers have sent it signed.
pub(crate) fn parse_crc64(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse::<u64>()
        .ok()
        .or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned))
}

/// `Content-MD5` of `data`: base64 of the binary MD5.
#[must_use]
pub fn content_md5(data: &[u8]) -> String {
    STANDARD.encode(md5::Md5::digest(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_vectors() {
        let file = include_str!("../../../fixtures/cos-api.json");
        let json: serde_json::Value = serde_json::from_str(file).unwrap();
        let vectors = json["crc64"].as_array().unwrap();
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let data = vector["data_ascii"].as_str().unwrap().as_bytes();
            assert_eq!(Crc64::of(data).to_string(), vector["crc64"].as_str().unwrap());
        }
        assert_eq!(Crc64::of(b"[Object Content]"), 16_749_565_679_157_681_890);
    }

    #[test]
    fn parts_combine_to_the_whole() {
        let data: Vec<u8> = (0..5000u32).map(|i| (i % 251) as u8).collect();
        for cut in [0, 1, 16, 2500, 4999, 5000] {
            let (a, b) = data.split_at(cut);
            assert_eq!(
                Crc64::combine(Crc64::of(a), Crc64::of(b), b.len() as u64),
                Crc64::of(&data)
            );
        }
    }

    #[test]
    fn md5_is_base64_of_the_binary_digest() {
        assert_eq!(content_md5(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
    }
}
