"""``helpr up`` from nothing to ready, against a second start on the same folder; and the memory of the whole group,
idle and while it is asked as much as it can take. PSS: what processes share is divided among them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from api.run.demo.dialogues import OURS
from api.settings import Settings
from infrastructure.processes import leash
from tests.benchmarks.desk import conversations, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.load import post
from tests.benchmarks.product import family, free_port, memory, until_it_answers

REST = 5.0
"""Seconds after the start at which a group counts as idle."""
CONVERSATIONS = 64
MB = 1_000_000


def main(*, as_json: bool) -> None:
    """Measures and prints."""
    show(measure(), as_json=as_json)


def measure(*, rounds: int = 3, rest: float = REST, seconds: int = 5) -> Report:
    """Starts a new folder and starts it again, as often as there are rounds; then once with load."""
    cold, warm, idle, loaded = [], [], [], []
    for _ in range(rounds):
        with _folder() as data:
            settings = Settings(data=data, port=free_port(), is_demo=True)
            with _started(settings) as (_, took):
                cold.append(took)
            with _started(settings) as (pid, took):
                warm.append(took)
                time.sleep(rest)
                idle.append(memory(family(pid)) / MB)
            with _started(settings, "--demo") as (pid, _):
                loaded.append(_most_under_load(settings, pid, seconds) / MB)
    figures = [
        Figure(what="start to ready, warm beside cold", unit="s", ours=warm, beside=cold, aim="≤ 5 s"),
        Figure(what="memory, idle beside loaded", unit="MB of PSS", ours=idle, beside=loaded, aim="≤ 300 MB"),
    ]
    note = f"Idle is {rest:.0f} s after the start; loaded is the most of {seconds} s with 16 connections that write."
    return Report(bench="up", sides=("warm, idle", "cold, loaded"), figures=figures, notes=[note])


@contextmanager
def _started(settings: Settings, *options: str) -> Iterator[tuple[int, float]]:
    """A group that is ready, its first process, and the seconds until then; stopped afterwards."""
    where = ("--data", str(settings.data), "--port", str(settings.port))
    before = time.perf_counter()
    group = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "up", *where, *options],
        stdout=subprocess.DEVNULL, env={**os.environ, "HELPR_DEMO_DATA": str(OURS)}, preexec_fn=leash(signal.SIGTERM),
    )  # fmt: skip
    try:
        until_it_answers(f"{url(settings)}/readyz")
        yield group.pid, time.perf_counter() - before
    finally:
        group.send_signal(signal.SIGTERM)
        group.wait()


def _most_under_load(settings: Settings, pid: int, seconds: int) -> int:
    """The most memory that the group takes while it is written to."""
    targets, most, done = asyncio.run(conversations(settings, CONVERSATIONS)), 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(0.5):
            most = max(most, memory(family(pid)))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        post(url(settings), targets, connections=16, seconds=seconds)
    finally:
        done.set()
        looking.join()
    return most


@contextmanager
def _folder() -> Iterator[Path]:
    data = Path(mkdtemp(prefix="helpr-"))
    try:
        yield data
    finally:
        shutil.rmtree(data, ignore_errors=True)
