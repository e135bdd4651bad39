"""Live connections at their worst: all of them lost in one moment, and readers who have stopped reading."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.rate_limits import LIMITS
from tests.conftest import Database
from tests.faults.consoles import (
    ROOMS,
    at_once,
    pace,
    reading,
    reads_nothing,
    reads_to_the_end,
    room_of,
    until_so_many_listen,
)
from tests.house import Helpr, running

pytestmark = pytest.mark.requirement("R-CON-1")
MORE_THAN_THE_SYSTEM_KEEPS = 200
"""Messages of 27 KB: before anything waits with us the system holds 4 MB for each socket."""


@pytest.fixture
async def helpr(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Helpr]:
    """A Helpr in which nobody is told to slow down."""
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, 1_000_000)
    async with running(database, tmp_path) as started:
        yield started


@pytest.mark.parametrize("number", [200, pytest.param(2_000, marks=pytest.mark.soak)])
async def test_all_who_were_cut_off_at_once_come_back_at_once_and_have_missed_nothing(
    helpr: Helpr, number: int
) -> None:
    room = await room_of(helpr)
    consoles = [room.console(room.places[turn % ROOMS]) for turn in range(number)]
    await at_once(consoles)
    for console in consoles:
        console.is_cut()
    await room.go_on(2 * ROOMS)
    begun = time.perf_counter()
    meanwhile = asyncio.create_task(room.go_on(2 * ROOMS, pause=0.02))
    await at_once(consoles)
    await meanwhile
    async with asyncio.timeout(60):
        await asyncio.gather(*(console.has_heard(room.said) for console in consoles))
    sys.stdout.write(f"\n{number:,} sockets were back {time.perf_counter() - begun:.1f} s after they were lost\n")
    for console in consoles:
        assert console.heard == {place: list(range(1, room.said[place] + 1)) for place in console.last}
        console.is_cut()
    await until_so_many_listen(helpr, 0)


@pytest.mark.parametrize("number", [20, pytest.param(200, marks=pytest.mark.soak)])
async def test_readers_who_stop_reading_are_let_go_and_the_others_hear_everything(helpr: Helpr, number: int) -> None:
    room = await room_of(helpr)
    readers = [room.console() for _ in range(ROOMS)]
    await at_once(readers)
    alone = await pace(room, readers)
    stalled = [await reads_nothing(room) for _ in range(number)]
    await until_so_many_listen(helpr, number + len(readers))
    paces: list[tuple[float, float]] = []
    for _ in range(3):
        with reading(stalled):
            before = await pace(room, readers, turns=2 * number)
        paces.append((before, await pace(room, readers, turns=2 * number)))
    before, after = map(statistics.median, zip(*paces, strict=True))
    sys.stdout.write(
        f"\np99 of others while {number} read: {before:.1f} ms, when they have stopped: {after:.1f} ms; "
        f"without them: {alone:.1f} ms\n"
    )
    for _ in range(MORE_THAN_THE_SYSTEM_KEEPS):
        if helpr.house.broadcast.listening > len(readers):
            await room.go_on(1, text="\N{SNAIL}" * 9_000)
    await until_so_many_listen(helpr, len(readers))
    async with asyncio.timeout(30):
        await asyncio.gather(*(console.has_heard(room.said) for console in readers))
    for reader in readers:
        assert reader.heard == {place: list(range(1, room.said[place] + 1)) for place in room.places}
        reader.is_cut()
    for each in stalled:
        await reads_to_the_end(each)
    await until_so_many_listen(helpr, 0)
