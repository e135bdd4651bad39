"""One process that follows the log, as every process of the product does, and keeps what it has seen in a file. Killed
at any moment and started again, it goes on behind the last line of that file.

Run by tests/faults/test_many_writers.py; the DSN comes in LOG_DSN.
"""

import asyncio
import os
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from domain.conversations.events import MessagesRead
from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect, connect_pool
from infrastructure.database.lost import AWAY
from infrastructure.event_log.following import LogFollower
from infrastructure.event_log.reading import LogReader
from infrastructure.processes import die_with_parent
from infrastructure.wakeups import Wakeups

WRITTEN = MessagesRead.NAME
"""What the writers write. A process can read only the facts that it has imported."""
LINE = struct.Struct("<q16s")


class Seen:
    """Positions and events, in the order of their coming. A line that was not finished is not there."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        lines = os.fstat(self._file).st_size // LINE.size
        os.ftruncate(self._file, lines * LINE.size)
        last = os.pread(self._file, LINE.size, (lines - 1) * LINE.size) if lines else bytes(LINE.size)
        self.last: int = LINE.unpack(last)[0]

    def follow(self, page: Sequence[Recorded[Event]]) -> None:
        os.write(self._file, b"".join(LINE.pack(found.position, found.event_id.bytes) for found in page))


def seen_in(file: Path) -> list[tuple[int, UUID]]:
    """Everything that a reader has seen, in all its lives."""
    content = file.read_bytes() if file.exists() else b""
    whole = content[: len(content) // LINE.size * LINE.size]
    return [(position, UUID(bytes=event)) for position, event in LINE.iter_unpack(whole)]


def last_in(file: Path) -> int:
    """How far a reader has come; a line that is not finished yet is not looked at."""
    size = file.stat().st_size if file.exists() else 0
    if size < LINE.size:
        return 0
    with file.open("rb") as content:
        content.seek((size // LINE.size - 1) * LINE.size)
        last: int = LINE.unpack(content.read(LINE.size))[0]
    return last


async def run(file: Path) -> None:
    """Follows until it is killed."""
    dsn, seen = os.environ["LOG_DSN"], Seen(file)
    pool = await connect_pool(dsn, size=1)
    follower = LogFollower(LogReader(pool), [seen.follow], poll=0.2)
    wakeups = Wakeups(partial(connect, dsn))
    wakeups.on("helpr_log", follower.wake)
    await follower.start()
    follower.position = seen.last
    wakeups.start()
    await asyncio.Event().wait()


async def run_again(file: Path) -> None:
    """Somebody ends connections also while it starts."""
    while True:
        with suppress(*AWAY):
            await run(file)


if __name__ == "__main__":
    where, parent = sys.argv[1:]
    die_with_parent(parent=int(parent))
    asyncio.run(run_again(Path(where)))
