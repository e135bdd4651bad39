"""One writer at a time: what the lock of log.append promises, and what it costs."""

import asyncio
from typing import Any

import asyncpg
import pytest

from infrastructure.database.connections import connect
from infrastructure.keys.digests import new_id
from tests.conftest import Database
from tests.event_log.waiting import eventually
from tests.event_log.writing import append, request, row

pytestmark = pytest.mark.requirement("R-OPS-2")
WAITS = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


async def test_who_waited_for_the_lock_sees_what_was_committed_meanwhile(
    database: Database, app: Any, owner: Any
) -> None:
    stream = new_id()
    first = await connect(database.runtime)
    transaction = first.transaction()
    await transaction.start()
    await append(first, request(row(stream, 1)))
    waiting = asyncio.create_task(append(app, request(row(stream, 1)), request(row(new_id(), 1))))
    await eventually(lambda: owner.fetchval(WAITS))
    await transaction.commit()
    loser, other = await waiting
    assert (loser.what, other.what, other.position) == ("conflict", "done", 2)
    await first.close()


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_a_transaction_whose_snapshot_is_older_than_the_lock_is_refused(isolation: str, app: Any) -> None:
    with pytest.raises(asyncpg.InvalidTransactionStateError, match="read committed only"):
        async with app.transaction(isolation=isolation):
            await append(app, request(row(new_id(), 1)))
    (outcome,) = await append(app, request(row(new_id(), 1)))
    assert outcome.position == 1


async def test_a_batch_wakes_its_readers_once_and_says_how_far_the_log_is(app: Any, owner: Any) -> None:
    told: list[str] = []
    await owner.add_listener("helpr_log", lambda connection, process, channel, payload: told.append(payload))
    stream = new_id()
    await append(app, request(row(stream, 1)), request(row(new_id(), 1), row(new_id(), 1)))
    await append(app, request(row(stream, 1)))  # nothing but a conflict
    await append(app, request())  # nothing to say
    await append(app, request(row(stream, 2)), request(row(stream, 9, kind="visitor")))
    await eventually(lambda: len(told) == 2)
    assert told == ["3", "4"]


async def test_appending_never_scans_the_log(app: Any, owner: Any) -> None:
    """Also with a plan that was made while the tables were empty, and statistics that say so."""
    await owner.execute("analyze log.events; analyze log.commands")
    streams = [new_id() for _ in range(50)]
    for version in range(1, 21):
        await append(app, *[request(row(stream, version), row(new_id(), 1)) for stream in streams])
    await app.execute("select pg_stat_force_next_flush()")
    tables = await owner.fetch(
        """select relname, seq_tup_read, idx_scan from pg_stat_user_tables
        where schemaname = 'log' and relname in ('events', 'commands')"""
    )
    assert {name: read for name, read, _ in tables} == {"events": 0, "commands": 0}
    assert all(used >= 1000 for _, _, used in tables)
    assert await owner.fetchval("select count(*) from log.events") == 2000
