"""A fresh database, a log in it, and a view that counts."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Folding
from infrastructure.views.generations import SHARDS, Generation
from tests.conftest import Database
from tests.database.conftest import eventually
from tests.views import tally
from tests.views.log import Log
from tests.views.rebuilt import rebuild

Connection = psycopg.Connection[Any]


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    """Who may do everything."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def log(owner: Connection) -> Log:
    return Log(owner)


@pytest.fixture
def tallied(database: Database, owner: Connection) -> Iterator["Tallied"]:
    """The counting view, in step with an empty log, and a worker's connection to it."""
    with connect_worker(database.runtime) as work:
        yield Tallied(work, owner, rebuild(owner, tally))
    tally.poisoned.clear()
    tally.meanwhile.clear()


class Tallied:
    """One worker of the counting view, which holds all its shards."""

    def __init__(self, work: Connection, owner: Connection, generation: Generation) -> None:
        self.work, self._owner = work, owner
        self.folding = Folding(work, tally, generation)

    def fold(self, *, most: int = 500) -> None:
        """Takes everything that has happened, page by page."""
        pages = LogPages(self.work, most=most)
        head, position = pages.head(), min(self.folding.checkpoints().values())
        while position < head:
            page = pages.between(position, head)
            self.folding.step(page, range(SHARDS), position, page[-1].position)
            position = page[-1].position

    @property
    def counts(self) -> dict[UUID, int]:
        """How often each stream was counted."""
        return dict(self._owner.execute("select stream_id, facts from read.tally").fetchall())

    @property
    def positions(self) -> set[int]:
        """Where its shards stand."""
        return set(self.folding.checkpoints().values())

    @property
    def generations(self) -> list[tuple[int, int, str]]:
        """Those there are: number, version, state."""
        query = "select generation, version, state from views.generations where view = 'tally' order by 1"
        return self._owner.execute(query).fetchall()

    @property
    def schemas(self) -> list[str]:
        """Those that hold tables of the counting view."""
        query = "select nspname from pg_namespace where nspname like 'tally%' order by 1"
        return [name for (name,) in self._owner.execute(query)]

    @property
    def parked(self) -> list[tuple[UUID, int, str]]:
        """Which streams are parked, where and why."""
        query = "select stream_id, position, error from views.parked where view = 'tally' order by position"
        return self._owner.execute(query).fetchall()


@pytest.fixture
def beside(database: Database) -> Iterator["Beside"]:
    with psycopg.connect(database.owner, autocommit=True) as watcher, ThreadPoolExecutor(1) as threads:
        yield Beside(watcher, threads)


class Beside:
    """What somebody else does in the middle of a fold."""

    def __init__(self, watcher: Connection, threads: ThreadPoolExecutor) -> None:
        self._watcher, self._threads = watcher, threads
        self.others: list[Future[Any]] = []

    def meanwhile(self, does: Callable[[], Any]) -> None:
        """Begins it while a batch is folded, and lets it run until it waits or is done."""

        def begin() -> None:
            other = self._threads.submit(does)
            self.others.append(other)
            waiting = "select 1 from pg_locks where not granted"
            eventually(lambda: other.done() or self._watcher.execute(waiting).fetchone())

        tally.meanwhile.append(begin)
