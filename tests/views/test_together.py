"""Views that stand at the same place take a page in one transaction; where one of them cannot, nobody else waits."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Fenced, Folding, shard_of, step
from infrastructure.views.generations import SHARDS, serving
from infrastructure.views.positions import Positions
from infrastructure.views.worker import Worker
from projections import views
from projections.conversations import inbox, thread
from projections.usage import daily
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started, two, visitor_says
from tests.views.conftest import Connection
from tests.views.log import Log

pytestmark = pytest.mark.requirement("R-OPS-3")

ACME = UUID(int=1)
TOLD = [inbox, thread, daily]


@pytest.fixture
def work(database: Database) -> Iterator[Connection]:
    with connect_worker(database.runtime) as connection:
        yield connection


@pytest.fixture
def foldings(work: Connection) -> list[Folding]:
    return [Folding(work, view, serving(work)[view.NAME][0]) for view in TOLD]


def shown(owner: Connection) -> Any:
    """How many conversations, changes and messages the three views show."""
    query = """select (select count(*) from read.inbox), (select count(*) from read.thread),
        (select coalesce(sum(visitor_messages), 0)::int from read.daily)"""
    return owner.execute(query).fetchone()


def test_all_of_them_are_one_commit_and_one_wake_up(
    owner: Connection, log: Log, work: Connection, foldings: list[Folding], database: Database
) -> None:
    end = log.write(ACME, in_conversation(one, started(), visitor_says("Hello")))
    with psycopg.connect(database.owner, autocommit=True) as reader:
        reader.execute("listen helpr_views")
        step(foldings, LogPages(work).between(0, end), range(SHARDS), 0, end)
        told = [notice.payload for notice in reader.notifies(timeout=10, stop_after=1)]
    assert told == [f"inbox,thread,daily {end} ffff"]
    query = "select count(distinct xmin::text) from views.checkpoints where position = %s"
    assert owner.execute(query, (end,)).fetchone() == (1,)
    assert shown(owner) == (1, 2, 1)


def test_when_one_of_them_has_lost_a_shard_none_of_them_writes(
    owner: Connection, log: Log, work: Connection, foldings: list[Folding]
) -> None:
    end = log.write(ACME, in_conversation(one, started(), visitor_says("Hello")))
    page = LogPages(work).between(0, end)
    foldings[2].step(page, [3], 0, end)
    with pytest.raises(Fenced):
        step(foldings, page, range(SHARDS), 0, end)
    assert shown(owner) == (0, 0, 0)


def test_what_one_of_them_cannot_fold_is_parked_there_and_shown_by_the_others(
    owner: Connection, log: Log, work: Connection, foldings: list[Folding]
) -> None:
    log.write(ACME, in_conversation(one, visitor_says("before the conversation was begun")))
    end = log.write(ACME, in_conversation(two, started(), visitor_says("Hello")))
    step(foldings, LogPages(work).between(0, end), range(SHARDS), 0, end)
    assert shown(owner) == (1, 3, 2)
    parked = owner.execute("select view, stream_id, position, error from views.parked").fetchall()
    assert parked == [("inbox", one, 1, "KeyError")]
    end = log.write(ACME, in_conversation(one, visitor_says("again")), in_conversation(two, visitor_says("again")))
    step(foldings, LogPages(work).between(3, end), range(SHARDS), 3, end)
    assert shown(owner) == (1, 5, 4)
    assert owner.execute("select count(distinct xmin::text) from views.checkpoints where position = 5").fetchone() == (
        1,
    )


def test_a_worker_takes_all_views_that_stand_together_in_one_step(
    owner: Connection, log: Log, work: Connection, database: Database
) -> None:
    steps: list[list[str]] = []
    with connect_worker(database.runtime) as watch:
        worker = Worker(work, watch, views.ALL, folded=lambda names, page, end, seconds: steps.append([*names]))
        log.write(ACME, in_conversation(one, started()))
        while worker.catch_up():
            pass
        log.write(ACME, in_conversation(one, visitor_says("Hello")))
        while worker.catch_up():
            pass
    assert [sorted(names) for names in steps] == [sorted(view.NAME for view in views.ALL)] * 2


async def test_readers_hear_of_several_views_at_once() -> None:
    moved: list[str] = []
    positions = Positions(None, moved.append)
    positions.told(f"inbox,thread 7 {1 << shard_of(ACME):x}")
    assert [positions.of(view, ACME) for view in ("inbox", "thread", "daily")] == [7, 7, 0]
    assert moved == ["inbox", "thread"]
