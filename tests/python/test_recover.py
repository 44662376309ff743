"""docs/recover.py against every vector of fixtures/sealed.json, and against what an attacker would hand it."""

import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys

import pytest

from vectors import CSE, FIXTURES, ROOT, fixture, pattern, seal, sealed_body, sealed_vector

SCRIPT = ROOT / "docs" / "recover.py"
VECTORS = fixture("sealed")["vectors"]
THREE_CHUNKS = sealed_vector("sealed-aes-40000")


def load_script():
    spec = importlib.util.spec_from_file_location("recover", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recover = load_script()
COBBLESTONES = {"published": recover.Cobblestone256Decryptor, "portable": recover.PortableCobblestone256Decryptor}


def test_the_published_cobblestone_is_under_test():
    import cryptography.cobblestone

    assert COBBLESTONES["published"] is cryptography.cobblestone.Cobblestone256Decryptor


@pytest.fixture
def key_file(tmp_path):
    """Paths of the key files that sealed.json names."""

    def path(name):
        value = fixture("sealed")["keys"][name]
        if value.startswith("keys/"):
            return FIXTURES / value
        file = tmp_path / f"{name}.key"
        file.write_text(value + "\n")
        return file

    return path


class Case:
    """A vector laid out as files, to be changed and then opened by a real process."""

    def __init__(self, directory, vector, keys):
        self.directory, self.vector, self.keys = directory, vector, keys
        self.body, self.headers = sealed_body(vector), dict(vector["headers"])
        self.object, self.bucket, self.out = vector["object_key"], vector["bucket"], directory / "out"

    def run(self, headers_text=None, output=True, interpreter=(sys.executable,)):
        (self.directory / "body").write_bytes(self.body)
        (self.directory / "headers").write_text(headers_text or json.dumps(self.headers), newline="")
        command = [*interpreter, SCRIPT, self.directory / "body", "--headers", self.directory / "headers"]
        command += ["--object", self.object, "--bucket", self.bucket]
        command += [part for key in self.keys for part in ("--key", key)]
        command += ["-o", self.out] if output else []
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)

    def refused(self, code, *words, **options):
        """The run fails with `code`, a two-line error that has `words`, and no trace of plaintext."""
        result = self.run(**options)
        error = result.stderr.decode()
        assert result.returncode == code, error
        assert len(error.splitlines()) == 2, error
        for word in words:
            assert word in error
        assert result.stdout == b""
        assert not [name for name in os.listdir(self.directory) if name.startswith((".recover", "out"))]


@pytest.fixture
def case(tmp_path, key_file):
    def make(name="sealed-aes-40000", *keys):
        vector = sealed_vector(name)
        return Case(tmp_path, vector, [key_file(key) for key in keys or vector["recipients"][:1]])

    return make


def dek_of(vector, keys, headers=None, **names):
    names = {"object_key": vector["object_key"], "bucket": vector["bucket"], **names}
    return recover.Envelope(headers or vector["headers"]).open(keys, **names)


