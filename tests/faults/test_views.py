"""View workers in trouble while people write: a fact that one of them cannot fold, a process that is stopped and wakes
up when what it held is another's. Everybody else's views go on, and nothing is counted twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from api.settings import Settings
from infrastructure.views.generations import SHARDS
from infrastructure.views.status import status
from projections import views
from tests.conftest import Database
from tests.conversations.talk import in_conversation, started, visitor_says
from tests.database.conftest import HOUSE
from tests.views import tally
from tests.views.log import Log
from tests.views.rebuilt import rebuild
from tests.views.test_rebuilt_equals_live import rows

Connection = psycopg.Connection[Any]
TENANTS = [UUID(int=number) for number in range(SHARDS)]
SICK, ELSEWHERE = UUID(int=500), UUID(int=501)
"""Conversations of the first organisation and of the last."""
LONG = 3600.0


class Writing(threading.Thread):
    """Writes in every organisation, some 200 facts a second where the machine allows, and looks how far views are."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._owner = psycopg.connect(database.owner, autocommit=True)
        self._over, self._asked = threading.Event(), threading.Lock()
        self.log = Log(self._owner)
        self.lags: dict[str, float] = {}
        self.error: BaseException | None = None

    def say(self, tenant: UUID, *what: Any) -> int:
        """Somebody else writes as well; the position."""
        with self._asked:
            return self.log.write(tenant, *what)

    def run(self) -> None:
        try:
            for turn in range(10**9):
                for tenant in TENANTS:
                    talk = in_conversation(UUID(int=1000 + tenant.int + SHARDS * (turn // 8)), *_next(turn))
                    self.say(tenant, talk)
                self._look()
                if self._over.wait(0.05):
                    return
        except BaseException as error:
            self.error = error

    def _look(self) -> None:
        for view in status(self._owner):
            self.lags[view.view] = max(view.seconds, self.lags.get(view.view, 0))

    def end(self) -> None:
        self._over.set()
        self.join()
        self._owner.close()
        if self.error:
            raise self.error


def _next(turn: int) -> list[Any]:
    return [visitor_says("and")] if turn % 8 else [started(), visitor_says("Hello")]


class Worker:
    """A process, and its connections to PostgreSQL."""

    def __init__(self, process: "subprocess.Popen[str]", owner: Connection, before: set[int]) -> None:
        self.process, self._owner = process, owner
        self.backends = set(_backends(owner)) - before

    @property
    def is_stopped(self) -> bool:
        """Whether Linux has stopped it."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @property
    def is_connected(self) -> bool:
        """Whether PostgreSQL still knows a connection that it had in the beginning."""
        return not self.backends.isdisjoint(_backends(self._owner))

    @property
    def holds(self) -> int:
        """How many shards, of all views together."""
        return sum(count for pid, count in _held(self._owner).items() if pid in self.backends)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


class Scene:
    """A database, workers on it, and somebody who writes."""

    def __init__(self, database: Database, owner: Connection, folder: Path) -> None:
        self._database, self._folder, self.owner = database, folder, owner
        self._workers: list[Worker] = []

    def work(self, *how: str, lease: float = LONG) -> Worker:
        """One more worker, once it is connected."""
        command = [sys.executable, "-m", "tests.faults.view_worker", self._database.runtime, str(lease), *how]
        before, output = set(_backends(self.owner)), self._folder / f"worker-{len(self._workers)}.log"
        with output.open("w") as errors:
            process = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", output.read_text()
        self._workers.append(Worker(process, self.owner, before))
        return self._workers[-1]

    def said(self, worker: Worker) -> str:
        """What a worker has logged."""
        return (self._folder / f"worker-{self._workers.index(worker)}.log").read_text()

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Somebody writes until the end."""
        writing = Writing(self._database)
        writing.start()
        try:
            yield writing
        finally:
            writing.end()

    @property
    def parked(self) -> list[tuple[str, UUID, str]]:
        query = "select view, stream_id, error from views.parked order by parked_at, view"
        return self.owner.execute(query).fetchall()

    def replay(self) -> str:
        """As an operator does it, with a version that knows better; what they are told."""
        settings = Settings(data=self._folder, database_url=self._database.runtime, owner_url=self._database.owner)
        command = [sys.executable, "-m", "api.cli", "views", "replay", "inbox"]
        environment = {**os.environ, **settings.environment()}
        return subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, check=True).stdout

    def until_all_is_shown(self) -> None:
        self.until(lambda: all(view.lag == 0 for view in status(self.owner)), seconds=60)

    def nothing_is_lost_or_doubled(self, log: Log) -> None:
        """Every fact that the counting view hears is counted once; the others are as if they were built anew."""
        counted = dict(self.owner.execute("select stream_id, facts from read.tally").fetchall())
        assert counted == Counter(row.stream for _, row in log.rows)
        for view in views.ALL:
            live = rows(self.owner, view)
            rebuild(self.owner, view)
            assert rows(self.owner, view) == live, view.NAME

    def until(self, holds: Callable[[], object], *, seconds: float = 60.0) -> float:
        """Waits until something holds, and fails with what the workers said when it does not in time; how long that
        took."""
        begun = time.monotonic()
        while not holds():
            words = "".join(map(self.said, self._workers))
            assert time.monotonic() - begun < seconds, f"it did not happen in {seconds:.0f} s: {words[-2000:]}"
            time.sleep(0.02)
        return time.monotonic() - begun

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.communicate()


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        rebuild(owner, tally)
        made = Scene(database, owner, tmp_path)
        yield made
        made.close()


def _backends(owner: Connection) -> list[int]:
    query = """select pid from pg_stat_activity
        where application_name = 'helpr views' and datname = current_database()"""
    return [pid for (pid,) in owner.execute(query)]


def _held(owner: Connection) -> dict[int, int]:
    query = """select pid, count(*) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'
        and objsubid = 2 and objid < 16 and classid <> 7305510
        and database = (select oid from pg_database where datname = current_database()) group by pid"""
    return dict(owner.execute(query).fetchall())


ALL = SHARDS * (len(views.ALL) + 1)


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.soak)], ids=["short", "long"])
def test_a_fact_that_cannot_be_folded_parks_its_stream_others_go_on_and_replay_clears_it(
    scene: Scene, seconds: float
) -> None:
    scene.work("sick", str(SICK))
    with scene.writing() as writing:
        writing.say(TENANTS[0], in_conversation(SICK, started()), in_conversation(ELSEWHERE, started()))
        time.sleep(seconds / 2)
        writing.lags.clear()
        writing.say(TENANTS[0], in_conversation(SICK, visitor_says("what nobody here can fold")))
        took = scene.until(lambda: scene.parked)
        later = writing.say(
            TENANTS[0],
            in_conversation(SICK, visitor_says("it waits")),
            in_conversation(ELSEWHERE, visitor_says("not I")),
        )
        time.sleep(seconds / 2)
        scene.until(lambda: all(view.position >= later for view in status(scene.owner)))
    scene.until_all_is_shown()
    assert scene.parked == [("inbox", SICK, "DoesNotKnow")]
    shown = "select conversation_id, sequence from read.inbox where conversation_id in (%s, %s) order by 1"
    assert scene.owner.execute(shown, (SICK, ELSEWHERE)).fetchall() == [(SICK, 1), (ELSEWHERE, 2)]
    assert "1 streams folded again" in scene.replay()
    assert scene.parked == []
    assert scene.owner.execute(shown, (SICK, ELSEWHERE)).fetchall() == [(SICK, 3), (ELSEWHERE, 2)]
    scene.nothing_is_lost_or_doubled(writing.log)
    worst = max(writing.lags.values())
    print(f"\nparked after {took:.2f} s; {len(writing.log.rows):,} facts; the views' lag at most {worst:.2f} s")


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.requirement("R-OPS-3")
@pytest.mark.parametrize(
    ("lease", "paused"), [(1.5, 2.0), pytest.param(10.0, 60.0, marks=pytest.mark.soak)], ids=["short", "long"]
)
@pytest.mark.parametrize("when", ["anywhere", "in the middle of a transaction"])
def test_a_worker_that_is_stopped_is_replaced_and_writes_nothing_when_it_wakes_up(
    scene: Scene, when: str, lease: float, paused: float
) -> None:
    how = ("stops", str(SICK)) if when != "anywhere" else ()
    sleeper = scene.work(*how, lease=lease)
    scene.until(lambda: sleeper.holds == ALL)
    with scene.writing() as writing:
        time.sleep(0.5)
        if how:
            writing.say(TENANTS[0], in_conversation(SICK, started()))
        else:
            sleeper.send(signal.SIGSTOP)
        scene.until(lambda: sleeper.is_stopped)
        stopped = time.monotonic()
        undone = _under_way(scene.owner, sleeper) if how else None
        successor = scene.work(lease=lease)
        scene.until(lambda: successor.holds == ALL)
        took = time.monotonic() - stopped
        scene.until(lambda: not sleeper.is_connected)
        here = writing.say(TENANTS[0], in_conversation(ELSEWHERE, started()))
        scene.until(lambda: all(view.position >= here for view in status(scene.owner)))
        time.sleep(max(0.0, paused - took))
        sleeper.send(signal.SIGCONT)
        scene.until(lambda: successor.holds < ALL == sum(_held(scene.owner).values()))
        time.sleep(0.5)
    scene.until_all_is_shown()
    if how:
        assert scene.owner.execute("select pg_xact_status(%s::text::xid8)", (undone,)).fetchone() == ("aborted",)
    assert "views are away" in scene.said(sleeper), "it has noticed"
    scene.nothing_is_lost_or_doubled(writing.log)
    print(f"\ntaken over {took:.2f} s after it was stopped ({when}); {len(writing.log.rows):,} facts")


