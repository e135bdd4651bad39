"""One step of a view: a page of facts and the new checkpoint, in one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain.shared.recorded import Recorded
from infrastructure.views.generations import SHARDS, Generation
from projections.view import Database, View

Facts = Sequence[Recorded[Any]]
Stream = tuple[UUID, str, UUID]


class Fenced(Exception):
    """Somebody else moved the checkpoint: this worker's lease is gone, and what it did is rolled back."""


def shard_of(tenant: UUID) -> int:
    """The shard of a tenant: the last four bits of its id, which are random."""
    return tenant.bytes[15] % SHARDS


class Folding:
    """Folds one generation of a view for some of its shards, all standing at the same position."""

    def __init__(self, db: Database, view: View, generation: Generation) -> None:
        self._db, self._view, self.generation = db, view, generation
        self._listens = set(view.LISTENS)
        self._parked: set[Stream] = set()
        self.learn_parked()

    def learn_parked(self) -> None:
        """Looks again which streams are parked."""
        query = "select tenant_id, stream_kind, stream_id from views.parked where view = %s and generation = %s"
        self._parked = set(self._db.execute(query, (self.generation.view, self.generation.number)))

    def checkpoints(self) -> dict[int, int]:
        """The position of each shard."""
        query = "select shard, position from views.checkpoints where view = %s and generation = %s"
        return dict(self._db.execute(query, (self.generation.view, self.generation.number)).fetchall())

    def step(self, page: Facts, shards: Sequence[int], start: int, end: int, *, strict: bool = False) -> None:
        """Takes the shards from one position to the next. Raises Fenced; with ``strict`` whatever a fold raises,
        else the stream that cannot be folded is parked and the others go on."""
        mine = [r for r in page if start < r.position <= end and self._is_wanted(r, shards)]
        try:
            self._commit(mine, shards, start, end)
        except (Fenced, psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            if strict:
                raise
            self._halve(mine, shards, start, end, error)

    def _is_wanted(self, recorded: Recorded[Any], shards: Sequence[int]) -> bool:
        return type(recorded.fact) in self._listens and shard_of(recorded.tenant) in shards

    def _halve(self, facts: Facts, shards: Sequence[int], start: int, end: int, error: Exception) -> None:
        """Until the one fact is found that cannot be folded."""
        if len(facts) == 1:
            self._park(facts[0], error)
            self._commit([], shards, start, end)
            return
        middle = facts[len(facts) // 2 - 1].position
        self.step(facts, shards, start, middle)
        self.step(facts, shards, middle, end)

    def _commit(self, facts: Facts, shards: Sequence[int], start: int, end: int) -> None:
        with self._db.transaction():
            moved = self._db.execute(
                """update views.checkpoints set position = %s, moved_at = now()
                where view = %s and generation = %s and shard = any(%s) and position = %s""",
                (end, self.generation.view, self.generation.number, list(shards), start),
            )
            if moved.rowcount != len(shards):
                raise Fenced
            if self._parked:
                self.learn_parked()
                facts = [r for r in facts if (r.tenant, r.kind, r.stream) not in self._parked]
            if facts:
                schema = sql.Identifier(self.generation.schema)
                self._db.execute(sql.SQL("set local search_path = {}").format(schema))
                self._view.fold(facts, self._db)
            mask = sum(1 << shard for shard in shards)
            self._db.execute("select pg_notify('helpr_views', %s)", (f"{self.generation.view} {end} {mask:x}",))

    def _park(self, recorded: Recorded[Any], error: Exception) -> None:
        """Only the kind of the error is kept: its words may hold data."""
        stream = (recorded.tenant, recorded.kind, recorded.stream)
        self._db.execute(
            "insert into views.parked values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            (self.generation.view, self.generation.number, *stream, recorded.position, type(error).__name__),
        )
        self._parked.add(stream)
