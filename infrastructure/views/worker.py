"""A view worker: follows the log for the shards it holds, view by view, page by page."""

import threading
import time
from collections.abc import Callable, Sequence

import psycopg
import structlog

from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages, Page
from infrastructure.views.folding import Fenced, Folding
from infrastructure.views.generations import Generation, serving
from infrastructure.views.leases import Leases
from projections.view import Database, View

log = structlog.get_logger()
REBALANCE = 1.0
"""Seconds after which a worker looks who else is there, and what was rebuilt."""
LONG_AGO = float("-inf")
Folded = Callable[[Sequence[str], Page, int, float], None]


def run_worker(
    dsn: str,
    views: Sequence[View],
    *,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    folded: Folded = lambda views, page, end, seconds: None,
) -> None:
    """Works until ``stop``; when PostgreSQL goes away, waits (0.1 to 5 s) and begins again. ``folded`` is told of every
    step: the views, the facts that were read, the position that they have reached and how long it took."""
    pause = 0.1
    while not stop.is_set():
        try:
            with connect_worker(dsn) as work, connect_worker(dsn) as watch:
                worker = Worker(work, watch, views, folded=folded)
                ready()
                pause = 0.1
                worker.run(stop)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("views are away", error=type(error).__name__, retry_in=pause)
            stop.wait(pause)
            pause = min(pause * 2, 5.0)


class Worker:
    """``work`` folds; ``watch`` holds the leases and hears the wake-ups."""

    def __init__(
        self,
        work: Database,
        watch: Database,
        views: Sequence[View],
        *,
        folded: Folded = lambda views, page, end, seconds: None,
    ) -> None:
        self._work, self._watch, self._folded = work, watch, folded
        self._views = {view.NAME: view for view in views}
        self._pages = LogPages(work)
        self._leases = Leases(watch, views)
        self._foldings: dict[Generation, Folding] = {}
        self._held: dict[Generation, set[int]] = {}
        self._balanced = LONG_AGO
        watch.execute("listen helpr_log")

    def run(self, stop: threading.Event) -> None:
        """Catches up, sleeps until woken, and again."""
        while not stop.is_set():
            if time.monotonic() - self._balanced >= REBALANCE:
                self.balance()
            if not self.catch_up():
                for _ in self._watch.notifies(timeout=REBALANCE / 2, stop_after=1):
                    pass

    def balance(self) -> None:
        """Looks which generations serve now, and takes a fair share of their shards."""
        generations = [g for g, version in serving(self._work).values() if self._is_ours(g, version)]
        self._held = self._leases.balance(generations)
        self._foldings = {g: self._foldings.get(g) or Folding(self._work, self._views[g.view], g) for g in self._held}
        self._balanced = time.monotonic()

    def catch_up(self) -> bool:
        """One page for every view that is behind; whether there may be more to do."""
        head = self._pages.head()
        advanced = [self._advance(folding, head) for folding in self._foldings.values()]
        return any(advanced)

    def _advance(self, folding: Folding, head: int) -> bool:
        """The shards that are furthest behind go first, until they stand with the next ones."""
        positions = folding.checkpoints()
        if not positions:
            self._balanced = LONG_AGO
            return True
        standing = {s: p for s, p in positions.items() if s in self._held[folding.generation] and p < head}
        if not standing:
            return False
        start = min(standing.values())
        shards = [shard for shard, position in standing.items() if position == start]
        ahead = min((p for p in standing.values() if p > start), default=head)
        page = self._pages.between(start, head)
        end = min(ahead, page[-1].position if len(page) == self._pages.most else head)
        view, begun = folding.generation.view, time.perf_counter()
        try:
            folding.step(page, shards, start, end)
        except Fenced:
            log.warning("a lease was lost", view=view, position=start)
            self._balanced = LONG_AGO
        else:
            self._folded([view], page, end, time.perf_counter() - begun)
        return True

    def _is_ours(self, generation: Generation, version: int) -> bool:
        view = self._views.get(generation.view)
        return view is not None and version == view.VERSION
