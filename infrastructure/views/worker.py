"""A view worker: follows the log for the shards it holds, page by page, all views at once where they stand together."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import structlog

from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.event_log.reading import Page
from infrastructure.views.folding import NOT_THE_FACTS_FAULT, Fenced, Folding, step
from infrastructure.views.generations import Generation, serving
from infrastructure.views.leases import LEASE, Leases
from infrastructure.views.pace import Pace
from projections.view import Database, View

log = structlog.get_logger()
LONGEST_PAUSE = 1.0
"""Seconds between two tries to reach a database that is away."""
REBALANCE = 1.0
"""Seconds after which a worker looks who else is there, and what was rebuilt."""
LONG_AGO = float("-inf")
Folded = Callable[[Sequence[str], Page, int, float], None]
Standing = tuple[int, int, tuple[int, ...]]
"""Where shards are, how far they may go together, which they are."""


def run_worker(
    dsn: str,
    views: Sequence[View],
    *,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    lease: float = LEASE,
    folded: Folded = lambda views, page, end, seconds: None,
) -> None:
    """Works until ``stop``; when PostgreSQL goes away, waits (0.1 s, then longer, up to ``LONGEST_PAUSE``) and begins
    again. What it holds is free for others once it has said nothing for ``lease`` seconds. ``folded`` is told of every
    step: the views, the facts that were read, the position that they have reached and how long it took."""
    pause = 0.1
    while not stop.is_set():
        try:
            with connect_worker(dsn, lease=lease) as work, connect_worker(dsn, lease=lease) as watch:
                worker = Worker(work, watch, views, folded=folded)
                ready()
                pause = 0.1
                worker.run(stop)
        except NOT_THE_FACTS_FAULT as error:
            log.warning("views are away", error=type(error).__name__, retry_in=pause)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


class Worker:
    """``work`` folds; ``watch`` holds the leases and hears the wake-ups.

    It remembers where it left its shards: should somebody else have moved one, the step that begins there is fenced.
    """

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
        self._positions: dict[Generation, dict[int, int]] = {}
        self._balanced = LONG_AGO
        self._pace = Pace()
        watch.execute("listen helpr_log")

    def run(self, stop: threading.Event) -> None:
        """Catches up, sleeps until woken, and again; where much happens it lets some of it gather first."""
        while not stop.is_set():
            if self.catch_up():
                continue
            if (pause := self._pace.pause()) > 0:
                stop.wait(pause)
            self._sleep()

    def balance(self) -> None:
        """Looks which generations serve now, takes a fair share of their shards, and sees where these are."""
        generations = [g for g, version in serving(self._work).values() if self._is_ours(g, version)]
        held = self._leases.balance(generations)
        self._foldings = {g: self._foldings.get(g) or Folding(self._work, self._views[g.view], g) for g in held}
        self._positions = {generation: dict[int, int]() for generation in held}
        query = "select view, generation, shard, position from views.checkpoints where view = any(%s)"
        for view, number, shard, position in self._work.execute(query, (list(self._views),)):
            if shard in held.get(Generation(view, number), ()):
                self._positions[Generation(view, number)][shard] = position
        self._balanced = time.monotonic()

    def catch_up(self) -> bool:
        """One page for every view that is behind; whether there may be more to do."""
        if time.monotonic() - self._balanced >= REBALANCE:
            self.balance()
        self._pace.begin()
        head = self._pages.head()
        together: defaultdict[Standing, list[Folding]] = defaultdict(list)
        for generation, folding in self._foldings.items():
            if standing := _furthest_behind(self._positions[generation], head):
                together[standing].append(folding)
        reached = [self._advance(foldings, standing, head) for standing, foldings in together.items()]
        self._pace.took(max((end - start for end, (start, *_) in zip(reached, together, strict=True)), default=0))
        return any(end < head for end in reached)

    def _advance(self, foldings: Sequence[Folding], standing: Standing, head: int) -> int:
        """A page for views that stand at the same place; where they are now."""
        start, ahead, shards = standing
        page = self._pages.between(start, head)
        end = min(ahead, page[-1].position if len(page) == self._pages.most else head)
        names, begun = [folding.generation.view for folding in foldings], time.perf_counter()
        try:
            step(foldings, page, shards, start, end)
        except Fenced:
            log.warning("a lease was lost", views=names, position=start)
            self._balanced = LONG_AGO
            return start
        self._folded(names, page, end, time.perf_counter() - begun)
        for folding in foldings:
            self._positions[folding.generation] |= dict.fromkeys(shards, end)
        return end

    def _sleep(self) -> None:
        """Until something happens that it has not seen, or for half a second: a wake-up may have been lost."""
        for notice in self._watch.notifies(timeout=REBALANCE / 2):
            if not notice.payload or int(notice.payload) > self._pages.seen:
                return

    def _is_ours(self, generation: Generation, version: int) -> bool:
        view = self._views.get(generation.view)
        return view is not None and version == view.VERSION


def _furthest_behind(positions: Mapping[int, int], head: int) -> Standing | None:
    """The shards that are furthest behind go first, until they stand with the next ones."""
    behind = {position for position in positions.values() if position < head}
    if not behind:
        return None
    start, ahead = min(behind), min(behind - {min(behind)}, default=head)
    return start, ahead, tuple(sorted(shard for shard, position in positions.items() if position == start))
