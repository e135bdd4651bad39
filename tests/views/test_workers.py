"""View workers: they share the work, die, take over from each other, and count every fact once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import shard_of
from infrastructure.views.generations import SHARDS, serving
from infrastructure.views.worker import Worker, run_worker
from tests.conftest import Database
from tests.conversations.talk import in_conversation, started, visitor_says
from tests.database.conftest import eventually
from tests.views import tally
from tests.views.conftest import Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-3")

TENANTS = [UUID(int=number) for number in range(SHARDS)]
Start = Callable[[], threading.Event]


@pytest.fixture
def start(database: Database) -> Iterator[Start]:
    """Starts a worker that runs beside the test; what it gives stops it."""
    with ExitStack() as running:
        yield lambda: running.enter_context(_running(database.runtime))


@contextmanager
def _running(dsn: str) -> Iterator[threading.Event]:
    stop, ready = threading.Event(), threading.Event()
    worker = threading.Thread(target=run_worker, args=(dsn, [tally]), kwargs={"stop": stop, "ready": ready.set})
    worker.start()
    assert ready.wait(10)
    yield stop
    stop.set()
    worker.join(10)
    assert not worker.is_alive()


def somebody_writes(log: Log, number: int) -> None:
    """A fact or two in every shard."""
    for tenant in TENANTS:
        conversation = UUID(int=tenant.int + 100 * number)
        log.write(tenant, in_conversation(conversation, started(), *[visitor_says("Hello")] * (number % 2)))


def holders(owner: Connection) -> list[int]:
    """How many shards each worker holds."""
    query = """select count(*) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and objsubid = 2
        and objid < 16 and database = (select oid from pg_database where datname = current_database()) group by pid"""
    return sorted(count for (count,) in owner.execute(query))


def all_is_counted(tallied: Tallied, log: Log) -> bool:
    return sum(tallied.counts.values()) == len(log.rows)


def test_two_workers_share_one_is_stopped_the_other_takes_over(
    tallied: Tallied, log: Log, owner: Connection, start: Start
) -> None:
    start()
    first = start()
    eventually(lambda: holders(owner) == [8, 8])
    somebody_writes(log, 1)
    eventually(lambda: all_is_counted(tallied, log))
    first.set()
    eventually(lambda: holders(owner) == [16])
    somebody_writes(log, 2)
    eventually(lambda: all_is_counted(tallied, log))
    start()
    start()
    eventually(lambda: len(holders(owner)) == 3 and sum(holders(owner)) == SHARDS)
    somebody_writes(log, 3)
    eventually(lambda: all_is_counted(tallied, log))


def cut_some(owner: Connection, most: int, spared: int) -> int:
    """Cuts workers' connections, at most so many; how many there were to cut."""
    query = """select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'helpr views' and pid <> %s order by pid limit %s"""
    return len(owner.execute(query, (spared, most)).fetchall())


@pytest.mark.requirement("R-OPS-2")
def test_workers_whose_connections_are_cut_again_and_again_count_every_fact_once(
    tallied: Tallied, log: Log, owner: Connection, start: Start
) -> None:
    start()
    start()
    for number in range(1, 13):
        somebody_writes(log, number)
        if number % 3 == 0:
            eventually(partial(cut_some, owner, number // 3, tallied.work.info.backend_pid))
    eventually(lambda: all_is_counted(tallied, log), seconds=20)
    assert all(count in (1, 2) for count in tallied.counts.values())
    eventually(lambda: sum(holders(owner)) == SHARDS)


def test_a_rebuilt_view_is_followed_at_once(tallied: Tallied, log: Log, owner: Connection, start: Start) -> None:
    start()
    somebody_writes(log, 1)
    eventually(lambda: all_is_counted(tallied, log))
    rebuild(owner, tally)
    somebody_writes(log, 2)
    eventually(lambda: all_is_counted(tallied, log))


@pytest.fixture
def worker(tallied: Tallied, database: Database) -> Iterator[Worker]:
    """A worker that does one thing at a time."""
    with connect_worker(database.runtime) as work, connect_worker(database.runtime) as watch:
        made = Worker(work, watch, [tally])
        made.balance()
        yield made


def test_shards_that_stand_apart_come_together_and_no_fact_is_folded_twice(
    tallied: Tallied, log: Log, worker: Worker
) -> None:
    for number in range(1, 4):
        somebody_writes(log, number)
    pages = LogPages(tallied.work)
    for shard in range(1, SHARDS):
        end = shard * 2
        tallied.folding.step(pages.between(0, end), [shard], 0, end)
    assert len(tallied.positions) == SHARDS
    worker.balance()
    while worker.catch_up():
        pass
    assert tallied.positions == {pages.head()}
    assert all_is_counted(tallied, log)


def test_a_worker_that_was_fenced_looks_around_and_goes_on(tallied: Tallied, log: Log, worker: Worker) -> None:
    somebody_writes(log, 1)
    tallied.fold()
    assert worker.catch_up(), "it takes the checkpoints for where it saw them last"
    somebody_writes(log, 2)
    while worker.catch_up():
        pass
    assert all_is_counted(tallied, log)


def test_a_view_of_another_version_is_left_to_the_workers_of_that_version(
    tallied: Tallied, log: Log, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_writes(log, 1)
    monkeypatch.setattr(tally, "VERSION", tally.VERSION + 1)
    with connect_worker(database.runtime) as work, connect_worker(database.runtime) as watch:
        newer = Worker(work, watch, [tally])
        newer.balance()
        assert not newer.catch_up()
    assert tallied.counts == {}


def test_each_shard_has_a_position_of_its_own(tallied: Tallied, log: Log, owner: Connection) -> None:
    somebody_writes(log, 1)
    shard = shard_of(TENANTS[3])
    tallied.folding.step(LogPages(tallied.work).between(0, 9), [shard], 0, 9)
    query: Any = """select shard from views.checkpoints c join views.generations using (view, generation)
        where view = 'tally' and state = 'serving' and position = 9"""
    assert owner.execute(query).fetchall() == [(shard,)]
    assert serving(owner)["tally"] == (tallied.folding.generation, tally.VERSION)
