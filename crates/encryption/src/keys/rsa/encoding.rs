//! RSA keys from PEM and DER.

use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};

use super::{RsaProvider, invalid};
use crate::keys::KeyError;

const BEGIN: &str = "-----BEGIN ";

pub(super) fn from_pem(text: &str) -> Result<RsaProvider, KeyError> {
    let text = text.trim_ascii();
    let (_, after) = text.split_once(BEGIN).ok_or(KeyError::NotAKey)?;
    let (label, _) = after.split_once("-----").ok_or(KeyError::NotAKey)?;
    // OpenSSL's older form says so inside the armour; the Python SDK encrypts even public keys so.
    if label == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::PassphraseProtected);
    }
    match label {
        "PRIVATE KEY" => RsaProvider::from_private(rsa::PrivateKey::from_pkcs8_pem(text).map_err(invalid)?),
        "RSA PRIVATE KEY" => {
            RsaProvider::from_private(rsa::PrivateKey::from_pkcs1_pem(text).map_err(invalid)?)
        }
        "PUBLIC KEY" => RsaProvider::from_public(rsa::PublicKey::from_public_key_pem(text).map_err(invalid)?),
        "RSA PUBLIC KEY" => RsaProvider::from_public(rsa::PublicKey::from_pkcs1_pem(text).map_err(invalid)?),
        "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
        _ => Err(KeyError::NotAKey),
    }
}

pub(super) fn from_der(bytes: &[u8]) -> Result<RsaProvider, KeyError> {
    let private = rsa::PrivateKey::from_pkcs8_der(bytes).ok();
    if let Some(private) = private.or_else(|| rsa::PrivateKey::from_pkcs1_der(bytes).ok()) {
        return RsaProvider::from_private(private);
    }
    let public = rsa::PublicKey::from_public_key_der(bytes).ok();
    let public = public
        .or_else(|| rsa::PublicKey::from_pkcs1_der(bytes).ok())
        .ok_or(KeyError::NotAKey)?;
    RsaProvider::from_public(public)
}
