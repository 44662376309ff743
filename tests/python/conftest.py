"""A running `coscrypt serve`, the coscrypt command, and the official SDK's clients pointed at it."""

import dataclasses
import os
import pathlib
import subprocess

import pytest
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_encryption_client import CosEncryptionClient

from vectors import ROOT

BUCKET = "interop-1250000000"
SECRET_ID, SECRET_KEY = "AKIDINTEROP00000000000000000000000000", "interop-secret-key-0000000000000"


@dataclasses.dataclass
class Coscrypt:
    """The real command, in a home folder of its own."""

    home: pathlib.Path
    endpoint: str = ""
    binary = os.environ.get("COSCRYPT", str(ROOT / "target" / "debug" / "coscrypt"))

    @property
    def environment(self):
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "COS_SECRET_ID": SECRET_ID,
            "COS_SECRET_KEY": SECRET_KEY,
            "COS_ENDPOINT": self.endpoint,
        }

    def __call__(self, *arguments, code=0):
        """Run it, require the exit code, and return what it printed."""
        command = [self.binary, *map(str, arguments)]
        result = subprocess.run(command, env=self.environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert result.returncode == code, f"{command}\n{result.stdout!r}\n{result.stderr.decode(errors='replace')}"
        return result

    def fails(self, *arguments):
        """Run it, require some failure, and return its standard error as text."""
        command = [self.binary, *map(str, arguments)]
        result = subprocess.run(command, env=self.environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert result.returncode != 0, f"{command} must fail"
        return result.stderr.decode()


@pytest.fixture(scope="session")
def coscrypt(tmp_path_factory):
    """coscrypt with a server of its own behind it, for the whole run."""
    home = tmp_path_factory.mktemp("home")
    tool = Coscrypt(home)
    command = [tool.binary, "serve", home / "store", "--listen", "127.0.0.1:0", "--bucket", BUCKET]
    environment = {name: value for name, value in tool.environment.items() if name != "COS_ENDPOINT"}
    with open(home / "serve.log", "wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
    try:
        line = server.stdout.readline().decode()
        assert line.startswith("endpoint: http://127.0.0.1:"), line + (home / "serve.log").read_text()
        tool.endpoint = line.split()[1]
        yield tool
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="session")
def sdk_config(coscrypt):
    """The SDK as for the real service (the bucket before the host), with the connection made to the local server."""

    def make(**changes):
        options = {
            "Region": "ap-guangzhou",
            "SecretId": SECRET_ID,
            "SecretKey": SECRET_KEY,
            "Scheme": "http",
            "IP": "127.0.0.1",
            "Port": int(coscrypt.endpoint.rsplit(":", 1)[1]),
            "Timeout": 30,
        }
        return CosConfig(**{**options, **changes})

    return make


@pytest.fixture(scope="session")
def plain(sdk_config):
    """The SDK's ordinary client."""
    return CosS3Client(sdk_config(), retry=0)


@pytest.fixture
def encrypting(sdk_config):
    """Makes the SDK's encryption client for a provider."""
    return lambda provider: CosEncryptionClient(sdk_config(), provider, retry=0)
