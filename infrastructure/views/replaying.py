"""Folding again what was parked."""

from typing import Any

from psycopg import sql

from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import NOT_THE_FACTS_FAULT, Stream, shard_of
from infrastructure.views.generations import Generation, Owner, serving
from infrastructure.views.rebuilding import as_worker
from projections.view import View

BATCH = 500


def replay(owner: Owner, view: View) -> int:
    """Folds the parked streams of a view again, each from the fact that failed; how many were cleared. What still
    cannot be folded stays parked and keeps no other from being cleared; the first such error is raised at the end."""
    generation, _ = serving(owner)[view.NAME]
    query = """select tenant_id, stream_kind, stream_id from views.parked
        where view = %s and generation = %s order by position"""
    cleared, errors = 0, list[Exception]()
    for tenant, kind, stream in owner.execute(query, (generation.view, generation.number)).fetchall():
        try:
            cleared += _clear(owner, view, generation, (tenant, kind, stream))
        except NOT_THE_FACTS_FAULT:
            raise
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return cleared


def _clear(owner: Owner, view: View, generation: Generation, stream: Stream) -> bool:
    """The checkpoint stands still meanwhile, so that nobody folds what comes after. False when another was faster."""
    key = (generation.view, generation.number)
    with owner.transaction(), as_worker(owner):
        reached = _one(
            owner,
            "select position from views.checkpoints where view = %s and generation = %s and shard = %s for update",
            *key,
            shard_of(stream[0]),
        )
        failed = _one(
            owner,
            """delete from views.parked where view = %s and generation = %s
            and tenant_id = %s and stream_kind = %s and stream_id = %s returning position""",
            *key,
            *stream,
        )
        if reached is None or failed is None:
            return False
        owner.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(generation.schema)))
        facts = [r for r in LogPages(owner).stream(*stream, failed, reached) if type(r.fact) in view.LISTENS]
        for start in range(0, len(facts), BATCH):
            view.fold(facts[start : start + BATCH], owner)
    return True


def _one(owner: Owner, query: str, *values: Any) -> int | None:
    row = owner.execute(query, values).fetchone()
    return row[0] if row else None
