"""The official SDK's encryption client and coscrypt read what the other wrote."""

import dataclasses
import json
import pathlib

import pytest
from cryptography.hazmat.primitives import serialization
from qcloud_cos.crypto import AESProvider, RSAProvider

from conftest import BUCKET
from vectors import CSE, pattern

SIZES = [0, 1, 15, 16, 17, 65536, (1 << 20) + 3]
NAMES = ["plain.bin", "with space.bin", "目录/文件 é.bin", "a//b/./c", "+~*()!'&=?#%25.bin", "é" * 425]


@dataclasses.dataclass
class Keys:
    """Key files made by coscrypt; the RSA public half in a file of its own, as the SDK wants it."""

    aes: pathlib.Path
    rsa: pathlib.Path
    rsa_public: pathlib.Path

    def provider(self, kind):
        """The SDK's provider over these keys."""
        if kind == "aes by value":
            return AESProvider(aes_key=self.aes.read_text())
        if kind == "aes by path":
            return AESProvider(aes_key_path=str(self.aes))
        if kind == "rsa by value":
            return RSAProvider(RSAProvider.get_rsa_key_pair(self.rsa_public.read_text(), self.rsa.read_text()))
        return RSAProvider(RSAProvider.get_rsa_key_pair_path(str(self.rsa_public), str(self.rsa)))

    def file(self, kind):
        return self.aes if kind.startswith("aes") else self.rsa


@pytest.fixture(scope="session")
def keys(coscrypt, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = Keys(folder / "aes.key", folder / "rsa.pem", folder / "rsa.pub.pem")
    coscrypt("key", "new", "--type", "aes", made.aes)
    coscrypt("key", "new", "--type", "rsa-2048", made.rsa)
    public = serialization.load_pem_private_key(made.rsa.read_bytes(), None).public_key()
    made.rsa_public.write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return made


def read_with_sdk(client, name, path):
    client.get_object(Bucket=BUCKET, Key=name)["Body"].get_stream_to_file(str(path))
    return path.read_bytes()


def write_with_coscrypt(coscrypt, keys, kind, name, data, tmp_path, *options):
    source = tmp_path / "source"
    source.write_bytes(data)
    coscrypt("put", "--format", "cos-python", "--key", keys.file(kind), *options, source, f"cos://{BUCKET}/{name}")


def read_with_coscrypt(coscrypt, keys, kind, name, tmp_path):
    destination = tmp_path / "back"
    coscrypt("get", "--allow-unauthenticated", "--key", keys.file(kind), f"cos://{BUCKET}/{name}", destination)
    return destination.read_bytes()


# An SDK reads an RSA object only with the kind of provider that wrote it; coscrypt writes the one for keys given as paths.
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["aes by value", "aes by path", "rsa by path"])
def test_the_sdk_reads_what_coscrypt_wrote(coscrypt, keys, encrypting, tmp_path, kind, size):
    name = f"from-coscrypt/{kind}/{size}"
    write_with_coscrypt(coscrypt, keys, kind, name, pattern(size), tmp_path)
    assert read_with_sdk(encrypting(keys.provider(kind)), name, tmp_path / "read") == pattern(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["aes by value", "aes by path", "rsa by value", "rsa by path"])
def test_coscrypt_reads_what_the_sdk_wrote(coscrypt, keys, encrypting, tmp_path, kind, size):
    name = f"from-sdk/{kind}/{size}"
    encrypting(keys.provider(kind)).put_object(Bucket=BUCKET, Key=name, Body=pattern(size))
    assert read_with_coscrypt(coscrypt, keys, kind, name, tmp_path) == pattern(size)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_names_in_both_directions(coscrypt, keys, encrypting, tmp_path, name):
    client = encrypting(keys.provider("aes by path"))
    client.put_object(Bucket=BUCKET, Key=name, Body=b"from the SDK")
    assert read_with_coscrypt(coscrypt, keys, "aes by path", name, tmp_path) == b"from the SDK"
    write_with_coscrypt(coscrypt, keys, "aes by path", name, b"from coscrypt", tmp_path)
    assert read_with_sdk(client, name, tmp_path / "read") == b"from coscrypt"


@pytest.mark.parametrize("kind", ["aes by path", "rsa by path"])
def test_the_sdk_reads_a_range_of_what_coscrypt_wrote(coscrypt, keys, encrypting, tmp_path, kind):
    write_with_coscrypt(coscrypt, keys, kind, "range", pattern(70000), tmp_path)
    answer = encrypting(keys.provider(kind)).get_object(Bucket=BUCKET, Key="range", Range="bytes=13-3000")
    answer["Body"].get_stream_to_file(str(tmp_path / "part"))
    assert (tmp_path / "part").read_bytes() == pattern(70000)[13:3001]


