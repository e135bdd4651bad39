"""A folder for Helpr's data, and what still runs on it."""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty folder that PostgreSQL's user can reach, which pytest's own are not when we are root."""
    folder = Path(mkdtemp(prefix="helpr-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def parent(data: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts ``tests/database/parent.py`` on the folder, and waits until it says that all is ready."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.database.parent", str(data)]
        process = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == "ready\n", said + process.stdout.read()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    eventually(lambda: not running_on(data))


def running_on(data: Path) -> dict[int, str]:
    """The processes that live in the folder or were told of it, with their commands."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            lives_there = (process / "cwd").readlink().is_relative_to(data)
            if lives_there or str(data) in command:
                found[int(process.name)] = command
    return found


def eventually(holds: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Waits until something holds; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
