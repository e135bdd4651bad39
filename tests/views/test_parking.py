"""A fact that cannot be folded: its stream waits, everybody else goes on, and nothing of it is lost."""

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import psycopg
import pytest

from domain.conversations.events import ConversationResolved
from domain.shared.event import Event
from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.keys.facts import UnknownFact
from infrastructure.views.folding import Fenced, Folding
from infrastructure.views.generations import SHARDS
from infrastructure.views.replaying import replay
from infrastructure.views.worker import Worker
from projections import views
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started, three, two, visitor_says
from tests.views import tally
from tests.views.conftest import Beside, Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-2")

ACME, OTHER = UUID(int=1), UUID(int=2)
good = [in_conversation(UUID(int=number), started(), visitor_says("Hello")) for number in range(20, 40)]
bad = in_conversation(one, started(), visitor_says("Hello"))


@pytest.mark.parametrize("most", [1, 7, 500])
def test_its_stream_is_parked_with_the_position_and_the_others_go_on(tallied: Tallied, log: Log, most: int) -> None:
    log.write(ACME, *good[:10], bad, *good[10:])
    end = log.write(OTHER, in_conversation(two, started()))
    tally.poisoned.add(one)
    tallied.fold(most=most)
    assert tallied.parked == [(one, 21, "CannotBeFolded")]
    assert tallied.counts == {what.stream: 2 for what in good} | {two: 1}
    assert tallied.positions == {end}


def test_only_that_stream_is_parked_not_its_namesake_in_another_organisation(tallied: Tallied, log: Log) -> None:
    log.write(ACME, bad)
    tally.poisoned.add(one)
    tallied.fold()
    tally.poisoned.clear()
    log.write(OTHER, bad)
    tallied.fold()
    assert (tallied.counts, len(tallied.parked)) == ({one: 2}, 1)


def test_what_happens_later_in_a_parked_stream_waits_as_well(tallied: Tallied, log: Log) -> None:
    log.write(ACME, in_conversation(one, started()), in_conversation(two, started()))
    tallied.fold()
    log.write(ACME, in_conversation(one, visitor_says("Hello")))
    tally.poisoned.add(one)
    tallied.fold()
    tally.poisoned.clear()
    log.write(ACME, in_conversation(one, ConversationResolved()), in_conversation(two, ConversationResolved()))
    tallied.fold()
    assert (tallied.counts, tallied.parked) == ({one: 1, two: 2}, [(one, 3, "CannotBeFolded")])


def test_replay_folds_what_waited_once_and_the_stream_goes_on(tallied: Tallied, log: Log, owner: Connection) -> None:
    log.write(ACME, bad, *good[:2])
    tally.poisoned.add(one)
    tallied.fold()
    log.write(ACME, in_conversation(one, visitor_says("again")))
    tallied.fold()
    tally.poisoned.clear()
    assert replay(owner, tally) == 1
    assert (tallied.counts[one], tallied.parked) == (3, [])
    log.write(ACME, in_conversation(one, ConversationResolved()))
    tallied.fold()
    assert tallied.counts[one] == 4
    assert replay(owner, tally) == 0
    assert tallied.counts[one] == 4


def test_what_still_cannot_be_folded_stays_parked_and_keeps_nobody_from_being_cleared(
    tallied: Tallied, log: Log, owner: Connection
) -> None:
    log.write(ACME, bad, in_conversation(two, started()), in_conversation(three, started()))
    tally.poisoned.update({one, two, three})
    tallied.fold()
    tally.poisoned.difference_update({two, three})
    with pytest.raises(tally.CannotBeFolded):
        replay(owner, tally)
    assert tallied.counts == {two: 1, three: 1}
    assert tallied.parked == [(one, 1, "CannotBeFolded")]


def test_two_replays_at_once_fold_it_once(
    tallied: Tallied, log: Log, owner: Connection, database: Database, beside: Beside
) -> None:
    log.write(ACME, bad)
    tally.poisoned.add(one)
    tallied.fold()
    tally.poisoned.clear()
    with psycopg.connect(database.owner, autocommit=True) as another:
        beside.meanwhile(lambda: replay(another, tally))
        assert (replay(owner, tally), beside.others[0].result()) == (1, 0)
    assert tallied.counts == {one: 2}


def test_what_happens_while_a_stream_is_replayed_is_folded_after_it(
    tallied: Tallied, log: Log, owner: Connection, beside: Beside
) -> None:
    log.write(ACME, bad)
    tally.poisoned.add(one)
    tallied.fold()
    tally.poisoned.clear()
    log.write(ACME, in_conversation(one, ConversationResolved()))
    beside.meanwhile(tallied.fold)
    assert replay(owner, tally) == 1
    beside.others[0].result()
    assert (tallied.counts, tallied.parked) == ({one: 3}, [])


