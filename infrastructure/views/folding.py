"""One step of a view: a page of facts and the new checkpoint, in one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.event_log.pages import Page, Unreadable
from infrastructure.views.generations import SHARDS, Generation
from projections.view import Database, View

log = structlog.get_logger()
Fact = Recorded[Event] | Unreadable
Stream = tuple[UUID, str, UUID]

NOT_THE_FACTS_FAULT = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""The database is away, busy or read-only: the same facts may well be folded in a moment."""


class Fenced(Exception):
    """Somebody else moved the checkpoint: this worker's lease is gone, and what it did is rolled back."""


def shard_of(tenant: UUID) -> int:
    """The shard of a tenant: the last four bits of its id, which are random."""
    return tenant.bytes[15] % SHARDS


class Folding:
    """Folds one generation of a view for some of its shards, all standing at the same position.

    It remembers nothing: checkpoints and parked streams are read in the transaction that goes by them, so that whoever
    takes over a shard knows what the one before did. Readers are told of steps only while ``is_serving``.
    """

    def __init__(self, db: Database, view: View, generation: Generation, *, is_serving: bool = True) -> None:
        self._db, self._view, self.generation, self._is_serving = db, view, generation, is_serving
        self._listens = set(view.LISTENS)

    def checkpoints(self) -> dict[int, int]:
        """The position of each shard; empty once the generation is gone."""
        query = "select shard, position from views.checkpoints where view = %s and generation = %s"
        return dict(self._db.execute(query, (self.generation.view, self.generation.number)).fetchall())

    def step(self, page: Page, shards: Sequence[int], start: int, end: int, *, strict: bool = False) -> None:
        """Takes the shards from one position to the next. Raises Fenced; with ``strict`` whatever a fold raises,
        else the stream that cannot be folded is parked and the others go on."""
        mine = [fact for fact in page if start < fact.position <= end and self._is_wanted(fact, shards)]
        try:
            self._commit(mine, shards, start, end)
        except (Fenced, *NOT_THE_FACTS_FAULT):
            raise
        except Exception as error:
            if strict or not mine:
                raise
            self._halve(mine, shards, start, end, error)

    def _is_wanted(self, fact: Fact, shards: Sequence[int]) -> bool:
        """A fact of a name that nobody here knows may concern every view."""
        kind = Event.named.get(fact.name) if isinstance(fact, Unreadable) else type(fact.fact)
        return shard_of(fact.tenant) in shards and (kind is None or kind in self._listens)

    def _halve(self, facts: Sequence[Fact], shards: Sequence[int], start: int, end: int, error: Exception) -> None:
        """Until the one fact is found that cannot be folded."""
        if len(facts) == 1:
            self._commit([], shards, start, end, poison=(facts[0], error))
            return
        middle = facts[len(facts) // 2 - 1].position
        self.step(facts, shards, start, middle)
        self.step(facts, shards, middle, end)

    def _commit(
        self,
        facts: Sequence[Fact],
        shards: Sequence[int],
        start: int,
        end: int,
        *,
        poison: tuple[Fact, Exception] | None = None,
    ) -> None:
        """The facts, or a stream that is parked, and the checkpoint: all of it or nothing."""
        with self._db.transaction():
            self._move(shards, start, end)
            if readable := self._readable(facts):
                schema = sql.Identifier(self.generation.schema)
                self._db.execute(sql.SQL("set local search_path = {}").format(schema))
                self._view.fold(readable, self._db)
            if poison:
                self._park(*poison)
            if self._is_serving:
                tell(self._db, self.generation.view, end, shards)

    def _move(self, shards: Sequence[int], start: int, end: int) -> None:
        """The fence: whoever does not find the checkpoint where they left it has lost the shard."""
        moved = self._db.execute(
            """update views.checkpoints set position = %s, moved_at = now()
            where view = %s and generation = %s and shard = any(%s) and position = %s""",
            (end, self.generation.view, self.generation.number, list(shards), start),
        )
        if moved.rowcount != len(shards):
            raise Fenced

    def _readable(self, facts: Sequence[Fact]) -> list[Recorded[Any]]:
        """The facts whose streams are not parked; raises what kept one of them from being read."""
        if not facts:
            return []
        query = "select tenant_id, stream_kind, stream_id from views.parked where view = %s and generation = %s"
        parked = set(self._db.execute(query, (self.generation.view, self.generation.number)))
        readable = []
        for fact in facts:
            if (fact.tenant, fact.kind, fact.stream) in parked:
                continue
            if isinstance(fact, Unreadable):
                raise fact.error
            readable.append(fact)
        return readable

    def _park(self, fact: Fact, error: Exception) -> None:
        """Only the kind of the error is kept: its words may hold data."""
        stream, why = (fact.tenant, fact.kind, fact.stream), type(error).__name__
        self._db.execute(
            "insert into views.parked values (%s, %s, %s, %s, %s, %s, %s)",
            (self.generation.view, self.generation.number, *stream, fact.position, why),
        )
        log.error("a stream is parked", view=self.generation.view, position=fact.position, error=why)


def tell(db: Database, view: str, position: int, shards: Sequence[int]) -> None:
    """Says that these shards of a view have reached a position, once the transaction is committed."""
    mask = sum(1 << shard for shard in shards)
    db.execute("select pg_notify('helpr_views', %s)", (f"{view} {position} {mask:x}",))
