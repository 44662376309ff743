#!/usr/bin/env python3
"""Open a sealed object (docs/format.md) without coscrypt: Python 3.8+ and pyca/cryptography only.

    pip install cryptography
    recover.py BODY --headers FILE --object KEY [--bucket B] --key KEYFILE [-o OUT]

BODY is the object as it is stored, FILE what the service said about it: a JSON object of header names and
values, or raw header lines as curl prints them. Nothing appears under OUT until every byte has been verified.
"""

import argparse
import base64
import binascii
import getpass
import hashlib
import hmac
import json
import os
import re
import sys
import tempfile

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
except ImportError:
    sys.exit("recover.py needs the Python package `cryptography`.\nInstall it: pip install cryptography")

CEK_ALG = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"
CONTEXT = b"coscrypt/v1"
META = "x-cos-meta-"
CSE = META + "client-side-encryption-"
CHUNK, TAG = 16384, 16
SEALED_CHUNK = CHUNK + TAG
SALT_LEN, COMMITMENT_LEN = 24, 32
MAX_RECIPIENTS, MAX_METADATA = 16, 2048
BINDINGS = {"none": 0, "key": 1, "bucket+key": 2}

# The same codes as coscrypt.
FAILED, USAGE, NOT_AUTHENTIC, KEY, EXISTS = 1, 2, 5, 6, 10


class Problem(Exception):
    """What happened, what to do about it, and the exit code."""

    def __init__(self, code, what, hint):
        super().__init__(what)
        self.code, self.what, self.hint = code, what, hint


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("body", metavar="BODY", help="the stored object")
    parser.add_argument("--headers", required=True, metavar="FILE", help="its headers: JSON, or raw header lines")
    parser.add_argument("--object", metavar="KEY", help="the object key it was stored under")
    parser.add_argument("--bucket", metavar="B", help="its bucket (name-appid), for objects bound to one")
    parser.add_argument("--key", required=True, action="append", metavar="KEYFILE",
                        help="an AES key (base64 of 32 bytes) or an RSA private key (PEM); repeatable")
    parser.add_argument("-o", "--output", metavar="OUT", help="where the plaintext goes; default: standard output")
    args = parser.parse_args(argv)
    try:
        recover(args)
    except Problem as problem:
        print(f"error: {problem.what}\n  {problem.hint}", file=sys.stderr)
        return problem.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"error: {error}\n  Check the path, its permissions and the free space.", file=sys.stderr)
        return FAILED
    return 0


def recover(args):
    to_file = args.output not in (None, "-")
    if to_file and os.path.lexists(args.output):
        raise Problem(EXISTS, f"{args.output} exists already.", "Choose another name; nothing is overwritten.")
    keys = [load_key(path) for path in args.key]
    with open(args.headers, "rb") as file:
        envelope = Envelope(parse_headers(file.read()))
    dek = envelope.open(keys, args.object, args.bucket)
    with open(args.body, "rb") as body:
        if to_file:
            write_verified(body, dek, envelope.start, args.output)
        else:
            # Standard output cannot be taken back: verify everything first, then send it.
            for _ in plaintext(body, dek, envelope.start):
                pass
            for piece in plaintext(body, dek, envelope.start):
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def write_verified(body, dek, start, output):
    """Write beside `output`, and take its name only when all of it has been verified."""
    descriptor, temporary = tempfile.mkstemp(prefix=".recover-", dir=os.path.dirname(output) or ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in plaintext(body, dek, start):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, output)
    except BaseException:
        os.unlink(temporary)
        raise


# The envelope (format.md §2 to §4)


