"""What the Python tests share: the fixtures, the plaintext pattern, and a sealer of their own."""

import base64
import functools
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
CSE = "x-cos-meta-client-side-encryption-"


@functools.cache
def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def pattern(length):
    """Byte i = (i*7 + floor(i/251)) & 0xff: the plaintext of every fixture."""
    return bytes((i * 7 + i // 251) & 0xFF for i in range(length))


def seal(dek, salt, plaintext):
    """The body of a sealed object (docs/format.md §1), from the primitives alone."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + b"coscrypt/v1"
    derived = HKDFExpand(hashes.SHA512(), 76, info).derive(dek)
    aead, base = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
    body = bytearray()
    for index in range(len(plaintext) // 16384 + 1):
        chunk = plaintext[index * 16384 : (index + 1) * 16384]
        body += aead.encrypt((base ^ index).to_bytes(12, "big"), chunk, None)
    return bytes(body)


def sealed_body(vector):
    """The stored bytes of a vector of sealed.json: as recorded, or made from its data key where only the hash is."""
    if "ciphertext_b64" in vector:
        return base64.b64decode(vector["ciphertext_b64"])
    return seal(bytes.fromhex(vector["dek_hex"]), bytes.fromhex(vector["salt_hex"]), pattern(vector["plaintext_len"]))


def sealed_vector(name):
    return next(vector for vector in fixture("sealed")["vectors"] if vector["name"] == name)
