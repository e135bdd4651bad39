"""Sixteen writers in several processes, hot streams, everything that can break, and one reader that follows."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect, connect_pool
from infrastructure.event_log.following import LogFollower
from infrastructure.event_log.reading import LogReader
from infrastructure.wakeups import Wakeups
from tests.conftest import Database
from tests.event_log.fuzzing import Asked, Line, Told, Wrong
from tests.event_log.waiting import eventually

HOUSE = Path(__file__).parents[2]
PROCESSES, WRITERS_EACH = 4, 4
NONE = {
    "lost": 0,
    "seen twice": 0,
    "seen out of order": 0,
    "gaps between positions": 0,
    "holes in streams": 0,
    "inversions": 0,
    "wrong acknowledgements": 0,
    "acknowledged and gone": 0,
    "refused and stored": 0,
    "stored in part": 0,
    "stored twice": 0,
}
HOLES = """select count(*) from (
    select 1 from log.events group by stream_id having count(*) <> max(version) or min(version) <> 1) h"""
INVERSIONS = """select count(*) from (
    select position, recorded_at, lag(position) over stream as before, lag(recorded_at) over log as earlier
    from log.events window stream as (partition by stream_id order by version), log as (order by position)
    ) o where before > position or earlier > recorded_at"""


class Reader:
    """Follows the log from the first moment, as every process of the product does."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, UUID]] = []

    def follow(self, page: Sequence[Recorded[Event]]) -> None:
        self.seen.extend((found.position, found.event_id) for found in page)


async def writing(database: Database, journal: Path, *, until: int, seed: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.event_log.fuzzing"),
        *map(str, (journal, WRITERS_EACH, until, seed, os.getpid())),
        cwd=HOUSE,
        env=os.environ | {"LOG_DSN": database.runtime},
    )


async def ending_connections(owner: Any, dice: random.Random) -> None:
    """Somebody's connection ends, again and again: writers', the reader's, the listener's."""
    while True:
        await asyncio.sleep(dice.random() * 0.5)
        await owner.execute(
            """select pg_terminate_backend(pid) from (
                select pid from pg_stat_activity where usename = 'helpr' and datname = current_database()
                order by random() limit 1) unlucky"""
        )


def has_ended(processes: list[asyncio.subprocess.Process]) -> bool:
    return any(process.returncode is not None for process in processes)


async def fuzz(database: Database, owner: Any, folder: Path, *, until: int, seed: int) -> tuple[Reader, list[Line]]:
    """Writes until the log is so long. One process is killed on the way, and another takes its place."""
    reader, pool = Reader(), await connect_pool(database.runtime, size=1)
    follower = LogFollower(LogReader(pool), [reader.follow], poll=0.2)
    wakeups = Wakeups(partial(connect, database.runtime))
    wakeups.on("helpr_log", follower.wake)
    await follower.start()
    wakeups.start()
    journals = [folder / f"{number}.jsonl" for number in range(PROCESSES + 1)]
    processes = [
        await writing(database, journal, until=until, seed=seed + number)
        for number, journal in enumerate(journals[:-1])
    ]
    unlucky = asyncio.create_task(ending_connections(owner, random.Random(seed)))
    await eventually(lambda: len(reader.seen) > until / 3 or has_ended(processes), seconds=3600)
    processes[0].send_signal(signal.SIGKILL)
    processes.append(await writing(database, journals[-1], until=until, seed=seed + PROCESSES))
    assert [await process.wait() for process in processes] == [-signal.SIGKILL, *[0] * PROCESSES]
    unlucky.cancel()
    await asyncio.wait([unlucky])
    head = await owner.fetchval("select max(position) from log.events")
    await eventually(lambda: follower.position >= head, seconds=60)
    await follower.stop()
    await wakeups.stop()
    await pool.close()
    lines = [line for journal in journals for line in journal.read_bytes().split(b"\n") if line]
    return reader, [msgspec.json.decode(line, type=Line) for line in lines]


async def reckoned(owner: Any, reader: Reader, lines: list[Line]) -> tuple[dict[str, int], dict[str, int]]:
    """What must be nought, and what was done meanwhile."""
    rows = await owner.fetch("select position, event_id, command_id from log.events order by position")
    stored, positions = {row[1]: row[0] for row in rows}, [row[0] for row in rows]
    of_command = Counter(row[2] for row in rows)
    asked: dict[UUID, set[int]] = {}
    last: dict[UUID, Line] = {}
    wrong = gone = 0
    for line in lines:
        last[line.command] = line
        match line:
            case Asked():
                asked.setdefault(line.command, set()).add(line.facts)
            case Told():
                if line.what in ("done", "repeated"):
                    expected = range(line.position - len(line.events) + 1, line.position + 1)
                    found = [stored.get(event) for event in line.events]
                    wrong += found != list(expected) and None not in found
                    gone += None in found
            case Wrong():
                wrong += 1
    order = [position for position, _ in reader.seen]
    must_be_none = {
        "lost": len(stored) - len(set(reader.seen)),
        "seen twice": len(reader.seen) - len(set(reader.seen)),
        "seen out of order": sum(one >= two for one, two in pairwise(order)),
        "gaps between positions": positions[-1] - len(set(positions)),
        "holes in streams": await owner.fetchval(HOLES),
        "inversions": await owner.fetchval(INVERSIONS),
        "wrong acknowledgements": wrong,
        "acknowledged and gone": gone,
        "refused and stored": sum(_is_refusal(line) and line.command in of_command for line in last.values()),
        "stored in part": sum(many not in asked[command] for command, many in of_command.items()),
        "stored twice": len(rows) - len(stored),
    }
    told = Counter(line.what for line in lines if isinstance(line, Told))
    return must_be_none, {"events": len(rows), "commands": len(of_command), **told}


def _is_refusal(line: Line) -> bool:
    return isinstance(line, Told) and line.what == "conflict"


async def shown(
    database: Database, owner: Any, folder: Path, capsys: pytest.CaptureFixture[str], *, until: int, seed: int
) -> None:
    began = time.monotonic()
    must_be_none, done = await reckoned(owner, *await fuzz(database, owner, folder, until=until, seed=seed))
    with capsys.disabled():
        print(f"\nfuzz of the log, seed {seed}, {time.monotonic() - began:.0f} s: {done}\n{must_be_none}")
    assert done["events"] >= until
    assert must_be_none == NONE


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.requirement("R-CON-1")
async def test_nothing_is_lost_doubled_or_out_of_order_whatever_breaks(
    database: Database, owner: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await shown(database, owner, tmp_path, capsys, until=100_000, seed=random.randrange(10**6))


@pytest.mark.soak
@pytest.mark.requirement("R-OPS-2")
async def test_nothing_is_lost_doubled_or_out_of_order_for_a_long_time(
    database: Database, owner: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await shown(database, owner, tmp_path, capsys, until=2_000_000, seed=random.randrange(10**6))
