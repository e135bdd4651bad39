"""A batch of facts and the checkpoint behind it are one: both are there, or neither."""

from uuid import UUID

import psycopg
import pytest

from domain.conversations.events import ConversationResolved
from infrastructure.database.connections import connect_worker
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Fenced, Folding, commit, shard_of
from infrastructure.views.generations import SHARDS
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started, two, visitor_says
from tests.views import tally
from tests.views.conftest import Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-2")

ACME, OTHER = UUID(int=1), UUID(int=2)
talk = in_conversation(one, started(), visitor_says("Hello"), visitor_says("again"), ConversationResolved())


@pytest.mark.parametrize("most", [1, 2, 3, 500])
def test_each_fact_is_folded_once_whatever_the_size_of_the_page(tallied: Tallied, log: Log, most: int) -> None:
    end = log.write(ACME, talk)
    end = log.write(OTHER, in_conversation(two, started()))
    tallied.fold(most=most)
    assert (tallied.counts, tallied.positions) == ({one: 4, two: 1}, {end})


def test_a_batch_that_fails_leaves_no_row_and_moves_nothing(tallied: Tallied, log: Log) -> None:
    end = log.write(ACME, talk, in_conversation(two, started()))
    page = LogPages(tallied.work).between(0, end)
    tally.poisoned.add(two)
    with pytest.raises(tally.CannotBeFolded):
        commit([tallied.folding], page, range(SHARDS), 0, end)
    assert (tallied.counts, tallied.positions) == ({}, {0})


def test_a_worker_that_wakes_up_after_its_lease_is_gone_writes_nothing(
    tallied: Tallied, log: Log, database: Database
) -> None:
    end = log.write(ACME, talk)
    page = LogPages(tallied.work).between(0, end)
    with connect_worker(database.runtime) as successor:
        Folding(successor, tally, tallied.folding.generation).step(page, range(SHARDS), 0, end)
    with pytest.raises(Fenced):
        tallied.folding.step(page, range(SHARDS), 0, end)
    assert (tallied.counts, tallied.positions) == ({one: 4}, {end})


def test_it_writes_nothing_either_when_only_one_of_its_shards_has_gone(
    tallied: Tallied, log: Log, database: Database
) -> None:
    end = log.write(ACME, talk)
    page = LogPages(tallied.work).between(0, end)
    with connect_worker(database.runtime) as successor:
        Folding(successor, tally, tallied.folding.generation).step(page, [shard_of(OTHER)], 0, end)
    with pytest.raises(Fenced):
        tallied.folding.step(page, range(SHARDS), 0, end)
    assert tallied.counts == {}


def test_a_worker_that_dies_in_the_middle_of_a_batch_leaves_it_to_the_next(
    tallied: Tallied, log: Log, owner: Connection, database: Database
) -> None:
    end = log.write(ACME, talk)

    def it_dies() -> None:
        owner.execute("select pg_terminate_backend(%s, 5000)", (tallied.work.info.backend_pid,))

    tally.meanwhile.append(it_dies)
    with pytest.raises(psycopg.OperationalError):
        tallied.fold()
    assert tallied.counts == {}
    with connect_worker(database.runtime) as successor:
        again = Tallied(successor, owner, tallied.folding.generation)
        again.fold()
        assert (again.counts, again.positions, again.parked) == ({one: 4}, {end}, [])


def test_a_worker_folds_the_facts_of_its_own_shards_only(tallied: Tallied, log: Log) -> None:
    log.write(ACME, talk)
    end = log.write(OTHER, in_conversation(two, started()))
    page = LogPages(tallied.work).between(0, end)
    tallied.folding.step(page, [shard_of(OTHER)], 0, end)
    assert tallied.counts == {two: 1}
    assert tallied.folding.checkpoints() == dict.fromkeys(range(SHARDS), 0) | {shard_of(OTHER): end}


def test_readers_are_told_of_a_step_and_of_a_take_over_but_not_of_a_rebuild_under_way(
    tallied: Tallied, log: Log, owner: Connection, database: Database
) -> None:
    end = log.write(ACME, talk)
    with psycopg.connect(database.owner, autocommit=True) as reader:
        reader.execute("listen helpr_views")
        tallied.folding.step(LogPages(tallied.work).between(0, end), [0, 1, 2], 0, end)
        new = Folding(tallied.work, tally, rebuild(owner, tally))
        later = log.write(ACME, in_conversation(one, visitor_says("again")))
        new.step(LogPages(tallied.work).between(end, later), [3], end, later)
        told = [notice.payload for notice in reader.notifies(timeout=10, stop_after=3)]
        assert told == [f"tally {end} 7", f"tally {end} ffff", f"tally {later} 8"]
