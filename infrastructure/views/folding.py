"""One step of views: a page of facts and the new checkpoints, in one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.event_log.reading import Page, Unreadable
from infrastructure.views.generations import SHARDS, Generation
from projections.view import Database, View

log = structlog.get_logger()
Fact = Recorded[Event] | Unreadable
Stream = tuple[UUID, str, UUID]
"""Tenant, kind, id."""
Parked = set[tuple[str, int, UUID, str, UUID]]
"""View, generation and stream of what waits."""

NOT_THE_FACTS_FAULT = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""The database is away, busy or read-only: the same facts may well be folded in a moment."""


class Fenced(Exception):
    """Somebody else moved the checkpoint: this worker's lease is gone, and what it did is rolled back."""


def shard_of(tenant: UUID) -> int:
    """The shard of a tenant: the last four bits of its id, which are random."""
    return tenant.bytes[15] % SHARDS


class Folding:
    """Folds one generation of a view for some of its shards, all standing at the same position.

    It remembers nothing: parked streams are read in the transaction that goes by them, so that whoever takes over a
    shard knows what the one before did. Readers are told of steps only while ``is_serving``.
    """

    def __init__(self, db: Database, view: View, generation: Generation, *, is_serving: bool = True) -> None:
        self.db, self._view, self.generation, self.is_serving = db, view, generation, is_serving
        self._listens = set(view.LISTENS)

    def checkpoints(self) -> dict[int, int]:
        """The position of each shard; empty once the generation is gone."""
        query = "select shard, position from views.checkpoints where view = %s and generation = %s"
        return dict(self.db.execute(query, (self.generation.view, self.generation.number)).fetchall())

    def step(self, page: Page, shards: Sequence[int], start: int, end: int) -> None:
        """Takes the shards from one position to the next. A stream that cannot be folded is parked and the others go
        on. Raises Fenced."""
        mine = [fact for fact in _within(page, shards, start, end) if self.hears(fact)]
        try:
            commit([self], mine, shards, start, end)
        except (Fenced, *NOT_THE_FACTS_FAULT):
            raise
        except Exception as error:
            if not mine:
                raise
            self._halve(mine, shards, start, end, error)

    def hears(self, fact: Fact) -> bool:
        """A fact of a name that nobody here knows may concern every view."""
        if isinstance(fact, Unreadable):
            kind = Event.named.get(fact.name)
            return kind is None or kind in self._listens
        return type(fact.fact) in self._listens

    def fold(self, facts: Sequence[Fact], parked: Parked) -> None:
        """The facts whose streams are not parked; raises what keeps one of them from being read."""
        view, number = self.generation.view, self.generation.number
        readable: list[Recorded[Any]] = []
        for fact in facts:
            if parked and (view, number, fact.tenant, fact.kind, fact.stream) in parked:
                continue
            if isinstance(fact, Unreadable):
                raise fact.error
            readable.append(fact)
        if readable:
            self.db.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(self.generation.schema)))
            self._view.fold(readable, self.db)

    def _halve(self, facts: Sequence[Fact], shards: Sequence[int], start: int, end: int, error: Exception) -> None:
        """Until the one fact is found that cannot be folded."""
        if len(facts) == 1:
            commit([self], [], shards, start, end, poison=(facts[0], error))
            return
        middle = facts[len(facts) // 2 - 1].position
        self.step(facts, shards, start, middle)
        self.step(facts, shards, middle, end)

    def park(self, fact: Fact, error: Exception) -> None:
        """Only the kind of the error is kept: its words may hold data."""
        stream, why = (fact.tenant, fact.kind, fact.stream), type(error).__name__
        self.db.execute(
            "insert into views.parked values (%s, %s, %s, %s, %s, %s, %s)",
            (self.generation.view, self.generation.number, *stream, fact.position, why),
        )
        whose = getattr(fact, "correlation", None)
        log.error("a stream is parked", view=self.generation.view, position=fact.position, correlation=whose, error=why)


def step(foldings: Sequence[Folding], page: Page, shards: Sequence[int], start: int, end: int) -> None:
    """Takes views that stand at the same place, over one connection, to the next: in one transaction, or, when one of
    them cannot, each in its own. Raises Fenced."""
    if len(foldings) > 1:
        try:
            commit(foldings, page, shards, start, end)
        except (Fenced, *NOT_THE_FACTS_FAULT):
            raise
        except Exception as error:
            log.warning("a page is folded view by view", start=start, end=end, error=type(error).__name__)
        else:
            return
    for folding in foldings:
        folding.step(page, shards, start, end)


def commit(
    foldings: Sequence[Folding],
    page: Sequence[Fact],
    shards: Sequence[int],
    start: int,
    end: int,
    *,
    poison: tuple[Fact, Exception] | None = None,
) -> None:
    """The facts, or a stream that is parked, and the checkpoints: all of it or nothing. Raises Fenced, and whatever a
    fold raises."""
    db, facts = foldings[0].db, _within(page, shards, start, end)
    heard = {folding: [fact for fact in facts if folding.hears(fact)] for folding in foldings}
    with db.transaction():
        _move(db, [folding.generation for folding in foldings], shards, start, end)
        parked = _parked(db, foldings) if any(heard.values()) else set()
        for folding, wanted in heard.items():
            folding.fold(wanted, parked)
        if poison:
            foldings[0].park(*poison)
        if serving := [folding.generation.view for folding in foldings if folding.is_serving]:
            tell(db, serving, end, shards)


def _within(page: Page, shards: Sequence[int], start: int, end: int) -> Sequence[Fact]:
    """What happened between two positions in some shards."""
    is_every, mine = len(shards) == SHARDS, set(shards)
    return [f for f in page if start < f.position <= end and (is_every or shard_of(f.tenant) in mine)]


def _move(db: Database, generations: Sequence[Generation], shards: Sequence[int], start: int, end: int) -> None:
    """The fence: whoever does not find the checkpoints where they left them has lost the shards."""
    moved = db.execute(
        """update views.checkpoints c set position = %s, moved_at = now()
        from unnest(%s::text[], %s::int[]) g (view, generation)
        where c.view = g.view and c.generation = g.generation and c.shard = any(%s) and c.position = %s""",
        (end, [g.view for g in generations], [g.number for g in generations], list(shards), start),
    )
    if moved.rowcount != len(shards) * len(generations):
        raise Fenced


def _parked(db: Database, foldings: Sequence[Folding]) -> Parked:
    query = "select view, generation, tenant_id, stream_kind, stream_id from views.parked where view = any(%s)"
    return set(db.execute(query, ([folding.generation.view for folding in foldings],)))


def tell(db: Database, views: Iterable[str], position: int, shards: Sequence[int]) -> None:
    """Says that these shards of these views have reached a position, once the transaction is committed."""
    mask = sum(1 << shard for shard in shards)
    db.execute("select pg_notify('helpr_views', %s)", (f"{','.join(views)} {position} {mask:x}",))
