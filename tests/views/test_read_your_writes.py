"""Who has written waits until the view has it; nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from infrastructure.database.connections import connect_pool
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import shard_of
from infrastructure.views.generations import create
from infrastructure.views.positions import Positions
from infrastructure.views.reads import PositionIsAhead, ViewIsBehind, ViewReads
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started
from tests.views import tally
from tests.views.conftest import Connection, Tallied
from tests.views.log import Log

pytestmark = pytest.mark.requirement("R-CON-1")

ACME, OTHER = UUID(int=1), UUID(int=2)


class Looked:
    """A pool that counts how often it is asked, and may be away."""

    def __init__(self, pool: Any) -> None:
        self._pool, self.times, self.is_away = pool, 0, False

    async def fetch(self, query: str) -> Any:
        self.times += 1
        if self.is_away:
            raise OSError
        return await self._pool.fetch(query)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Any]:
    opened = await connect_pool(database.runtime, size=2)
    yield opened
    await opened.close()


async def test_what_workers_tell_counts_for_their_shards_and_never_goes_back(pool: Any) -> None:
    positions = Positions(pool)
    positions.told(f"inbox 7 {1 << shard_of(ACME):x}")
    assert (positions.of("inbox", ACME), positions.of("inbox", OTHER), positions.of("thread", ACME)) == (7, 0, 0)
    positions.told("inbox 5 ffff")
    assert (positions.of("inbox", ACME), positions.of("inbox", OTHER)) == (7, 5)


async def test_whoever_waits_goes_on_when_the_worker_tells(pool: Any) -> None:
    positions = Positions(pool)
    waiting = asyncio.create_task(positions.reached("inbox", ACME, 7, within=10))
    await asyncio.sleep(0)
    positions.told("inbox 6 ffff")
    await asyncio.sleep(0)
    assert not waiting.done()
    positions.told("inbox 7 ffff")
    assert await waiting


async def test_a_lost_wake_up_only_delays(tallied: Tallied, log: Log, pool: Any) -> None:
    positions = Positions(pool)
    end = log.write(ACME, in_conversation(one, started()))
    waiting = asyncio.create_task(positions.reached("tally", ACME, end, within=10))
    await asyncio.sleep(0)
    await asyncio.to_thread(tallied.fold)
    assert await waiting


async def test_a_gap_in_what_was_heard_is_closed_by_looking(tallied: Tallied, log: Log, pool: Any) -> None:
    moved: list[str] = []
    positions = Positions(pool, moved.append)
    end = log.write(ACME, in_conversation(one, started()))
    tallied.fold()
    positions.told("")
    assert await positions.reached("tally", ACME, end, within=10)
    assert "tally" in moved


async def test_each_shard_is_known_by_itself_and_a_view_that_is_being_rebuilt_is_not_looked_at(
    tallied: Tallied, log: Log, owner: Connection, pool: Any
) -> None:
    end = log.write(ACME, in_conversation(one, started()))
    tallied.folding.step(LogPages(tallied.work).between(0, end), [shard_of(ACME)], 0, end)
    with owner.transaction():
        create(owner, tally, state="filling")
        owner.execute("update views.checkpoints set position = 99 where view = 'tally' and generation = 2")
    positions = Positions(pool)
    await positions.look()
    assert (positions.of("tally", ACME), positions.of("tally", OTHER)) == (end, 0)


async def test_nobody_waits_longer_than_they_are_willing_to(log: Log, pool: Any) -> None:
    end = log.write(ACME, in_conversation(one, started()))
    assert not await Positions(pool).reached("inbox", ACME, end, within=0.01)
    reads = ViewReads(pool, Positions(pool))
    with pytest.raises(ViewIsBehind):
        async with reads(ACME, "inbox", at_least=end):
            pass
    async with reads(ACME, "inbox") as db:
        assert await db.fetch("select * from read.inbox") == []


async def test_nobody_waits_for_what_has_not_happened(log: Log, pool: Any) -> None:
    end = log.write(ACME, in_conversation(one, started()))
    positions = Positions(pool)
    positions.told(f"inbox {end} ffff")
    reads = ViewReads(pool, positions)
    with pytest.raises(PositionIsAhead):
        async with reads(ACME, "inbox", at_least=end + 1):
            pass
    async with reads(ACME, "inbox", at_least=end):
        pass


async def test_many_who_wait_look_once(pool: Any) -> None:
    looked = Looked(pool)
    positions = Positions(looked)
    assert not any(await asyncio.gather(*(positions.reached("inbox", ACME, 7, within=0.4) for _ in range(200))))
    assert 1 <= looked.times <= 3


async def test_what_is_known_stays_while_the_database_is_away(pool: Any) -> None:
    looked = Looked(pool)
    positions = Positions(looked)
    positions.told("inbox 7 ffff")
    looked.is_away = True
    await positions.look()
    assert (positions.of("inbox", ACME), looked.times) == (7, 1)


async def test_what_was_told_by_a_server_that_is_lost_is_looked_up_anew(pool: Any) -> None:
    """A view's steps need not be on the disk when they are told: a crash takes the last ones back."""
    positions = Positions(pool)
    positions.told("inbox 7 ffff")
    positions.forget()
    assert not await positions.reached("inbox", ACME, 7, within=0.3)


async def test_what_was_read_before_a_crash_does_not_count_after_it() -> None:
    class Crashes:
        async def fetch(self, query: str) -> list[tuple[str, int, int]]:
            positions.forget()
            return [("inbox", shard_of(ACME), 7)]

    positions = Positions(Crashes())
    await positions.look()
    assert positions.of("inbox", ACME) == 0


async def test_readers_see_their_own_organisation_when_they_have_waited(tallied: Tallied, log: Log, pool: Any) -> None:
    positions = Positions(pool)
    reads = ViewReads(pool, positions)
    log.write(OTHER, in_conversation(one, started()))
    end = log.write(ACME, in_conversation(one, started()))
    tallied.fold()
    async with reads(ACME, "tally", at_least=end) as db:
        assert [row["tenant_id"] for row in await db.fetch("select * from read.tally")] == [ACME]
    assert reads.position(ACME, "tally") == end