def test_a_fenced_worker_parks_nothing(
    tallied: Tallied, log: Log, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = log.write(ACME, bad)
    page = LogPages(tallied.work).between(0, end)
    halve = Folding._halve

    def meanwhile(self: Folding, *asked: Any) -> None:
        """Between the failure and the parking another worker, whose fold is mended, goes by."""
        tally.poisoned.clear()
        with connect_worker(database.runtime) as successor:
            Folding(successor, tally, tallied.folding.generation).step(page, range(SHARDS), 0, end)
        halve(self, *asked)

    monkeypatch.setattr(Folding, "_halve", meanwhile)
    tally.poisoned.add(one)
    with pytest.raises(Fenced):
        tallied.folding.step(page[:1], range(SHARDS), 0, 1)
    assert (tallied.parked, tallied.counts) == ([], {one: 2})


def test_whoever_takes_a_shard_over_knows_what_was_parked_a_moment_ago(
    tallied: Tallied, log: Log, database: Database
) -> None:
    end = log.write(ACME, bad)
    with connect_worker(database.runtime) as work:
        successor = Folding(work, tally, tallied.folding.generation)
        tally.poisoned.add(one)
        tallied.fold()
        tally.poisoned.clear()
        later = log.write(ACME, in_conversation(one, ConversationResolved()))
        successor.step(LogPages(work).between(end, later), range(SHARDS), end, later)
    assert (tallied.counts, tallied.parked) == ({}, [(one, 1, "CannotBeFolded")])


def test_a_database_that_is_away_parks_nothing(tallied: Tallied, log: Log) -> None:
    log.write(ACME, bad)

    def cancelled() -> None:
        raise psycopg.errors.QueryCanceled

    tally.meanwhile.append(cancelled)
    with pytest.raises(psycopg.errors.QueryCanceled):
        tallied.fold()
    assert (tallied.parked, tallied.positions) == ([], {0})
    tallied.fold()
    assert tallied.counts == {one: 2}


def test_a_rebuild_is_strict(tallied: Tallied, log: Log, owner: Connection) -> None:
    log.write(ACME, bad, *good)
    tally.poisoned.add(one)
    tallied.fold()
    with pytest.raises(tally.CannotBeFolded):
        rebuild(owner, tally)
    assert len(tallied.parked) == 1
    tally.poisoned.clear()
    rebuild(owner, tally)
    assert (tallied.counts[one], tallied.parked) == (2, [])


@pytest.fixture
def later_version() -> Iterator[type[Event]]:
    """A fact that only a later version of the product knows."""

    class SomethingNew(Event, frozen=True, kw_only=True):
        NAME: ClassVar = "tests.SomethingNew"

    yield SomethingNew
    Event.named.pop("tests.SomethingNew", None)


def test_a_fact_of_an_unknown_name_stalls_no_view(
    database: Database, owner: Connection, log: Log, later_version: type[Event]
) -> None:
    log.write(ACME, bad, in_conversation(two, started()))
    log.write(ACME, in_conversation(one, later_version()), in_conversation(one, ConversationResolved()))
    log.write(ACME, in_conversation(two, ConversationResolved()))
    Event.named.pop("tests.SomethingNew")
    with connect_worker(database.runtime) as work, connect_worker(database.runtime) as watch:
        worker = Worker(work, watch, views.ALL)
        worker.balance()
        while worker.catch_up():
            pass
    parked = owner.execute("select view, stream_id, position, error from views.parked order by 1").fetchall()
    assert parked == [(view, one, 4, "UnknownFact") for view in sorted(view.NAME for view in views.ALL)]
    inbox = owner.execute("select conversation_id, status from read.inbox order by 1").fetchall()
    assert inbox == [(one, "open"), (two, "resolved")]
    with pytest.raises(UnknownFact):
        replay(owner, views.ALL[0])

    Event.named["tests.SomethingNew"] = later_version
    assert [replay(owner, view) for view in views.ALL] == [1] * len(views.ALL)
    inbox = owner.execute("select conversation_id, status from read.inbox order by 1").fetchall()
    assert inbox == [(one, "resolved"), (two, "resolved")]
    assert owner.execute("select count(*) from views.parked").fetchone() == (0,)


def test_a_fact_that_cannot_be_decoded_parks_its_stream_where_somebody_listens(
    tallied: Tallied, log: Log, owner: Connection
) -> None:
    (row,) = log.sealed(ACME, in_conversation(one, started()))
    log.append(ACME, [msgspec.structs.replace(row, data=b"\xc1")])
    (row,) = log.sealed(ACME, in_conversation(two, started()))
    log.append(ACME, [msgspec.structs.replace(row, data=b"\xc1", name="visitors.VisitorForgotten")])
    log.write(ACME, in_conversation(three, started()))
    tallied.fold()
    assert tallied.parked == [(one, 1, "BrokenFact")]
    assert tallied.counts == {three: 1}
