"""``helpr`` as an operator starts it: a process of its own, on a folder and a port of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import msgspec
import pytest

from api.run.demo.dialogues import OURS
from tests.database.conftest import HOUSE, eventually, running_on
from tests.house import free_port


def helpr(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command that ends by itself."""
    command = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(
        command, cwd=HOUSE, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


class Up(msgspec.Struct):
    """A ``helpr up --demo`` that is ready and has filled its inbox, and what it has printed."""

    process: subprocess.Popen[str]
    data: Path
    url: str
    printed: str

    def signal(self, number: signal.Signals) -> int:
        """Sends a signal to the parent and waits until nothing of all that is left; the parent's exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        eventually(lambda: not running_on(self.data), seconds=30)
        return code

    def counts(self) -> dict[str, int]:
        """How many conversations there are, as an agent sees who signs in."""
        [password] = re.findall(r"password (\w+)", self.printed)
        with httpx.Client(base_url=self.url, headers={"Helpr-Request": "console"}, timeout=30) as amir:
            answer = amir.post("/v1/session", json={"email": "amir@kettle.example", "password": password})
            assert answer.status_code == 201, answer.text
            found: dict[str, int] = amir.get("/v1/conversations/counts").json()
        return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where data is kept; PostgreSQL's user can reach it."""
    made = Path(mkdtemp(prefix="helpr-"))
    yield made
    eventually(lambda: not running_on(made), seconds=30)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Callable[..., Up]]:
    """Starts Helpr on the folder, as often as one likes, and waits until it says what to do next."""
    started: list[subprocess.Popen[str]] = []

    def start(**environment: Any) -> Up:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "api.cli", "up", "--demo", "--data", str(folder), "--port", str(port)],
            cwd=HOUSE,
            env={**os.environ, "HELPR_DEMO_DATA": str(OURS), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                return Up(process, folder, f"http://127.0.0.1:{port}", printed)
        raise AssertionError(printed)

    yield start
    for process in started:
        process.kill()
        process.communicate()
