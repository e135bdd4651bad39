"""Rebuilding views beside the old ones."""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Folding, commit, tell
from infrastructure.views.generations import SHARDS, Generation, Owner, create, drop, drop_unfinished, take_over
from projections.view import View

Progress = Callable[[str, int, int], None]
"""View, facts folded, facts in all."""

REBUILDING = 7305510
"""The first key of the lock that says: this view is being rebuilt."""
PAGE = 2000
PATIENCE = "500ms"
"""For so long readers may have to wait behind a take-over that itself waits; then it lets them pass and tries again."""


def rebuild_all(
    owner: Owner, views: Sequence[View], *, progress: Progress = lambda view, done, total: None
) -> list[Generation]:
    """Fills a new generation of each view from the whole log, which is read and decoded once for all of them, strictly:
    a fact that one cannot fold stops it and the old ones go on serving. When they have caught up each takes over in one
    transaction, view by view; readers notice nothing, and what they have seen of an old one they see in the new one.
    A second rebuild of the same view waits for the first."""
    with _alone(owner, views):
        with owner.transaction():
            for view in views:
                drop_unfinished(owner, view)
            left = [(view, create(owner, view, state="filling")) for view in views]
        made = [generation for _, generation in left]
        try:
            together = _Filling(owner, left, progress)
            if left:
                together.up_to(together.head)
            while left:
                filling = _Filling(owner, left[:1], progress, position=together.position)
                generation = left[0][1]
                while filling.missing >= PAGE and filling.position < _reached(owner, generation):
                    filling.up_to(filling.head)
                while not _has_taken_over(owner, generation, filling):
                    time.sleep(0.1)
                del left[0]
        except BaseException:
            if not owner.broken:
                with owner.transaction():
                    for _, generation in left:
                        drop(owner, generation)
            raise
    return made


def tidy_up(owner: Owner, views: Sequence[View]) -> None:
    """Removes what was left of rebuilds that were killed; what is being built just now stays."""
    for view in views:
        lock = (REBUILDING, _number(view))
        row = owner.execute("select pg_try_advisory_lock(%s, %s)", lock).fetchone()
        if row and row[0]:
            with owner.transaction():
                drop_unfinished(owner, view)
            owner.execute("select pg_advisory_unlock(%s, %s)", lock)


class _Filling:
    """Folds the log into generations that do not serve yet, in the role of a worker."""

    def __init__(
        self, owner: Owner, made: Sequence[tuple[View, Generation]], progress: Progress, *, position: int = 0
    ) -> None:
        self._owner, self._progress, self.position = owner, progress, position
        self._pages = LogPages(owner, most=PAGE)
        self._foldings = [Folding(owner, view, generation, is_serving=False) for view, generation in made]

    @property
    def head(self) -> int:
        return self._pages.head()

    @property
    def missing(self) -> int:
        return self.head - self.position

    def up_to(self, end: int) -> None:
        with as_worker(self._owner):
            while self.position < end:
                page = self._pages.between(self.position, end)
                reached = page[-1].position if len(page) == PAGE else end
                commit(self._foldings, page, range(SHARDS), self.position, reached)
                self.position = reached
                for folding in self._foldings:
                    self._progress(folding.generation.view, reached, end)


def _has_taken_over(owner: Owner, generation: Generation, filling: _Filling) -> bool:
    """One transaction: the old generation stands still, the new one passes it, and readers see the new one. However
    much is written meanwhile, it folds no more than a page that the old one had not. False when somebody's open
    transaction stood in the way."""
    before = filling.position
    try:
        with owner.transaction():
            owner.execute("select set_config('lock_timeout', %s, true)", (PATIENCE,))
            reached = _reached(owner, generation, and_stays=True)
            filling.up_to(max(reached, min(filling.head, before + PAGE)))
            take_over(owner, generation)
            tell(owner, [generation.view], filling.position, range(SHARDS))
    except psycopg.errors.LockNotAvailable:
        filling.position = before
        return False
    return True


def _reached(owner: Owner, new: Generation, *, and_stays: bool = False) -> int:
    """How far the generation that serves is in any of its shards; 0 if none does. With ``and_stays`` it moves no more
    in this transaction."""
    query = """select position from views.checkpoints c join views.generations using (view, generation)
        where view = %s and state = 'serving' order by shard"""
    found = owner.execute(query + " for update of c" if and_stays else query, (new.view,))
    return max((position for (position,) in found), default=0)


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
def _alone(owner: Owner, views: Sequence[View]) -> Iterator[None]:
    """In a fixed order, so that no two wait for each other."""
    keys = sorted(map(_number, views))
    for key in keys:
        owner.execute("select pg_advisory_lock(%s, %s)", (REBUILDING, key))
    try:
        yield
    finally:
        if not owner.broken:
            for key in keys:
                owner.execute("select pg_advisory_unlock(%s, %s)", (REBUILDING, key))


def _number(view: View) -> int:
    return zlib.crc32(view.NAME.encode()) >> 1
