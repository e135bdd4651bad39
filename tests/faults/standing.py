"""``helpr up`` on a folder of its own, as a supervisor keeps it: what is killed is begun again."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.request import urlopen

import psycopg

from api.run.up import NothingRuns, at_home
from api.settings import Settings, read_settings
from infrastructure.processes import last_words, leash
from tests.benchmarks.product import family, free_port, until_it_answers
from tests.database.conftest import eventually, running_on

BEHIND = """select count(*) from views.checkpoints join views.generations using (view, generation)
    where state = 'serving' and position < %s"""


class Part(StrEnum):
    """What can be killed."""

    API = "api"
    VIEWS = "views"
    CLOCK = "clock"
    POSTGRES = "postgres"
    PARENT = "parent"


class Standing:
    """A Helpr that somebody keeps running. ``starts`` counts how often its parent was begun."""

    def __init__(self, data: Path) -> None:
        said = {"HELPR_DATA": str(data), "HELPR_PORT": str(free_port()), "HELPR_DEMO": "yes"}
        self.at = read_settings(said)
        self.url = f"http://127.0.0.1:{self.at.port}"
        self.printed = data / "printed"
        self.starts = 0
        self._parent: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Begins the parent unless it runs."""
        if self._parent is not None and self._parent.poll() is None:
            return
        where = ("--data", str(self.at.data), "--port", str(self.at.port))
        with self.printed.open("ab") as out:
            self._parent = subprocess.Popen(
                [sys.executable, "-u", "-m", "api.cli", "up", "--demo", *where],
                stdout=out, stderr=out, env={**os.environ, "HELPR_DEMO_DATA": os.devnull},
                preexec_fn=leash(signal.SIGTERM),
            )  # fmt: skip
        self.starts += 1

    def stop(self) -> None:
        """As an operator does; nothing is left running."""
        if self._parent is not None:
            self._parent.terminate()
            self._parent.wait()
        eventually(lambda: not running_on(self.at.data), seconds=30)

    def pids(self) -> dict[Part, int]:
        """The processes there are."""
        if self._parent is None or self._parent.poll() is not None:
            return {}
        found = {Part.PARENT: self._parent.pid}
        for pid in family(self._parent.pid)[1:]:
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                if words[0].endswith("/postgres"):
                    found[Part.POSTGRES] = pid
                elif words[-3:-1] and words[-3] == "run":
                    found[Part(words[-2])] = pid
        return found

    def kill(self, part: Part, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a part a signal; its pid, which is dead or dying."""
        pid = self.pids()[part]
        os.kill(pid, number)
        if part is Part.PARENT and self._parent is not None:
            self._parent.wait()
        return pid

    def whole(self, *, without: int = 0) -> bool:
        """Whether every part runs, none of them as the process that was killed, and answers."""
        pids = self.pids()
        return pids.keys() == set(Part) and without not in pids.values() and self.is_ready()

    def is_ready(self) -> bool:
        """What a proxy is told."""
        try:
            with urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def has_folded(self, position: int) -> bool:
        """Whether every view has this fact."""
        try:
            with self.owning() as owner:
                [(behind,)] = owner.execute(BEHIND, (position,))
        except (psycopg.Error, NothingRuns):
            return False
        return not behind

    @property
    def settings(self) -> Settings:
        """With the DSNs of the database that runs; raises NothingRuns."""
        return at_home(self.at)

    @contextmanager
    def owning(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A connection that may do everything; raises NothingRuns."""
        with psycopg.connect(self.settings.owner_url, autocommit=True, connect_timeout=5) as owner:
            yield owner

    def last_words(self, name: str = "") -> str:
        """What it printed last, or one of its processes."""
        return last_words(self.at.data / "logs" / f"{name}.log" if name else self.printed, lines=12)


@contextmanager
def standing() -> Iterator[Standing]:
    """A Helpr with the demo's people and nothing said, ready; gone afterwards."""
    data = Path(mkdtemp(prefix="helpr-"))
    helpr = Standing(data)
    try:
        helpr.keep()
        until_it_answers(f"{helpr.url}/readyz")
        yield helpr
    finally:
        helpr.stop()
        shutil.rmtree(data, ignore_errors=True)


async def until(holds: Callable[[], bool], helpr: Standing, *, seconds: float = 60) -> float:
    """Waits until something holds, and keeps Helpr up meanwhile; the seconds it took. Fails when it takes longer."""
    begun = time.monotonic()
    while not await asyncio.to_thread(holds):
        helpr.keep()
        lasts = time.monotonic() - begun
        assert lasts < seconds, f"not healthy after {seconds} s: {helpr.pids()}. It says: {helpr.last_words()}"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun
