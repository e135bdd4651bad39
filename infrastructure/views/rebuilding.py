"""Rebuilding a view beside the old one."""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Folding, tell
from infrastructure.views.generations import SHARDS, Generation, Owner, create, drop, drop_unfinished, take_over
from projections.view import View

Progress = Callable[[str, int, int], None]
"""View, facts folded, facts in all."""

REBUILDING = 7305510
"""The first key of the lock that says: this view is being rebuilt."""
PATIENCE = "500ms"
"""For so long readers may have to wait behind a take-over that itself waits; then it lets them pass and tries again."""


def rebuild(owner: Owner, view: View, *, progress: Progress = lambda view, done, total: None) -> Generation:
    """Fills a new generation from the whole log, strictly: a fact that cannot be folded stops it and the old one goes
    on serving. When it has caught up it takes over in one transaction; readers notice nothing, and what they have seen
    of the old one they see in the new one. A second rebuild of the same view waits for the first."""
    with _alone(owner, view):
        with owner.transaction():
            drop_unfinished(owner, view)
            generation = create(owner, view, state="filling")
        try:
            position = _fill(owner, view, generation, 0, progress)
            while not _has_taken_over(owner, view, generation, position, progress):
                time.sleep(0.1)
        except BaseException:
            if not owner.broken:
                with owner.transaction():
                    drop(owner, generation)
            raise
    return generation


def _has_taken_over(owner: Owner, view: View, generation: Generation, position: int, progress: Progress) -> bool:
    """One transaction: the old generation stands still, the new one passes it, and readers see the new one. False when
    somebody's open transaction stood in the way."""
    try:
        with owner.transaction():
            owner.execute("select set_config('lock_timeout', %s, true)", (PATIENCE,))
            owner.execute(
                """select 1 from views.checkpoints where view = %s and generation <> %s
                order by generation, shard for update""",
                (view.NAME, generation.number),
            )
            reached = _fill(owner, view, generation, position, progress)
            take_over(owner, generation)
            tell(owner, view.NAME, reached, range(SHARDS))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _fill(owner: Owner, view: View, generation: Generation, position: int, progress: Progress) -> int:
    """Folds until less than a page is missing, in the role of a worker; the position reached."""
    pages, folding = LogPages(owner, most=2000), Folding(owner, view, generation, is_serving=False)
    with as_worker(owner):
        while (missing := (head := pages.head()) - position) > 0:
            page = pages.between(position, head)
            end = page[-1].position if len(page) == pages.most else head
            folding.step(page, range(SHARDS), position, end, strict=True)
            position = end
            progress(view.NAME, position, head)
            if missing < pages.most:
                break
    return position


@contextmanager
def as_worker(owner: Owner) -> Iterator[None]:
    """The owner, too, is under row-level security: rows are written in the role that may."""
    owner.execute("set role helpr_worker")
    try:
        yield
    finally:
        if not owner.broken and owner.info.transaction_status.name != "INERROR":
            owner.execute("reset role")


@contextmanager
def _alone(owner: Owner, view: View) -> Iterator[None]:
    key = (REBUILDING, zlib.crc32(view.NAME.encode()) >> 1)
    owner.execute("select pg_advisory_lock(%s, %s)", key)
    try:
        yield
    finally:
        if not owner.broken:
            owner.execute("select pg_advisory_unlock(%s, %s)", key)
