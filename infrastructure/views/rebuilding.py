"""Rebuilding a view beside the old one, and folding again what was parked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg import sql

from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Folding, shard_of
from infrastructure.views.generations import SHARDS, Generation, Owner, create, drop, serving, take_over
from projections.view import View

Progress = Callable[[str, int, int], None]
"""View, facts folded, facts in all."""


def rebuild(owner: Owner, view: View, *, progress: Progress = lambda view, done, total: None) -> Generation:
    """Fills a new generation from the whole log, strictly: a fact that cannot be folded stops it and the old one goes
    on serving. When it has caught up it takes over in one transaction; readers notice nothing."""
    with owner.transaction():
        generation = create(owner, view, state="filling")
    try:
        with _as_worker(owner):
            position = _fill(owner, view, generation, 0, progress)
        with owner.transaction():
            owner.execute("select pg_advisory_xact_lock_shared(7305508, 1)")
            with _as_worker(owner):
                _fill(owner, view, generation, position, progress)
            take_over(owner, generation)
    except BaseException:
        with owner.transaction():
            drop(owner, generation)
        raise
    return generation


def replay(owner: Owner, view: View) -> int:
    """Folds the parked streams of a view again, each from the fact that failed; how many were cleared. What still
    cannot be folded stays parked, and its error is raised."""
    generation, _ = serving(owner)[view.NAME]
    key = (generation.view, generation.number)
    query = """select tenant_id, stream_kind, stream_id, position from views.parked
        where view = %s and generation = %s order by position"""
    parked = owner.execute(query, key).fetchall()
    for tenant, kind, stream, position in parked:
        with owner.transaction(), _as_worker(owner):
            end = owner.execute(
                "select position from views.checkpoints where view = %s and generation = %s and shard = %s for update",
                (*key, shard_of(tenant)),
            ).fetchone()
            facts = LogPages(owner).stream(tenant, kind, stream, position, end[0] if end else 0)
            owner.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(generation.schema)))
            view.fold([r for r in facts if type(r.fact) in view.LISTENS], owner)
            owner.execute(
                """delete from views.parked
                where view = %s and generation = %s and tenant_id = %s and stream_kind = %s and stream_id = %s""",
                (*key, tenant, kind, stream),
            )
    return len(parked)


def _fill(owner: Owner, view: View, generation: Generation, position: int, progress: Progress) -> int:
    pages, folding = LogPages(owner, most=2000), Folding(owner, view, generation)
    head = pages.head()
    while position < head:
        page = pages.between(position, head)
        end = page[-1].position if len(page) == pages.most else head
        folding.step(page, range(SHARDS), position, end, strict=True)
        position = end
        progress(view.NAME, position, head)
    return position


@contextmanager
def _as_worker(owner: Owner) -> Iterator[None]:
    """The owner, too, is under row-level security: rows are written in the role that may."""
    owner.execute("set role helpr_worker")
    try:
        yield
    finally:
        if not owner.broken and owner.info.transaction_status.name != "INERROR":
            owner.execute("reset role")
