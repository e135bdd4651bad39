"""Processes that write the log and processes that follow it, lost and replaced on the way."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from tests.conftest import Database

HOUSE = Path(__file__).parents[2]


class Crew:
    """The processes that write, each with a journal, and those that read, each with what it has seen."""

    def __init__(self, database: Database, folder: Path, *, writers: int, until: int, dice: random.Random) -> None:
        self._dsn, self._folder, self._dice = database.runtime, folder, dice
        self._arguments = (writers, until)
        self.writers: list[asyncio.subprocess.Process] = []
        self.readers: dict[Path, asyncio.subprocess.Process] = {}
        self.journals: list[Path] = []

    async def one_more_writer(self) -> None:
        self.journals.append(self._folder / f"{len(self.journals)}.jsonl")
        writers, until = self._arguments
        seed = self._dice.randrange(10**6)
        self.writers.append(await self._start("fuzzing", self.journals[-1], writers, until, seed))

    async def reader(self, file: Path) -> None:
        self.readers[file] = await self._start("tailing", file)

    async def lose_one_of_each(self) -> None:
        """A writer and a reader are killed. Another writes, and the reader goes on where it was."""
        writer = self._dice.choice(self.writers)
        await killed(writer)
        self.writers.remove(writer)
        await self.one_more_writer()
        file, reader = self._dice.choice(list(self.readers.items()))
        await killed(reader)
        await self.reader(file)

    async def close(self) -> None:
        for process in (*self.writers, *self.readers.values()):
            await killed(process)

    def has_failed(self) -> bool:
        """Nobody stops with a mistake, and readers do not stop."""
        return any(writer.returncode for writer in self.writers) or any(
            reader.returncode is not None for reader in self.readers.values()
        )

    async def _start(self, what: str, *arguments: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"tests.event_log.{what}", *map(str, (*arguments, os.getpid()))),
            cwd=HOUSE,
            env=os.environ | {"LOG_DSN": self._dsn},
        )


async def killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()