def _under_way(owner: Connection, worker: Worker) -> str:
    """The transaction that a worker has open and has written in."""
    query = """select backend_xid::text from pg_stat_activity
        where pid = any(%s) and state = 'idle in transaction' and backend_xid is not null"""
    ((found,),) = owner.execute(query, (list(worker.backends),)).fetchall()
    return str(found)


@pytest.mark.requirement("R-OPS-3")
def test_a_worker_that_wakes_up_before_its_connection_is_ended_is_fenced(scene: Scene) -> None:
    """Only the connection that holds its leases is gone; the other would take what it has read."""
    sleeper = scene.work("pauses", str(SICK))
    scene.until(lambda: sleeper.holds == ALL)
    with scene.writing() as writing:
        time.sleep(0.5)
        here = writing.say(TENANTS[0], in_conversation(SICK, started()))
        scene.until(lambda: sleeper.is_stopped)
        (watch,) = sleeper.backends & _held(scene.owner).keys()
        (work,) = sleeper.backends - {watch}
        scene.owner.execute("select pg_terminate_backend(%s, 5000)", (watch,))
        successor = scene.work()
        scene.until(lambda: successor.holds == ALL)
        scene.until(lambda: all(view.position >= here for view in status(scene.owner)))
        assert work in _backends(scene.owner), "it could still write"
        sleeper.send(signal.SIGCONT)
        scene.until(lambda: "a lease was lost" in scene.said(sleeper))
    scene.until_all_is_shown()
    scene.nothing_is_lost_or_doubled(writing.log)
