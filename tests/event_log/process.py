"""What one process of the product has of the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from application.ports import Asked
from infrastructure.database.connections import connect, connect_pool
from infrastructure.event_log.event_store import LogEventStore
from infrastructure.event_log.following import LogFollower
from infrastructure.event_log.group_commit import GroupCommit
from infrastructure.event_log.memories import Memories
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import ScopeKeys
from tests.event_log.writing import ACME, ALICE


class Process(msgspec.Struct, frozen=True):
    events: LogEventStore
    log: GroupCommit
    reader: LogReader
    memories: Memories
    pool: Any
    follower: LogFollower
    """Not started, and nobody follows yet."""


@asynccontextmanager
async def process_on(dsn: str, keys: ScopeKeys) -> AsyncIterator[Process]:
    pool, memories = await connect_pool(dsn, size=4), Memories()
    reader = LogReader(pool)
    follower = LogFollower(reader, (), poll=3600)
    log = GroupCommit(lambda: connect(dsn), stored=follower.stored)
    log.start()
    try:
        yield Process(LogEventStore(log, reader, keys, memories), log, reader, memories, pool, follower)
    finally:
        await log.stop()
        await follower.stop()
        await pool.close()


def asked() -> Asked:
    """Alice asks for something, for the first time."""
    command = new_id()
    return Asked(tenant=ACME, actor=ALICE, command=command, fingerprint=b"!", correlation=command)
