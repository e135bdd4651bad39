"""A new generation takes over from the old one: whoever reads and writes meanwhile notices nothing."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from uuid import UUID

import psycopg
import pytest

from infrastructure.database.connections import connect_pool, reading
from infrastructure.views import rebuilding
from infrastructure.views.folding import Fenced
from infrastructure.views.generations import serving
from infrastructure.views.worker import run_worker
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started, visitor_says
from tests.database.conftest import eventually
from tests.views import tally
from tests.views.conftest import Beside, Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-2")

ACME = UUID(int=1)
SUM = "select coalesce(sum(facts), 0)::int from read.tally"
TOTAL = "select coalesce(sum(facts), 0)::int from read.tally_total"
ASK = f"select ({SUM}), ({TOTAL})"


class Again(threading.Thread):
    """Does something again and again until the test is over, and tells what went wrong."""

    def __init__(self, does: Callable[[], None]) -> None:
        super().__init__()
        self._does, self._over = does, threading.Event()
        self.error: BaseException | None = None
        self.times = 0

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._does()
                self.times += 1
                time.sleep(0.002)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self._over.set()
        self.join(10)
        if self.error:
            raise self.error


@contextmanager
def again_and_again(does: Callable[[], None]) -> Iterator[Again]:
    thread = Again(does)
    thread.start()
    try:
        yield thread
    finally:
        thread.end()


@pytest.fixture
def reader(database: Database) -> Iterator[Connection]:
    """The API's role, in acme."""
    with psycopg.connect(database.runtime, autocommit=True, options="-c role=helpr_app") as connection:
        connection.execute("select set_config('helpr.tenant', %s, false)", (str(ACME),))
        yield connection


class Reader:
    """Asks as the API does, again and again, in a loop of its own."""

    def __init__(self, dsn: str, *queries: str) -> None:
        self._runner, self._queries = asyncio.Runner(), queries
        self._pool = self._runner.run(connect_pool(dsn, size=1))
        self.seen = [0]

    def ask(self) -> None:
        """What is answered in one transaction must be one number, or two that only grow."""
        answers = self._runner.run(self._answers())
        assert min(answers) >= self.seen[-1], "empty, mixed, or older than before"
        assert len(self._queries) > 1 or len(set(answers)) == 1, "mixed"
        self.seen.append(max(answers))

    async def _answers(self) -> list[int]:
        async with reading(self._pool, ACME) as db:
            return [value for query in self._queries for value in await db.fetchrow(query)]

    def close(self) -> None:
        self._runner.run(self._pool.close())
        self._runner.close()


def test_readers_see_no_empty_no_mixed_and_no_older_view_while_it_is_rebuilt_under_traffic(
    tallied: Tallied, owner: Connection, database: Database
) -> None:
    with psycopg.connect(database.owner, autocommit=True) as writing, ExitStack() as running:
        log, stop = Log(writing), threading.Event()
        log.write(ACME, *(in_conversation(UUID(int=n), started(), visitor_says("Hello")) for n in range(100, 200)))
        tallied.fold()
        at_once, one_by_one = Reader(database.runtime, ASK), Reader(database.runtime, TOTAL, SUM)
        for reader in (at_once, one_by_one):
            running.callback(reader.close)

        def write() -> None:
            log.write(ACME, in_conversation(UUID(int=100 + len(log.rows) % 100), visitor_says("and again")))

        worker = threading.Thread(target=run_worker, args=(database.runtime, [tally]), kwargs={"stop": stop})
        running.callback(worker.join, 10)
        running.callback(stop.set)
        worker.start()
        people = [running.enter_context(again_and_again(does)) for does in (write, at_once.ask, one_by_one.ask)]
        for _ in range(3):
            before = [person.times for person in people]
            rebuild(owner, tally)
            eventually(lambda b=before: all(p.times > n + 10 for p, n in zip(people, b, strict=True)))  # type: ignore[misc]
        for person in people:
            person.end()
        eventually(lambda: sum(tallied.counts.values()) == len(log.rows))
        assert min(at_once.seen[1], one_by_one.seen[1]) >= 200
        assert tallied.generations == [(4, tally.VERSION, "serving")]
        assert tallied.schemas == ["tally_4"]


def test_the_new_generation_begins_where_the_old_one_stood_at_least(
    tallied: Tallied, log: Log, owner: Connection, database: Database, beside: Beside
) -> None:
    log.write(ACME, in_conversation(one, started()))

    def happens() -> None:
        log.write(ACME, in_conversation(one, visitor_says("Hello")))
        tallied.fold()

    def after_the_first_page(view: str, done: int, total: int) -> None:
        """More happens, which the old one folds; and again when the new one is about to take over."""
        if done == 1:
            happens()
            beside.meanwhile(happens)

    with psycopg.connect(database.owner, autocommit=True) as rebuilding:
        new = rebuild(rebuilding, tally, progress=after_the_first_page)
    with pytest.raises(Fenced):
        beside.others[0].result()
    assert serving(owner)["tally"] == (new, tally.VERSION)
    query = "select distinct position from views.checkpoints where view = 'tally' and generation = %s"
    assert owner.execute(query, (new.number,)).fetchall() == [(2,)]
    assert tallied.counts == {one: 2}


def test_a_rebuild_ends_however_much_is_written_meanwhile(
    tallied: Tallied, log: Log, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "PAGE", 10)
    log.write(ACME, in_conversation(one, started()))
    told: list[int] = []

    def more_than_can_be_folded(view: str, done: int, total: int) -> None:
        told.append(done)
        if len(told) < 100:
            log.write(ACME, in_conversation(one, *[visitor_says("Hello")] * 15))

    with psycopg.connect(database.owner, autocommit=True) as owner:
        rebuild(owner, tally, progress=more_than_can_be_folded)
    assert told == [1, 11]
    assert tallied.counts == {one: 11}


def test_a_reader_that_takes_its_time_holds_up_the_take_over_but_no_other_reader(
    tallied: Tallied, log: Log, owner: Connection, database: Database, reader: Connection
) -> None:
    log.write(ACME, in_conversation(one, started()))
    tallied.fold()
    with (
        psycopg.connect(database.owner) as analyst,
        psycopg.connect(database.owner, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as threads,
    ):
        analyst.execute("select * from read.tally")
        rebuilt = threads.submit(rebuild, owner, tally)
        blocked = "select 1 from pg_locks where not granted"
        for _ in range(2):
            eventually(lambda: watcher.execute(blocked).fetchone())
            assert reader.execute(ASK).fetchone() == (1, 1)
        assert not rebuilt.done()
        log.write(ACME, in_conversation(one, visitor_says("Hello")))
        analyst.rollback()
        assert rebuilt.result(10).number == 2
    assert tallied.counts == {one: 2}
