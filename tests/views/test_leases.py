"""Who folds what: workers share the shards of a view, and no shard has two of them."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infrastructure.database.connections import connect_worker
from infrastructure.views.generations import SHARDS, Generation
from infrastructure.views.leases import Leases
from tests.conftest import Database
from tests.database.conftest import eventually
from tests.views import tally

pytestmark = pytest.mark.requirement("R-OPS-3")

ALL, GENERATION = set(range(SHARDS)), Generation("tally", 1)


class Team:
    """Workers come and go; each looks around when it is asked to."""

    def __init__(self, dsn: str) -> None:
        self._dsn, self._watcher = dsn, connect_worker(dsn)
        self.held: dict[str, set[int]] = {}
        self._workers: dict[str, tuple[Any, Leases]] = {}

    def join(self, name: str, view: Any = tally) -> None:
        connection = connect_worker(self._dsn)
        self._workers[name] = connection, Leases(connection, [view])
        self.held[name] = set()

    def die(self, name: str) -> None:
        """As a process dies: without a word. Its end of the connection is gone once PostgreSQL has noticed."""
        connection = self._workers.pop(name)[0]
        pid = connection.info.backend_pid
        connection.close()
        eventually(lambda: not self._watcher.execute("select 1 from pg_locks where pid = %s", (pid,)).fetchone())
        del self.held[name]

    def locks(self, name: str) -> int:
        """How many shards PostgreSQL says a worker has locked."""
        query = "select count(*) from pg_locks where pid = %s and locktype = 'advisory' and mode = 'ExclusiveLock'"
        row = self._watcher.execute(query, (self._workers[name][0].info.backend_pid,)).fetchone()
        return row[0] if row else 0

    def disband(self) -> None:
        for name in list(self.held):
            self.die(name)
        self._watcher.close()

    def look(self, name: str, generation: Generation = GENERATION) -> set[int]:
        """What this worker holds, now that it has looked who else is there."""
        self.held[name] = self._workers[name][1].balance([generation])[generation]
        return self.held[name]

    def look_twice(self) -> None:
        """Everybody looks, and once more: what one gives back another may take."""
        for name in [*self._workers, *self._workers]:
            self.look(name)
            self.assert_nobody_shares_a_shard()

    def assert_nobody_shares_a_shard(self) -> None:
        taken = [shard for shards in self.held.values() for shard in shards]
        assert len(taken) == len(set(taken))

    @property
    def sizes(self) -> list[int]:
        return sorted(map(len, self.held.values()))


@pytest.fixture
def team(module_database: Database) -> Iterator[Team]:
    made = Team(module_database.runtime)
    yield made
    made.disband()


def test_one_worker_holds_all_shards(team: Team) -> None:
    team.join("a")
    assert team.look("a") == ALL


def test_a_second_gets_half_of_them_once_the_first_has_noticed(team: Team) -> None:
    team.join("a")
    team.look("a")
    team.join("b")
    assert team.look("b") == set()
    assert (len(team.look("a")), len(team.look("b"))) == (8, 8)
    team.assert_nobody_shares_a_shard()


def test_a_third_gets_its_share_as_well(team: Team) -> None:
    for name in ("a", "b", "c"):
        team.join(name)
        team.look_twice()
    assert set.union(*team.held.values()) == ALL
    assert team.sizes == [4, 6, 6]


def test_what_a_dead_worker_held_goes_to_the_others(team: Team) -> None:
    for name in ("a", "b", "c"):
        team.join(name)
        team.look_twice()
    team.die("a")
    team.look_twice()
    assert set.union(*team.held.values()) == ALL
    assert team.sizes == [8, 8]
    team.die("b")
    assert team.look("c") == ALL


def test_more_workers_than_shards_have_one_each_or_none(team: Team) -> None:
    for number in range(SHARDS + 2):
        team.join(str(number))
    team.look_twice()
    assert team.sizes == [0, 0, *[1] * SHARDS]


def test_a_worker_of_yesterdays_version_takes_no_share_of_todays_view(team: Team) -> None:
    team.join("yesterday", SimpleNamespace(NAME="tally", VERSION=tally.VERSION - 1))
    team.join("today")
    assert team.look("today") == ALL


def test_shards_of_a_generation_that_serves_no_more_are_free_at_once(team: Team) -> None:
    team.join("a")
    team.join("b")
    team.look_twice()
    assert len(team.look("a", Generation("tally", 2))) == 8
    assert team.locks("a") == 8


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["join", "die", "look"])), max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_comes_and_goes_no_shard_has_two_workers_and_in_the_end_each_has_one(
    module_database: Database, story: list[tuple[str, str]]
) -> None:
    team = Team(module_database.runtime)
    try:
        for name, does in story:
            if does == "join" and name not in team.held:
                team.join(name)
            elif does != "join" and name in team.held:
                getattr(team, does)(name)
            team.assert_nobody_shares_a_shard()
        team.look_twice()
        if team.held:
            assert set.union(*team.held.values()) == ALL
            assert team.sizes[-1] <= -(-SHARDS // len(team.held))
    finally:
        team.disband()
