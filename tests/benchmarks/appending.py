"""Three ways of appending events, each for some seconds: how many a second, and how long callers waited."""

import os
import statistics
import threading
import time
from asyncio import TaskGroup
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, StoredEvent

from domain.shared.recorded import Actor, ActorKind
from infrastructure.database.connections import connect
from infrastructure.event_log.appending import AppendRequest, FactRow
from infrastructure.event_log.group_commit import GroupCommit
from infrastructure.keys.digests import new_id

BATCH = 200
NAME, KIND, DATA = "bench.Happened", "bench", os.urandom(300)
TENANT = UUID(int=1)
ACTOR = Actor(ActorKind.SYSTEM, TENANT)
TABLE = """create table if not exists floor (
    position bigint primary key, stream_id uuid not null, version int not null, name text not null, data bytea not null,
    unique (stream_id, version))"""
INSERT = "insert into floor select * from unnest($1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::bytea[])"


class Pace(msgspec.Struct, frozen=True):
    """Events a second; milliseconds that half and 99 of 100 callers waited at most; events that shared a commit."""

    rate: float
    half: float
    most: float
    shared: float = 1


async def ours(dsn: str, callers: int, seconds: float) -> Pace:
    """Group commit: callers are tasks, each asks when it has its answer."""
    log = GroupCommit(partial(connect, dsn), patience=60)
    log.start()
    waits: list[float] = []
    began = time.perf_counter()

    async def call() -> None:
        stream, version = new_id(), 0
        while (asked := time.perf_counter()) < began + seconds:
            version += 1
            await log.append(_request(stream, version))
            waits.append(time.perf_counter() - asked)

    async with TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call())
    took = time.perf_counter() - began
    await log.stop()
    return _pace(waits, took, shared=len(waits) / log.batches)


def theirs(recorder: ApplicationRecorder, callers: int, seconds: float) -> Pace:
    """The library's recorder: callers are threads."""
    waits: list[list[float]] = [[] for _ in range(callers)]
    ready = threading.Barrier(callers + 1)

    def call(mine: list[float]) -> None:
        stream, version = new_id(), 0
        ready.wait()
        until = time.perf_counter() + seconds
        while (asked := time.perf_counter()) < until:
            version += 1
            recorder.insert_events([StoredEvent(stream, version, NAME, DATA)])
            mine.append(time.perf_counter() - asked)

    threads = [threading.Thread(target=call, args=(mine,)) for mine in waits]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return _pace([wait for mine in waits for wait in mine], time.perf_counter() - began)


async def floor(dsn: str, seconds: float) -> float:
    """Rows a second over one connection, 200 in a statement, a commit each: no conflicts, no envelope, no callers."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    position = await connection.fetchval("select coalesce(max(position), 0) from floor")
    first, began = position, time.perf_counter()
    while time.perf_counter() < began + seconds:
        numbers = range(position + 1, position + 1 + BATCH)
        await connection.execute(
            INSERT, numbers, [new_id() for _ in numbers], [1] * BATCH, [NAME] * BATCH, [DATA] * BATCH
        )
        position += BATCH
    took = time.perf_counter() - began
    await connection.close()
    return float(position - first) / took


@contextmanager
def recorder_of_the_library(owner_dsn: str) -> Iterator[ApplicationRecorder]:
    """Its PostgreSQL recorder as it comes: table lock, a wake-up an append, a pool of 5 and 10 more."""
    where = urlsplit(owner_dsn)
    factory = InfrastructureFactory.construct(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": where.path.removeprefix("/"),
            "POSTGRES_HOST": where.hostname or "",
            "POSTGRES_PORT": str(where.port),
            "POSTGRES_USER": where.username or "",
            "POSTGRES_PASSWORD": where.password or "",
        }
    )
    yield factory.application_recorder()
    factory.close()


def _request(stream: UUID, version: int) -> AppendRequest:
    """A command with one event, as the event store makes it."""
    event_id, command = new_id(), new_id()
    return AppendRequest(
        tenant=TENANT,
        command=command,
        fingerprint=command.bytes,
        made=None,
        end=version,
        actor=ACTOR,
        correlation=command,
        causation=None,
        facts=(FactRow(KIND, stream, version, event_id, NAME, DATA),),
    )


def _pace(waits: list[float], took: float, *, shared: float = 1) -> Pace:
    waits = sorted(wait * 1000 for wait in waits)
    return Pace(len(waits) / took, statistics.median(waits), waits[int(len(waits) * 0.99)], shared)
