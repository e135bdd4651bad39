"""Who folds what: a worker holds the shards of a view by session advisory locks, and takes no more than its share."""

import zlib
from collections.abc import Iterable

from infrastructure.views.generations import SHARDS, Generation
from projections.view import Database

PRESENT = 7305509
"""The first key of the lock that says: here is a worker."""


class Leases:
    """Locks die with their connection, so what a dead worker held is free at once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._held: dict[Generation, set[int]] = {}
        self._db.execute("select pg_advisory_lock_shared(%s, 0)", (PRESENT,))

    def balance(self, generations: Iterable[Generation]) -> dict[Generation, set[int]]:
        """Takes what is free and due to this worker, gives back what is too much; what it holds now."""
        share = -(-SHARDS // self._workers())
        wanted = set(generations)
        for generation in set(self._held) - wanted:
            self._release(generation, self._held.pop(generation))
        for generation in wanted:
            held = self._held.setdefault(generation, set())
            if len(held) > share:
                surplus = set(sorted(held)[share:])
                held -= surplus
                self._release(generation, surplus)
            for shard in range(SHARDS):
                if len(held) < share and shard not in held and self._take(generation, shard):
                    held.add(shard)
        return self._held

    def _workers(self) -> int:
        query = """select count(*) from pg_locks where locktype = 'advisory' and classid = %s and granted
            and database = (select oid from pg_database where datname = current_database())"""
        row = self._db.execute(query, (PRESENT,)).fetchone()
        return max(1, row[0] if row else 1)

    def _take(self, generation: Generation, shard: int) -> bool:
        row = self._db.execute("select pg_try_advisory_lock(%s, %s)", (_key(generation), shard)).fetchone()
        return bool(row and row[0])

    def _release(self, generation: Generation, shards: Iterable[int]) -> None:
        for shard in shards:
            self._db.execute("select pg_advisory_unlock(%s, %s)", (_key(generation), shard))


def _key(generation: Generation) -> int:
    """A number of 31 bits for a generation."""
    return zlib.crc32(generation.schema.encode()) >> 1
