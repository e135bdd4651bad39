"""log.append: batches of requests, each of which happens as a whole, once, or not at all."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from infrastructure.event_log.appending import Outcome, columns
from infrastructure.keys.digests import new_id
from tests.event_log.writing import ACME, ALICE, OTHER, append, request, row

pytestmark = pytest.mark.requirement("R-OPS-2")


async def stored(owner: Any) -> list[tuple[int, UUID, int]]:
    """Position, stream and version of everything in the log."""
    rows = await owner.fetch("select position, stream_id, version from log.events order by position")
    return [tuple(found) for found in rows]


async def test_facts_get_positions_without_gaps_in_the_order_of_the_batch(app: Any, owner: Any) -> None:
    one, two, three = new_id(), new_id(), new_id()
    batch = [request(row(one, 1), row(one, 2)), request(row(two, 1)), request(row(three, 1), row(three, 2))]
    assert [outcome.position for outcome in await append(app, *batch)] == [2, 3, 5]
    assert await append(app, request(row(one, 3))) == [Outcome("done", one, 6, 3)]
    assert await stored(owner) == [(1, one, 1), (2, one, 2), (3, two, 1), (4, three, 1), (5, three, 2), (6, one, 3)]


@pytest.mark.requirement("R-PRI-1")
async def test_the_envelope_says_who_did_it_when_and_because_of_what(app: Any, owner: Any) -> None:
    fact = row(new_id(), 1)
    asked = request(fact)
    await append(app, asked)
    found = dict(await owner.fetchrow("select * from log.events"))
    assert found.pop("recorded_at") is not None
    assert found == {
        "position": 1,
        "tenant_id": ACME,
        "stream_kind": "conversation",
        "stream_id": fact.stream,
        "version": 1,
        "event_id": fact.event_id,
        "name": "conversations.MessagesRead",
        "schema_version": 1,
        "actor_kind": "agent",
        "actor_id": ALICE.id,
        "correlation_id": asked.command,
        "causation_id": None,
        "command_id": asked.command,
        "metadata": None,
        "data": fact.data,
        "hash": columns([asked])[-1][0],
    }


async def test_a_command_that_comes_again_gets_its_first_answer_and_does_nothing(app: Any, owner: Any) -> None:
    stream = new_id()
    asked = request(row(stream, 1), row(stream, 2))
    await append(app, asked)
    await append(app, request(row(stream, 3)))
    assert await append(app, asked) == [Outcome("repeated", stream, 2, 2)]
    again = request(row(stream, 1), command=asked.command)
    assert await append(app, again) == [Outcome("repeated", stream, 2, 2)]
    assert len(await stored(owner)) == 3


async def test_a_command_that_asks_for_something_else_is_told_that_its_name_is_taken(app: Any, owner: Any) -> None:
    asked = request(row(new_id(), 1))
    await append(app, asked)
    other, fresh = request(row(new_id(), 1), command=asked.command, fingerprint=b"?"), request(row(new_id(), 1))
    assert [outcome.what for outcome in await append(app, other, fresh)] == ["reused", "done"]
    assert [position for position, _, _ in await stored(owner)] == [1, 2]


async def test_two_organisations_may_use_the_same_command_id_in_one_batch(app: Any, owner: Any) -> None:
    command, ours, theirs = new_id(), new_id(), new_id()
    batch = [
        request(row(ours, 1), row(ours, 2), command=command),
        request(row(theirs, 1, tenant=OTHER), tenant=OTHER, command=command),
    ]
    assert await append(app, *batch) == [Outcome("done", ours, 2, 2), Outcome("done", theirs, 3, 1)]
    assert await append(app, *batch) == [Outcome("repeated", ours, 2, 2), Outcome("repeated", theirs, 3, 1)]


async def test_two_organisations_may_use_the_same_stream_id(app: Any, owner: Any) -> None:
    stream = new_id()
    await append(app, request(row(stream, 1)))
    other = request(row(stream, 1, tenant=OTHER), tenant=OTHER)
    assert [outcome.what for outcome in await append(app, other)] == ["done"]


async def test_a_conflict_leaves_no_trace_and_disturbs_nobody(app: Any, owner: Any) -> None:
    moved_on, fresh, also_fresh = new_id(), new_id(), new_id()
    await append(app, request(row(moved_on, 1)))
    late = request(row(moved_on, 1))
    batch = [request(row(fresh, 1)), late, request(row(also_fresh, 1))]
    assert await append(app, *batch) == [
        Outcome("done", fresh, 2, 1),
        Outcome("conflict", None, 0, 0),
        Outcome("done", also_fresh, 3, 1),
    ]
    assert [position for position, _, _ in await stored(owner)] == [1, 2, 3]
    assert await owner.fetchval("select count(*) from log.commands where command_id = $1", late.command) == 0
    decided_again = request(row(moved_on, 2), command=late.command)
    assert await append(app, decided_again) == [Outcome("done", moved_on, 4, 2)]


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 1), (2, 1), (1, 2, 2), (0, 2), (-1, 0)])
async def test_a_request_that_would_leave_a_hole_in_a_stream_is_a_conflict(
    versions: tuple[int, ...], app: Any, owner: Any
) -> None:
    stream = new_id()
    facts = [replace(row(stream, 1), version=version) for version in versions]
    (outcome,) = await append(app, request(*facts))
    assert outcome.what == "conflict"
    assert await stored(owner) == []


async def test_several_streams_move_together_or_not_at_all(app: Any, owner: Any) -> None:
    one, two = new_id(), new_id()
    assert await append(app, request(row(one, 1), row(two, 1), row(one, 2))) == [Outcome("done", one, 3, 2)]
    (outcome,) = await append(app, request(row(one, 3), row(two, 1)))
    assert outcome.what == "conflict"
    assert await stored(owner) == [(1, one, 1), (2, two, 1), (3, one, 2)]


async def test_streams_of_different_kinds_may_share_an_id(app: Any, owner: Any) -> None:
    stream = new_id()
    asked = request(row(stream, 1), row(stream, 1, kind="visitor"))
    assert [outcome.what for outcome in await append(app, asked)] == ["done"]
    later = request(row(stream, 2, kind="visitor"))
    assert [outcome.what for outcome in await append(app, later)] == ["done"]


async def test_a_command_that_had_nothing_to_say_is_remembered_too(app: Any, owner: Any) -> None:
    await append(app, request(row(new_id(), 1)))
    silent = request()
    assert await append(app, silent) == [Outcome("done", None, 1, 0)]
    assert await append(app, silent) == [Outcome("repeated", None, 1, 0)]
    assert len(await stored(owner)) == 1


async def test_an_empty_batch_has_no_outcomes(app: Any) -> None:
    assert await append(app) == []


async def test_a_bad_fact_takes_its_whole_batch_down_and_leaves_no_gap(app: Any, owner: Any) -> None:
    good = row(new_id(), 1)
    bad = row(new_id(), 1, kind="conver\0sation")
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await append(app, request(good), request(bad))
    assert await stored(owner) == []
    assert await append(app, request(good)) == [Outcome("done", good.stream, 1, 1)]


async def test_what_was_rolled_back_leaves_no_gap(app: Any, owner: Any) -> None:
    rolled_back = app.transaction()
    await rolled_back.start()
    await append(app, request(row(new_id(), 1)))
    await rolled_back.rollback()
    (outcome,) = await append(app, request(row(new_id(), 1)))
    assert outcome.position == 1


async def test_time_in_the_log_never_runs_backwards(app: Any, owner: Any) -> None:
    await append(app, request(row(new_id(), 1)))
    await owner.execute(
        """insert into log.events
        select 2, tenant_id, stream_kind, stream_id, 2, event_id, name, 1, now() + interval '1 hour',
            actor_kind, actor_id, correlation_id, null, command_id, null, data, hash
        from log.events"""
    )
    await append(app, request(row(new_id(), 1)))
    times = [at for (at,) in await owner.fetch("select recorded_at from log.events order by position")]
    assert times == sorted(times)
