"""docs/recover.py opens what coscrypt stored, from the service's answer alone."""

import json
import subprocess
import sys

import pytest

from conftest import BUCKET
from vectors import ROOT, pattern


@pytest.mark.parametrize("name", ["plain.bin", "目录/with space é.bin", "a//b/./c"])
@pytest.mark.parametrize("size", [0, 16384, 100_000])
@pytest.mark.parametrize("kind", ["aes", "rsa-2048"])
def test_opens_what_coscrypt_stored(coscrypt, plain, tmp_path, kind, size, name):
    key, source, body, headers, out = (tmp_path / part for part in ("key", "source", "body", "headers", "out"))
    coscrypt("key", "new", "--type", kind, key)
    source.write_bytes(pattern(size))
    coscrypt("put", "--key", key, "--meta", "owner=ann", source, f"cos://{BUCKET}/{name}")

    body.write_bytes(plain.get_object(Bucket=BUCKET, Key=name)["Body"].get_raw_stream().read())
    headers.write_text(json.dumps(dict(plain.head_object(Bucket=BUCKET, Key=name))))
    script = ROOT / "docs" / "recover.py"
    command = [sys.executable, script, body, "--headers", headers, "--object", name, "--key", key, "-o", out]
    assert subprocess.run(command, capture_output=True).stderr == b""
    assert out.read_bytes() == pattern(size)