class Envelope:
    """The headers of a sealed object, parsed and held against the limits; `open` checks their MAC."""

    def __init__(self, headers):
        if not any(name.startswith(CSE) for name in headers):
            raise Problem(NOT_AUTHENTIC, "these headers are not those of an encrypted object.",
                          "Give the headers of the object itself, with every x-cos-meta-client-side-encryption-* line.")
        alg = headers.get(CSE + "cek-alg", "none named")
        if alg != CEK_ALG:
            raise Problem(NOT_AUTHENTIC, f"this is not a sealed object: its content algorithm is {printable(alg)}.",
                          "An object written by an official COS SDK opens with `coscrypt decrypt`.")
        size = sum(len(name.encode()) + len(value.encode()) for name, value in headers.items() if name.startswith(META))
        if size > MAX_METADATA:
            malformed(f"the metadata has {size} bytes, more than the service's limit of {MAX_METADATA}")

        def field(name):
            if CSE + name not in headers:
                malformed(f"the header {CSE}{name} is missing")
            return headers[CSE + name]

        self.start = decode(field("start"), "start", SALT_LEN + COMMITMENT_LEN)
        self.wrap_algs = field("wrap-alg").split(",")
        self.wrapped = [decode(value, "key") for value in field("key").split(",")]
        self.mac = decode(field("mac"), "mac", 32)
        self.kids, self.bind = parse_matdesc(field("matdesc"))
        if not len(self.wrap_algs) == len(self.wrapped) == len(self.kids) <= MAX_RECIPIENTS:
            malformed(f"{len(self.wrap_algs)} wrap algorithms, {len(self.wrapped)} wrapped keys and "
                      f"{len(self.kids)} key ids do not make 1 to {MAX_RECIPIENTS} recipients")
        for alg, wrapped in zip(self.wrap_algs, self.wrapped):
            lengths = {"A256KW": range(40, 41), "RSA-OAEP-256": range(256, 1025)}.get(alg)
            if lengths is None:
                raise Problem(FAILED, f"the wrap algorithm {printable(alg)} is not known.",
                              "Look for a newer version of this program.")
            if len(wrapped) not in lengths:
                malformed(f"a wrapped key of {len(wrapped)} bytes is not one of {alg}")

    def open(self, keys, object_key, bucket):
        """Unwrap the data key with the first key that fits and check the MAC. Returns the data key."""
        name = self.bound_name(object_key, bucket)
        for alg, kid, wrapped in zip(self.wrap_algs, self.kids, self.wrapped):
            for key in keys:
                if (key.wrap_alg, key.kid) == (alg, kid):
                    dek = key.unwrap(wrapped)
                    if dek is None or len(dek) != 32:
                        raise Problem(NOT_AUTHENTIC, f"the key {kid.hex()} is the right one, but its wrapped data key is damaged.",
                                      "The headers were changed or cut. Get them again, or an older version of the object.")
                    self.check_mac(dek, name)
                    return dek
        raise Problem(KEY, "none of the given keys opens this object.",
                      f"Wanted: {', '.join(kid.hex() for kid in self.kids)}. Given: {', '.join(key.kid.hex() for key in keys)}.")

    def bound_name(self, object_key, bucket):
        """The bucket and key that the transcript ends with."""
        if self.bind == "none":
            return b"", b""
        if object_key is None:
            raise Problem(USAGE, "this object is bound to the key it was stored under.", "Say it: --object KEY")
        if object_key.startswith("/"):
            raise Problem(USAGE, "an object key has no leading slash.", f"Try --object '{object_key.lstrip('/')}'")
        if self.bind == "key":
            return b"", os.fsencode(object_key)
        if bucket is None:
            raise Problem(USAGE, "this object is bound to its bucket too.", "Say it: --bucket NAME-APPID")
        return os.fsencode(bucket), os.fsencode(object_key)

    def check_mac(self, dek, name):
        transcript = b"coscrypt/v1 envelope\0" + lp(CEK_ALG.encode()) + self.start + bytes([len(self.kids)])
        for alg, kid, wrapped in zip(self.wrap_algs, self.kids, self.wrapped):
            transcript += lp(alg.encode()) + kid + lp(wrapped)
        transcript += bytes([BINDINGS[self.bind]]) + lp(name[0]) + lp(name[1])
        mac_key = expand(dek, b"coscrypt/v1 envelope mac", 32)
        if not hmac.compare_digest(hmac.new(mac_key, transcript, hashlib.sha256).digest(), self.mac):
            bound = {"none": "bound to no name", "key": "bound to its key", "bucket+key": "bound to its bucket and key"}
            raise Problem(NOT_AUTHENTIC, f"the headers were tampered with, or the object was moved: it is {bound[self.bind]}.",
                          "Check --object and --bucket: they must be the names it was written under.")


