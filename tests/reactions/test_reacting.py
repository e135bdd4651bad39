"""What follows from facts is done, however often it fails at first and whoever has begun it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from application.ports import Asked
from domain.conversations.events import ConversationResolved, MessagesRead
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect, connect_pool
from infrastructure.event_log.reading import LogReader, Page
from infrastructure.keys.digests import new_id
from infrastructure.reactions import reacting
from infrastructure.reactions.reacting import Reaction, Reactor
from tests.conftest import Database
from tests.event_log.waiting import eventually
from tests.event_log.writing import append, request, row

pytestmark = pytest.mark.requirement("R-PRI-2")


class World:
    """A log, and somebody who reacts to resolved conversations."""

    def __init__(self, pool: Any, log: Any) -> None:
        self.pool, self.log = pool, log
        self.done: list[Asked] = []
        self.refusals: list[Exception] = []

    async def react(self, recorded: Recorded[Any], asked: Asked) -> None:
        if self.refusals:
            raise self.refusals.pop()
        self.done.append(asked)

    async def happens(self, *facts: Any) -> None:
        await append(self.log, request(*(row(new_id(), 1, fact) for fact in facts)))

    async def position(self) -> int:
        return await self.pool.fetchval("select position from log.reactions where name = 'test'") or 0

    @asynccontextmanager
    async def reacting(self) -> AsyncIterator[Reactor]:
        reaction = Reaction("test", (ConversationResolved,), self.react)
        reactor = Reactor(LogReader(self.pool), self.pool, [reaction])
        running = asyncio.create_task(reactor.run())
        yield reactor
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(reacting, "POLL", 0.02)
    monkeypatch.setattr(reacting, "SAVED", 0.05)
    pool, log = await connect_pool(database.runtime), await connect(database.runtime)
    yield World(pool, log)
    await log.close()
    await pool.close()


READ = MessagesRead(reader="agent", up_to=1)  # type: ignore[arg-type]


async def test_what_a_reaction_listens_to_is_passed_on_in_time_and_the_rest_is_not(world: World) -> None:
    await world.happens(ConversationResolved(), READ)
    async with world.reacting():
        await eventually(lambda: len(world.done) == 1)
        await world.happens(READ, ConversationResolved())
        await eventually(lambda: len(world.done) == 2)
    assert all(asked.causation for asked in world.done)


async def test_it_goes_on_behind_what_was_done_when_it_starts_again(world: World) -> None:
    await world.happens(ConversationResolved(), READ, READ)
    async with world.reacting():
        await eventually(lambda: _is(world.position(), 3))
    async with world.reacting():
        await world.happens(ConversationResolved())
        await eventually(lambda: len(world.done) == 2)


async def test_what_fails_is_tried_again_under_the_same_name_and_holds_up_nobody(world: World) -> None:
    """How far the reaction is stays behind what is not done."""
    world.refusals = [RuntimeError("not now")] * 2
    await world.happens(ConversationResolved(), ConversationResolved())
    async with world.reacting():
        await eventually(lambda: len(world.done) == 2)
        await eventually(lambda: _is(world.position(), 2))
    names = {asked.command for asked in world.done}
    assert len(names) == 2


async def test_what_was_done_but_not_noted_is_done_again_under_the_same_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reacting, "SAVED", 60)
    await world.happens(ConversationResolved())
    async with world.reacting():
        await eventually(lambda: len(world.done) == 1)
    async with world.reacting():
        await eventually(lambda: len(world.done) == 2)
    assert len({asked.command for asked in world.done}) == 1


async def test_a_long_log_is_worked_through(world: World) -> None:
    """More facts than are pending at a time, one after the other and all at once."""
    for _ in range(4):
        await world.happens(*[ConversationResolved()] * 40, *[READ] * 40)
    async with world.reacting():
        await eventually(lambda: len(world.done) == 160)
        await eventually(lambda: _is(world.position(), 320))
    assert len({asked.command for asked in world.done}) == 160


async def _is(found: Any, expected: int) -> bool:
    return bool(await found == expected)


async def test_one_that_is_far_behind_comes_nearer_stretch_by_stretch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it listens to is rare: no question looks through the whole log."""
    monkeypatch.setattr(reacting, "STRETCH", 10)
    await world.happens(ConversationResolved(), *[READ] * 95, ConversationResolved(), READ)
    asked: list[tuple[int, int | None]] = []

    class Watched(LogReader):
        async def page(self, position: int, **how: Any) -> Page:
            asked.append((position, how["until"]))
            return await super().page(position, **how)

    reactor = Reactor(Watched(world.pool), world.pool, [Reaction("test", (ConversationResolved,), world.react)])
    running = asyncio.create_task(reactor.run())
    await eventually(lambda: len(world.done) == 2)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert asked[:10] == [(start, min(start + 10, 98)) for start in range(0, 100, 10)]


@pytest.mark.parametrize("spoilt", [{"name": "conversations.ConversationResolved", "data": b"\xc1"}])
async def test_a_fact_that_cannot_be_read_keeps_nothing_else_from_being_done(
    world: World, spoilt: dict[str, Any]
) -> None:
    good, bad = row(new_id(), 1, ConversationResolved()), replace(row(new_id(), 1), **spoilt)
    await append(world.log, request(good), request(bad), request(row(new_id(), 1, ConversationResolved())))
    with capture_logs() as said:
        async with world.reacting():
            await eventually(lambda: len(world.done) == 2)
            await world.happens(ConversationResolved())
            await eventually(lambda: len(world.done) == 3)
    loud = [line for line in said if line["log_level"] == "critical"]
    assert [(line["reaction"], line["position"], line["error"]) for line in loud] == [("test", 2, "BrokenFact")]


async def test_a_log_that_is_away_is_said(world: World) -> None:
    class Away(LogReader):
        async def head(self) -> int:
            raise ConnectionRefusedError

    reactor = Reactor(Away(world.pool), world.pool, [Reaction("test", (ConversationResolved,), world.react)])
    with capture_logs() as said:
        running = asyncio.create_task(reactor.run())
        await eventually(lambda: [line for line in said if line["event"] == "a reaction waits"])
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
