"""Group commit: many callers, few commits, and everybody gets the answer that is theirs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from infrastructure.database.connections import connect
from infrastructure.event_log.appending import AppendRequest, LogUnavailable, Outcome
from infrastructure.event_log.group_commit import GroupCommit
from infrastructure.keys.digests import new_id
from tests.conftest import Database
from tests.event_log.cutting import wire_to
from tests.event_log.waiting import eventually
from tests.event_log.writing import request, row

pytestmark = pytest.mark.requirement("R-OPS-2")


@asynccontextmanager
async def committing(dsn: str, **how: Any) -> AsyncIterator[GroupCommit]:
    log = GroupCommit(lambda: connect(dsn), **how)
    log.start()
    try:
        yield log
    finally:
        await log.stop()


@pytest.fixture(params=[1, 250], ids=["over two connections", "over one"])
async def log(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[GroupCommit]:
    async with committing(database.runtime, crowd=request.param) as made:
        yield made


async def count(owner: Any) -> int:
    found: int = await owner.fetchval("select count(*) from log.events")
    return found


async def test_what_is_asked_at_the_same_time_shares_a_commit(log: GroupCommit, owner: Any) -> None:
    asked = [request(row(new_id(), 1)) for _ in range(200)]
    outcomes = await asyncio.gather(*[log.append(each) for each in asked])
    assert sorted(outcome.position for outcome in outcomes) == list(range(1, 201))
    assert [outcome.made for outcome in outcomes] == [each.made for each in asked]
    assert log.batches < 10
    assert await owner.fetchval("select count(distinct xmin::text) from log.events") == log.batches


async def test_a_batch_has_a_size(database: Database) -> None:
    async with committing(database.runtime, most_facts=10) as log:
        await asyncio.gather(*[log.append(request(row(new_id(), 1))) for _ in range(100)])
        assert log.batches >= 10


async def test_where_many_wait_two_connections_take_turns_and_no_stream_is_on_both(
    database: Database, owner: Any
) -> None:
    query = "select count(*) from pg_stat_activity where usename = 'helpr' and datname = current_database()"
    async with committing(database.runtime, crowd=20, most_facts=20) as log:
        await asyncio.gather(*[log.append(request(row(new_id(), 1))) for _ in range(10)])
        assert await owner.fetchval(query) == 1
        streams = [new_id() for _ in range(40)]
        asked = [log.append(request(row(stream, version))) for version in range(1, 21) for stream in streams]
        outcomes = await asyncio.gather(*asked)
        assert await owner.fetchval(query) == 2
    assert {outcome.what for outcome in outcomes} == {"done"}
    assert await owner.fetchval("select array_agg(position order by position) from log.events") == list(range(1, 811))


async def test_requests_for_one_stream_keep_their_order(log: GroupCommit) -> None:
    stream = new_id()
    asked = [log.append(request(row(stream, version))) for version in range(1, 21)]
    assert [outcome.what for outcome in await asyncio.gather(*asked)] == ["done"] * 20


async def test_the_same_command_twice_at_once_has_one_effect(log: GroupCommit, owner: Any) -> None:
    asked = request(row(new_id(), 1))
    first, second = await asyncio.gather(log.append(asked), log.append(asked))
    assert (first.what, second.what, first.position) == ("done", "repeated", second.position)
    assert await count(owner) == 1


def with_nul(asked: AppendRequest) -> AppendRequest:
    return replace(asked, facts=(replace(asked.facts[0], name="na\0me"),))


def with_half_a_character(asked: AppendRequest) -> AppendRequest:
    return replace(asked, facts=(replace(asked.facts[0], name="\ud800"),))


def with_a_version_past_all_bounds(asked: AppendRequest) -> AppendRequest:
    return replace(asked, facts=(replace(asked.facts[0], version=2**40),))


def by_nobody(asked: AppendRequest) -> AppendRequest:
    return replace(asked, actor=None)


@pytest.mark.parametrize("spoilt", [with_nul, with_half_a_character, with_a_version_past_all_bounds, by_nobody])
async def test_one_bad_request_takes_nobody_down(
    spoilt: Callable[[AppendRequest], AppendRequest], log: GroupCommit, owner: Any
) -> None:
    good = [log.append(request(row(new_id(), 1))) for _ in range(10)]
    bad = log.append(spoilt(request(row(new_id(), 1))))
    *outcomes, refused = await asyncio.gather(*good[:5], *good[5:], bad, return_exceptions=True)
    assert [outcome.what for outcome in outcomes if isinstance(outcome, Outcome)] == ["done"] * 10
    assert isinstance(refused, (asyncpg.DataError, AttributeError, UnicodeError))
    assert await count(owner) == 10
    assert (await log.append(request(row(new_id(), 1)))).position == 11


async def test_callers_are_told_when_the_log_stays_away() -> None:
    async def nobody_there() -> Any:
        raise ConnectionRefusedError

    log = GroupCommit(nobody_there, patience=0.2)
    log.start()
    async with asyncio.timeout(20):
        with pytest.raises(LogUnavailable):
            await log.append(request(row(new_id(), 1)))
    await log.stop()


async def test_callers_are_told_at_once_when_too_many_wait_already() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    log = GroupCommit(never, most_waiting=2, patience=30)
    log.start()
    waiting = [asyncio.create_task(log.append(request(row(new_id(), 1)))) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        with pytest.raises(LogUnavailable):
            await log.append(request(row(new_id(), 1)))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await log.stop()


async def test_a_database_that_does_not_let_us_in_is_an_absence_and_not_the_callers_fault(database: Database) -> None:
    async with committing(database.runtime.replace("/helpr_", "/nowhere_"), patience=0.5) as log:
        with pytest.raises(LogUnavailable):
            await log.append(request(row(new_id(), 1)))


async def test_it_heals_after_the_server_has_ended_its_connection(log: GroupCommit, owner: Any) -> None:
    await log.append(request(row(new_id(), 1)))
    ended = await owner.fetchval(
        """select count(pg_terminate_backend(pid)) from pg_stat_activity
        where usename = 'helpr' and datname = current_database()"""
    )
    assert ended == 1
    outcomes = await asyncio.gather(*[log.append(request(row(new_id(), 1))) for _ in range(10)])
    assert sorted(outcome.position for outcome in outcomes) == list(range(2, 12))


async def test_a_driver_that_has_lost_count_of_its_connection_gets_a_new_one(database: Database) -> None:
    """What asyncpg says now and then when the server ends a connection between two questions."""
    opened: list[Any] = []

    async def confused_at_first() -> Any:
        connection = await connect(database.runtime)
        opened.append(connection)
        return connection if len(opened) > 1 else Confused(connection)

    log = GroupCommit(confused_at_first)
    log.start()
    assert (await log.append(request(row(new_id(), 1)))).what == "done"
    assert len(opened) == 2
    await log.stop()


class Confused:
    def __init__(self, connection: Any) -> None:
        self.terminate = connection.terminate

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        raise asyncpg.InternalClientError("another operation is in progress")


async def test_it_waits_out_a_cut_wire(database: Database) -> None:
    async with wire_to(database.runtime) as wire, committing(wire.dsn, patience=30) as log:
        await log.append(request(row(new_id(), 1)))
        wire.cut()
        waiting = asyncio.create_task(log.append(request(row(new_id(), 1))))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        wire.mend()
        assert (await waiting).what == "done"


async def test_a_commit_whose_answer_was_lost_is_answered_as_if_nothing_had_happened(
    database: Database, owner: Any
) -> None:
    async with wire_to(database.runtime) as wire, committing(wire.dsn) as log:
        await log.append(request(row(new_id(), 1)))
        asked = request(row(new_id(), 1), row(new_id(), 1))
        wire.swallow_the_next_answer()
        outcome = await log.append(asked)
        assert wire.cuts == 1
        assert outcome == Outcome("repeated", asked.made, 3, 1)
        assert await count(owner) == 3


async def test_a_command_whose_answer_was_lost_with_its_process_gets_the_same_answer_from_another(
    database: Database, owner: Any
) -> None:
    asked = request(row(new_id(), 1))
    async with wire_to(database.runtime) as wire:
        connection = await connect(wire.dsn)
        dying = GroupCommit(lambda: asyncio.sleep(0, connection), patience=1)
        dying.start()
        await dying.append(request(row(new_id(), 1)))
        wire.swallow_the_next_answer()
        with pytest.raises(LogUnavailable):
            await dying.append(asked)
        await dying.stop()
    assert await count(owner) == 2
    async with committing(database.runtime) as other:
        assert await other.append(asked) == Outcome("repeated", asked.made, 2, 1)
    assert await count(owner) == 2


async def test_stopping_finishes_what_waits_and_takes_nothing_new(database: Database, owner: Any) -> None:
    log = GroupCommit(lambda: connect(database.runtime), patience=30)
    log.start()
    waiting = [asyncio.create_task(log.append(request(row(new_id(), 1)))) for _ in range(700)]
    await asyncio.sleep(0)
    await log.stop()
    assert {outcome.what for outcome in await asyncio.gather(*waiting)} == {"done"}
    async with asyncio.timeout(20):
        with pytest.raises(LogUnavailable):
            await log.append(request(row(new_id(), 1)))
    assert await count(owner) == 700


async def test_callers_who_give_up_hold_nobody_up(log: GroupCommit, owner: Any) -> None:
    asked = [request(row(new_id(), 1)) for _ in range(300)]
    tasks = [asyncio.create_task(log.append(each)) for each in asked]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
    assert all(isinstance(outcome, Outcome) and outcome.what == "done" for outcome in outcomes[1::2])
    await eventually(lambda: not log._pending)
    positions = [position for (position,) in await owner.fetch("select position from log.events order by position")]
    assert positions == list(range(1, len(positions) + 1))
    again = await asyncio.gather(*[log.append(each) for each in asked])
    assert {outcome.what for outcome in again[1::2]} == {"repeated"}
    assert {outcome.what for outcome in again[::2]} <= {"repeated", "done"}
    assert await count(owner) == 300