def parse_headers(data):
    """Header names in lower case -> values, from a JSON object or from raw header lines."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(USAGE, "the headers file is not text.", "Give JSON, or header lines as `curl -I` prints them.")
    pairs = json_pairs(text) if text.lstrip().startswith("{") else line_pairs(text)
    headers = {}
    for name, value in pairs:
        if headers.setdefault(name.lower(), value) != value:
            malformed(f"the header {printable(name)} is there twice, with different values")
    return headers


def json_pairs(text):
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise Problem(USAGE, f"the headers file is not JSON: {error}.", "It must be one object, header name to value.")
    for name, value in pairs:
        # curl's %{header_json} writes each value as a list.
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise Problem(USAGE, f"the header {printable(name)} has a value that is not text.",
                              "It must be one object, header name to value.")
            yield name, item


def line_pairs(text):
    for line in text.splitlines():
        match = re.match(r"(?:< )?([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$", line)
        if match:
            yield match.groups()


def parse_matdesc(text):
    """The key ids and the binding. Only the one spelling that the format allows is read."""
    match = re.fullmatch(r'\{"v":1,"kid":\[((?:"[0-9a-f]{16}",?)+)\],"bind":"(none|key|bucket\+key)"\}', text)
    if not match or match[1].endswith(","):
        malformed(f"{CSE}matdesc does not describe version 1 of the format")
    return [bytes.fromhex(kid) for kid in re.findall(r"[0-9a-f]{16}", match[1])], match[2]


def decode(text, name, length=None):
    try:
        value = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        value = None
    if value is None or base64.b64encode(value).decode() != text or length not in (None, len(value)):
        malformed(f"{CSE}{name} is not base64 of the length it should have")
    return value


def malformed(what):
    raise Problem(NOT_AUTHENTIC, f"damaged envelope: {what}.", "Get the object's headers again, whole and unchanged.")


# Keys (format.md §2)


class AesKey:
    wrap_alg = "A256KW"

    def __init__(self, master):
        self.kid = hkdf(master, b"coscrypt/v1 kid")[:8]
        self.kek = hkdf(master, b"coscrypt/v1 A256KW")

    def unwrap(self, wrapped):
        try:
            return aes_key_unwrap(self.kek, wrapped)
        except InvalidUnwrap:
            return None


class RsaKey:
    wrap_alg = "RSA-OAEP-256"

    def __init__(self, private):
        self.private = private
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = hashlib.sha256(public).digest()[:8]

    def unwrap(self, wrapped):
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"coscrypt/v1 DEK")
        try:
            return self.private.decrypt(wrapped, oaep)
        except ValueError:
            return None


def load_key(path):
    with open(path, "rb") as file:
        data = file.read()
    if b"-----BEGIN" in data:
        return RsaKey(load_pem(path, data))
    try:
        master = base64.b64decode(data.strip(), validate=True)
    except (ValueError, binascii.Error):
        master = b""
    if len(master) != 32:
        raise Problem(KEY, f"{path} holds no key that this program knows.",
                      "A key is base64 of 32 bytes (AES), or an RSA private key in PEM.")
    return AesKey(master)


def load_pem(path, data):
    try:
        try:
            private = serialization.load_pem_private_key(data, None)
        except TypeError:
            passphrase = getpass.getpass(f"Passphrase of {path}: ").encode()
            private = serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, EOFError):
        raise Problem(KEY, f"{path} cannot be read as a private key.",
                      "It must be an RSA private key in PEM (a public key cannot open anything), and the passphrase right.")
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Problem(KEY, f"{path} is not an RSA key.", "Sealed objects are written for AES and RSA keys only.")
    return private


# The body (format.md §1)


def plaintext(body, dek, start):
    """The verified plaintext, a chunk at a time. Raises at the first chunk that is not what was written."""
    length = body.seek(0, os.SEEK_END)
    body.seek(0)
    if length % SEALED_CHUNK < TAG:
        raise Problem(NOT_AUTHENTIC, f"the body is cut or has something added: a sealed object is never {length} bytes long.",
                      "Download it again, as it is stored (no decompression, no range).")
    decryptor = Cobblestone256Decryptor(dek, CONTEXT)
    try:
        decryptor.update(start)
    except InvalidTag:
        raise Problem(NOT_AUTHENTIC, "the key commitment does not match.", "The headers do not belong to this data key.")
    chunk = 0
    try:
        for chunk in range(length // SEALED_CHUNK + 1):
            yield decryptor.update(body.read(SEALED_CHUNK))
        yield decryptor.finalize()
    except InvalidTag:
        first, last = chunk * SEALED_CHUNK, min((chunk + 1) * SEALED_CHUNK, length) - 1
        raise Problem(NOT_AUTHENTIC, f"the content is damaged: bytes {first}-{last} of the body are not what was written.",
                      "Download it again. If it stays so, look for an older version or another copy of the object.")


class PortableCobblestone256Decryptor:
    """c2sp.org/chunked-encryption on AES-GCM and HKDF, for releases of `cryptography` that do not have it."""

    def __init__(self, key, context):
        self.key, self.context, self.buffer, self.index, self.aead = key, context, b"", 0, None

    def update(self, data):
        self.buffer += data
        prefix = SALT_LEN + COMMITMENT_LEN
        if self.aead is None and len(self.buffer) >= prefix:
            info = CEK_ALG.encode() + b"\0" + self.buffer[:SALT_LEN] + self.context
            derived = expand(self.key, info, 76)
            if not hmac.compare_digest(derived[44:], self.buffer[SALT_LEN:prefix]):
                raise InvalidTag
            self.aead, self.base = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
            self.buffer = self.buffer[prefix:]
        out = b""
        while self.aead is not None and len(self.buffer) >= SEALED_CHUNK:
            out += self.chunk(self.buffer[:SEALED_CHUNK])
            self.buffer = self.buffer[SEALED_CHUNK:]
        return out

    def finalize(self):
        if self.aead is None or len(self.buffer) < TAG:
            raise InvalidTag
        return self.chunk(self.buffer)

    def chunk(self, data):
        nonce = (self.base ^ self.index).to_bytes(12, "big")
        self.index += 1
        return self.aead.decrypt(nonce, data, None)


try:
    from cryptography.cobblestone import Cobblestone256Decryptor
except ImportError:
    Cobblestone256Decryptor = PortableCobblestone256Decryptor


# Small things


def expand(prk, info, length):
    return HKDFExpand(hashes.SHA512(), length, info).derive(prk)


def hkdf(master, info):
    return HKDF(hashes.SHA256(), 32, b"", info).derive(master)


def lp(data):
    return len(data).to_bytes(4, "big") + data


def printable(text):
    return "".join(char if char.isprintable() else "?" for char in text[:80])


if __name__ == "__main__":
    sys.exit(main())