@pytest.mark.parametrize("cobblestone", COBBLESTONES)
@pytest.mark.parametrize("recipient", ["first", "last"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_opens(vector, recipient, cobblestone, key_file, monkeypatch):
    monkeypatch.setattr(recover, "Cobblestone256Decryptor", COBBLESTONES[cobblestone])
    name = vector["recipients"][0 if recipient == "first" else -1]
    key = recover.load_key(key_file(name))
    assert key.kid.hex() == fixture("sealed")["key_ids"][name]
    dek = dek_of(vector, [key])
    assert dek.hex() == vector["dek_hex"]
    body = sealed_body(vector)
    assert (len(body), hashlib.sha256(body).hexdigest()) == (vector["ciphertext_len"], vector["ciphertext_sha256"])
    out = b"".join(recover.plaintext(io.BytesIO(body), dek, recover.Envelope(vector["headers"]).start))
    assert (len(out), hashlib.sha256(out).hexdigest()) == (vector["plaintext_len"], vector["plaintext_sha256"])


@pytest.mark.parametrize("name", ["sealed-aes-0", "sealed-aes-40000", "sealed-rsa4096-20000", "sealed-bind-bucket"])
def test_as_a_program_it_writes_the_file(case, name):
    opened = case(name)
    result = opened.run()
    assert (result.returncode, result.stderr) == (0, b"")
    assert opened.out.read_bytes() == pattern(opened.vector["plaintext_len"])
    assert opened.out.stat().st_mode & 0o077 == 0


def test_without_output_it_writes_to_stdout(case):
    assert case().run(output=False).stdout == pattern(40000)


def test_header_lines_as_curl_prints_them(case):
    opened = case()
    lines = "".join(f"{name.title()}: {value}\r\n" for name, value in opened.headers.items())
    assert opened.run(headers_text=f"HTTP/1.1 200 OK\r\nContent-Length: 40048\r\n{lines}\r\n").returncode == 0


def test_headers_as_curl_header_json(case):
    opened = case()
    text = json.dumps({name: [value] for name, value in opened.headers.items()})
    assert opened.run(headers_text=text).returncode == 0


def test_a_key_that_is_no_recipient_names_wanted_and_given(case):
    case("sealed-aes-17", "aes2").refused(6, "Wanted: e7614acd870bd615", "Given: 146c1bfc38a285fc")


def test_several_keys_may_be_given(case):
    assert case("sealed-aes-17", "rsa2048", "aes2", "aes1").run().returncode == 0


def test_a_missing_key_file_is_not_made(case, tmp_path):
    opened = case()
    opened.keys = [tmp_path / "absent.key"]
    opened.refused(1, "absent.key")
    assert not opened.keys[0].exists()


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64 at all!", "-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_a_file_without_a_usable_key(case, tmp_path, text):
    opened = case()
    opened.keys = [tmp_path / "bad.key"]
    opened.keys[0].write_text(text)
    opened.refused(6, "bad.key")


def test_a_public_key_cannot_open(case):
    opened = case("sealed-rsa2048-20000")
    opened.keys = [FIXTURES / "keys" / "rsa2048_pub.pem"]
    opened.refused(6, "private key")


def test_a_moved_object_is_refused(case):
    opened = case()
    opened.object = "another/key"
    opened.refused(5, "bound to its key")


def test_the_same_key_in_another_bucket(case):
    bound_to_key, bound_to_bucket = case("sealed-aes-17"), case("sealed-bind-bucket")
    bound_to_key.bucket = bound_to_bucket.bucket = "otherbucket-1250000000"
    bound_to_bucket.refused(5, "bound to its bucket and key")
    assert bound_to_key.run().returncode == 0


def test_two_objects_swapped_under_one_key(case):
    opened, other = case("sealed-aes-17"), sealed_vector("sealed-aes-16")
    opened.body = sealed_body(other)
    opened.refused(5, "bytes 0-31")


def test_a_plain_object_is_called_plain(case):
    opened = case()
    opened.headers = {"Content-Type": "text/plain", "x-cos-meta-owner": "ann"}
    opened.refused(5, "not those of an encrypted object")


def test_an_sdk_object_is_told_apart(case):
    opened = case()
    opened.headers = fixture("python")["vectors"][0]["headers"]
    opened.refused(5, "not a sealed object")


def test_an_existing_file_stays(case):
    opened = case()
    opened.out.write_text("precious")
    assert opened.run().returncode == 10
    assert opened.out.read_text() == "precious"


@pytest.mark.parametrize("output", [True, False], ids=["file", "stdout"])
@pytest.mark.parametrize("offset, where", [(0, "0-16399"), (16400, "16400-32799"), (40047, "32800-40047")])
def test_a_damaged_chunk_is_named_and_nothing_released(case, offset, where, output):
    opened = case()
    body = bytearray(opened.body)
    body[offset] ^= 1
    opened.body = bytes(body)
    opened.refused(5, f"bytes {where}", output=output)


@pytest.mark.parametrize("change", ["cut one byte", "cut a chunk", "cut to nothing", "one byte more", "twice the last chunk",
                                    "first two chunks swapped"])
def test_a_body_cut_extended_or_reordered(case, change):
    opened, chunk = case(), 16400
    body = opened.body
    opened.body = {
        "cut one byte": body[:-1],
        "cut a chunk": body[: 2 * chunk],
        "cut to nothing": b"",
        "one byte more": body + b"\0",
        "twice the last chunk": body + body[2 * chunk :],
        "first two chunks swapped": body[chunk : 2 * chunk] + body[:chunk] + body[2 * chunk :],
    }[change]
    opened.refused(5)


def test_every_truncation_of_three_chunks_is_refused():
    dek, body = bytes.fromhex(THREE_CHUNKS["dek_hex"]), sealed_body(THREE_CHUNKS)
    start = recover.Envelope(THREE_CHUNKS["headers"]).start
    # Lengths that are legal fail at the cut chunk; the cheap ones are all tried, one chunk's worth each.
    lengths = [n for n in range(len(body)) if n % 16400 < 32 or n % 16400 > 16368 or n % 127 == 0]
    for length in lengths:
        with pytest.raises(recover.Problem) as refusal:
            list(recover.plaintext(io.BytesIO(body[:length]), dek, start))
        assert refusal.value.code == 5


def test_every_bit_of_the_envelope_counts(key_file):
    key = [recover.load_key(key_file("aes1"))]
    flips = 0
    for name, value in THREE_CHUNKS["headers"].items():
        for position in range(len(value)):
            for bit in range(7):
                changed = value[:position] + chr(ord(value[position]) ^ 1 << bit) + value[position + 1 :]
                with pytest.raises(recover.Problem):
                    dek_of(THREE_CHUNKS, key, {**THREE_CHUNKS["headers"], name: changed})
                flips += 1
    assert flips == 7 * sum(map(len, THREE_CHUNKS["headers"].values()))


@pytest.mark.parametrize("name", [name[len(CSE) :] for name in THREE_CHUNKS["headers"]])
def test_a_missing_header(case, name):
    opened = case()
    del opened.headers[CSE + name]
    opened.refused(5)


def test_a_header_given_twice(case):
    opened = case()
    text = "".join(f"{name}: {value}\n" for name, value in opened.headers.items())
    opened.refused(5, "twice", headers_text=text + f"{CSE}mac: {'A' * 43}=\n")


def test_more_than_sixteen_recipients(case):
    opened = case("sealed-aes-17")
    for name, separator in (("wrap-alg", ","), ("key", ",")):
        opened.headers[CSE + name] = separator.join([opened.headers[CSE + name]] * 17)
    opened.headers[CSE + "matdesc"] = '{"v":1,"kid":[%s],"bind":"key"}' % ",".join(['"e7614acd870bd615"'] * 17)
    opened.refused(5, "recipients")


def test_metadata_over_the_service_limit(case):
    opened = case()
    opened.headers["x-cos-meta-note"] = "x" * 2000
    opened.refused(5, "2048")


def test_the_commitment_is_checked():
    """A data key that fits the envelope's MAC but not the commitment is refused before any chunk."""
    vector = sealed_vector("sealed-aes-17")
    start = bytearray(recover.Envelope(vector["headers"]).start)
    start[-1] ^= 1
    with pytest.raises(recover.Problem, match="commitment"):
        list(recover.plaintext(io.BytesIO(sealed_body(vector)), bytes.fromhex(vector["dek_hex"]), bytes(start)))


def test_memory_does_not_grow_with_the_object(case):
    opened, length = case(), 192 << 20
    dek, salt = bytes.fromhex(opened.vector["dek_hex"]), bytes.fromhex(opened.vector["salt_hex"])
    opened.body = seal(dek, salt, bytes(length))
    measured = "import runpy, sys; sys.argv[0] = sys.argv.pop(1)\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    measured += "finally: print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)"
    result = opened.run(interpreter=[sys.executable, "-c", measured])
    assert (result.returncode, opened.out.stat().st_size) == (0, length)
    peak_kib = int(result.stderr.split()[1])
    assert peak_kib < 96 << 10, f"{peak_kib >> 10} MiB resident"
