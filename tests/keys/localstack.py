"""LocalStack: an AWS KMS that runs on this machine, as a plain process, in an environment of its own.

It is installed the first time, outside the repository: in ``$HELPR_LOCALSTACK`` or ``~/.cache/helpr-localstack``.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from infrastructure.processes import last_words, leash

RELEASE, AS_OF = "4.8.1", "2025-10-01"
SERVICES = "kms,s3,sts"
# It minds the host in GATEWAY_LISTEN for IPv6 only and would listen on every address of the machine.
START = """
import functools, runpy
from twisted.internet import endpoints
endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")
runpy.run_module("localstack.runtime.main", run_name="__main__")
"""


class LocalStack(msgspec.Struct, frozen=True):
    """Where it listens, and what it took to get there."""

    endpoint: str
    installing: float
    starting: float


@contextmanager
def localstack() -> Iterator[LocalStack]:
    """A LocalStack with nothing in it, gone afterwards."""
    began = time.monotonic()
    python = _installed()
    installed = time.monotonic()
    with TemporaryDirectory(prefix="helpr-localstack-") as folder:
        port = _free_port()
        process = _start(python, Path(folder), port)
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait(process, endpoint, Path(folder) / "output")
            yield LocalStack(endpoint, installed - began, time.monotonic() - installed)
        finally:
            # It has nothing to lose, and a polite end takes it seconds.
            process.kill()
            process.wait()


def _installed() -> Path:
    """The Python that has LocalStack; only one of several runs installs it."""
    cache = Path(os.environ.get("HELPR_LOCALSTACK") or Path.home() / ".cache" / "helpr-localstack")
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"{RELEASE}-{sys.version_info.major}.{sys.version_info.minor}"
    python, done = home / "bin" / "python", home / "installed"
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            uv = os.environ.get("UV") or shutil.which("uv")
            assert uv, "uv is needed to install LocalStack: pip install uv"
            shutil.rmtree(home, ignore_errors=True)
            package = f"localstack-core[runtime]=={RELEASE}"
            _run(uv, "venv", "--python", sys.executable, home)
            _run(uv, "pip", "install", "--python", python, "--exclude-newer", AS_OF, package)
            done.touch()
    return python


def _run(*command: str | Path) -> None:
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert told.returncode == 0, told.stdout


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _start(python: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    settings = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "SERVICES": SERVICES, "STRICT_SERVICE_LOADING": "1",
        "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1",
        "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder),
    }  # fmt: skip
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [python, "-c", START], env=settings, cwd=folder, preexec_fn=leash(),
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], endpoint: str, output: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            urlopen(f"{endpoint}/_localstack/health", timeout=2).close()
        except (URLError, OSError):
            assert process.poll() is None, last_words(output)
            assert time.monotonic() < deadline, last_words(output)
            time.sleep(0.05)
        else:
            return
