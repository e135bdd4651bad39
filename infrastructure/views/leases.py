"""Who folds what: a worker holds the shards of a view by session advisory locks, and takes no more than its share."""

import zlib
from collections.abc import Iterable

from infrastructure.views.generations import SHARDS, Generation
from projections.view import Database, View

PRESENT = 7305509
"""The first key of the lock that says: here is a worker that knows this version of a view."""
LEASE = 10.0
"""Seconds after which PostgreSQL takes from a worker that says nothing what it holds: it is paused, or its machine is
gone. Whatever it was in the middle of is undone."""


class Leases:
    """Locks die with their connection, so what a dead worker held is free at once, and what one held that says nothing
    any more when its lease is over: every second a worker says something over both of its connections."""

    def __init__(self, db: Database, views: Iterable[View]) -> None:
        self._db = db
        self._held: dict[Generation, set[int]] = {}
        self._presence = {view.NAME: _number(f"{view.NAME} {view.VERSION}") for view in views}
        for number in self._presence.values():
            self._db.execute("select pg_advisory_lock_shared(%s, %s)", (PRESENT, number))

    def balance(self, generations: Iterable[Generation]) -> dict[Generation, set[int]]:
        """Takes what is free and due to this worker, gives back what is too much; what it holds now."""
        wanted, workers = set(generations), self._workers()
        for generation in set(self._held) - wanted:
            self._release(generation, self._held.pop(generation))
        for generation in wanted:
            share = -(-SHARDS // workers.get(self._presence[generation.view], 1))
            held = self._held.setdefault(generation, set())
            if len(held) > share:
                surplus = set(sorted(held)[share:])
                held -= surplus
                self._release(generation, surplus)
            for shard in range(SHARDS):
                if len(held) < share and shard not in held and self._take(generation, shard):
                    held.add(shard)
        return {generation: set(shards) for generation, shards in self._held.items()}

    def _workers(self) -> dict[int, int]:
        """How many workers know each version of each view: one of yesterday's version takes no share of today's."""
        query = """select objid::bigint, count(*) from pg_locks where locktype = 'advisory' and classid = %s and granted
            and database = (select oid from pg_database where datname = current_database()) group by 1"""
        return dict(self._db.execute(query, (PRESENT,)).fetchall())

    def _take(self, generation: Generation, shard: int) -> bool:
        row = self._db.execute("select pg_try_advisory_lock(%s, %s)", (_number(generation.schema), shard)).fetchone()
        return bool(row and row[0])

    def _release(self, generation: Generation, shards: Iterable[int]) -> None:
        for shard in shards:
            self._db.execute("select pg_advisory_unlock(%s, %s)", (_number(generation.schema), shard))


def _number(name: str) -> int:
    """A number of 31 bits for a name."""
    return zlib.crc32(name.encode()) >> 1
