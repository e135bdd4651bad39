"""Many writers in several processes, hot streams, and readers that follow. Whatever can break breaks: connections end,
and of writers and readers one after the other is killed."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from tests.conftest import Database
from tests.event_log.fuzzing import Asked, Line, Told, Wrong
from tests.event_log.tailing import last_in, seen_in
from tests.event_log.waiting import eventually
from tests.faults.crew import Crew

PROCESSES, READERS = 4, 3
NONE = {
    "lost": 0,
    "seen and never stored": 0,
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


async def ending_connections(owner: Any, dice: random.Random) -> None:
    """Somebody's connection ends, again and again: writers', the reader's, the listener's."""
    while True:
        await asyncio.sleep(dice.random() * 0.5)
        await owner.execute(
            """select pg_terminate_backend(pid) from (
                select pid from pg_stat_activity where usename = 'helpr' and datname = current_database()
                order by random() limit 1) unlucky"""
        )


async def head(owner: Any) -> int:
    return await owner.fetchval("select position from log.events order by position desc limit 1") or 0


async def fuzz(crew: Crew, owner: Any, *, until: int, kills: int) -> None:
    """Writes until the log is so long and everybody has read it."""

    async def has_come(position: int) -> bool:
        assert not crew.has_failed()
        await asyncio.sleep(0.1)
        return await head(owner) >= position

    for kill in range(1, kills + 1):
        await eventually(partial(has_come, until * kill // (kills + 1)), seconds=3600)
        await crew.lose_one_of_each()
    assert [await writer.wait() for writer in crew.writers] == [0] * PROCESSES
    end = await head(owner)
    await eventually(lambda: all(last_in(file) >= end for file in crew.readers), seconds=600)
    assert not crew.has_failed()


def read_by(readers: list[Path], stored: set[tuple[int, UUID]]) -> dict[str, int]:
    """What the readers have not seen as it is, all of them together."""
    found = Counter({"lost": 0, "seen and never stored": 0, "seen twice": 0, "seen out of order": 0})
    for reader in readers:
        seen = seen_in(reader)
        once = set(seen)
        found["lost"] += len(stored - once)
        found["seen and never stored"] += len(once - stored)
        found["seen twice"] += len(seen) - len(once)
        found["seen out of order"] += sum(one >= two for (one, _), (two, _) in pairwise(seen))
    return dict(found)


def said_in(journals: list[Path]) -> list[Line]:
    """What the writers have noted; the line that one was killed in is not one."""
    lines = [line for journal in journals if journal.exists() for line in journal.read_bytes().split(b"\n")[:-1]]
    return [msgspec.json.decode(line, type=Line) for line in lines]


async def reckoned(owner: Any, readers: list[Path], lines: list[Line]) -> tuple[dict[str, int], dict[str, int]]:
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
    must_be_none = {
        **read_by(readers, {(row[0], row[1]) for row in rows}),
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


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """Connections that may do everything."""
    async with asyncpg.create_pool(database.owner, min_size=1, max_size=2) as pool:
        yield pool


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.requirement("R-CON-1")
@pytest.mark.parametrize(
    ("until", "writers", "kills"), [(15_000, 4, 3), pytest.param(1_000_000, 16, 50, marks=pytest.mark.soak)]
)
async def test_nothing_is_lost_doubled_or_out_of_order_whoever_is_killed(
    database: Database,
    owner: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    until: int,
    writers: int,
    kills: int,
) -> None:
    seed, began = random.randrange(10**6), time.monotonic()
    dice = random.Random(seed)
    crew = Crew(database, tmp_path, writers=writers, until=until, dice=dice)
    unlucky = asyncio.create_task(ending_connections(owner, dice))
    try:
        for number in range(READERS):
            await crew.reader(tmp_path / f"{number}.seen")
        for _ in range(PROCESSES):
            await crew.one_more_writer()
        await fuzz(crew, owner, until=until, kills=kills)
    finally:
        unlucky.cancel()
        await asyncio.wait([unlucky])
        await crew.close()
    must_be_none, done = await reckoned(owner, list(crew.readers), said_in(crew.journals))
    with capsys.disabled():
        print(
            f"\n{PROCESSES * writers} writers, {READERS} readers, {kills} of each killed, seed {seed},"
            f" {time.monotonic() - began:.0f} s: {done}\n{must_be_none}"
        )
    assert done["events"] >= until
    assert must_be_none == NONE