def test_coscrypt_reads_a_range_of_what_the_sdk_wrote(coscrypt, keys, encrypting, tmp_path):
    encrypting(keys.provider("aes by path")).put_object(Bucket=BUCKET, Key="sdk-range", Body=pattern(70000))
    coscrypt("get", "--allow-unauthenticated", "--range", "13-3000", "--key", keys.aes,
             f"cos://{BUCKET}/sdk-range", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == pattern(70000)[13:3001]


def test_user_metadata_stays_beside_the_envelope(coscrypt, keys, encrypting, plain, tmp_path):
    write_with_coscrypt(coscrypt, keys, "aes by path", "meta", b"data", tmp_path, "--meta", "owner=ann")
    head = plain.head_object(Bucket=BUCKET, Key="meta")
    assert head["x-cos-meta-owner"] == "ann"
    assert {CSE + "key", CSE + "iv"} <= head.keys()
    assert read_with_sdk(encrypting(keys.provider("aes by path")), "meta", tmp_path / "read") == b"data"


def test_each_sdk_object_has_a_data_key_of_its_own(coscrypt, keys, plain, tmp_path):
    for name in ("twice-1", "twice-2"):
        write_with_coscrypt(coscrypt, keys, "aes by path", name, bytes(1000), tmp_path)
    first, second = (plain.get_object(Bucket=BUCKET, Key=name)["Body"].get_raw_stream().read() for name in ("twice-1", "twice-2"))
    assert len(first) == 1000 and first != second


@pytest.mark.parametrize("kind", ["aes by path", "rsa by value", "rsa by path"])
def test_an_sdk_object_is_refused_unless_allowed(coscrypt, keys, encrypting, tmp_path, kind):
    encrypting(keys.provider(kind)).put_object(Bucket=BUCKET, Key="policy", Body=b"data")
    error = coscrypt.fails("get", "--key", keys.file(kind), f"cos://{BUCKET}/policy", tmp_path / "back")
    assert "--allow-unauthenticated" in error
    assert not (tmp_path / "back").exists()


def test_the_wrong_rsa_key_is_told(coscrypt, keys, encrypting, tmp_path):
    encrypting(keys.provider("rsa by path")).put_object(Bucket=BUCKET, Key="wrong-key", Body=b"data")
    coscrypt("key", "new", "--type", "rsa-2048", tmp_path / "other.pem")
    coscrypt("get", "--allow-unauthenticated", "--key", tmp_path / "other.pem", f"cos://{BUCKET}/wrong-key",
             tmp_path / "back", code=6)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("kind", ["aes by path", "rsa by path"])
def test_inspect_tells_writer_and_protection_without_a_key(coscrypt, keys, encrypting, tmp_path, kind):
    encrypting(keys.provider(kind)).put_object(Bucket=BUCKET, Key="inspect-sdk", Body=b"data")
    write_with_coscrypt(coscrypt, keys, kind, "inspect-own", b"data", tmp_path)
    (tmp_path / "source").write_bytes(b"data")
    coscrypt("put", "--key", keys.file(kind), tmp_path / "source", f"cos://{BUCKET}/inspect-sealed")

    def inspect(name):
        return json.loads(coscrypt("inspect", "--json", f"cos://{BUCKET}/{name}").stdout)

    for name in ("inspect-sdk", "inspect-own"):
        assert (inspect(name)["format"], inspect(name)["authenticated"]) == ("cos-python", False)
    assert (inspect("inspect-sealed")["format"], inspect("inspect-sealed")["authenticated"]) == ("sealed", True)


@pytest.mark.parametrize("kind", ["aes by path", "rsa by path"])
def test_the_sdk_never_takes_a_sealed_object_for_data(coscrypt, keys, encrypting, plain, tmp_path, kind):
    secret = b"the secret text " * 64
    (tmp_path / "source").write_bytes(secret)
    coscrypt("put", "--key", keys.file(kind), tmp_path / "source", f"cos://{BUCKET}/sealed")
    with pytest.raises(TypeError):
        encrypting(keys.provider(kind)).get_object(Bucket=BUCKET, Key="sealed")
    stored = plain.get_object(Bucket=BUCKET, Key="sealed")["Body"].get_raw_stream().read()
    assert len(stored) == len(secret) + 16 and b"secret" not in stored
