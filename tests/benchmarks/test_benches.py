"""Every bench runs, in its smallest form, and prints both sides. How fast they are is no test's business."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
import pytest

from api.cli import BENCHES, SIZED
from infrastructure.database.embedded import EmbeddedPostgres, temporary_postgres
from tests.benchmarks import append, desk, erase, growth, inbox, live, rebuild, sockets, up
from tests.benchmarks.figures import Report, show

SMALLEST: dict[str, Callable[[], Report]] = {
    "append": lambda: append.run((2,), rounds=1, seconds=0.2),
    "erase": lambda: erase.measure(20, others=5, rounds=1),
    "growth": lambda: growth.measure(2_000, young=100, rounds=1, seconds=1),
    "inbox": lambda: inbox.measure(60, rounds=1, seconds=1),
    "live": lambda: live.measure(rates=(20,), rounds=1, seconds=1),
    "rebuild": lambda: rebuild.measure(60, rounds=1),
    "sockets": lambda: sockets.measure(20, rest=0.2, every=0.2),
    "up": lambda: up.measure(rounds=1, rest=0.2, seconds=1),
}
"""``send`` has a test of its own."""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few people, sockets and connections as show anything."""
    for bench, name, number in (
        (desk, "SESSIONS", 2),
        (up, "CONVERSATIONS", 4),
        (growth, "CONVERSATIONS", 4),
        (growth, "CONNECTIONS", (2,)),
        (inbox, "PAGE", 10),
        (inbox, "READERS", (2,)),
        (live, "SOCKETS", 2),
        (live, "WATCHED", 5),
        (sockets, "FEW", 2),
    ):
        monkeypatch.setattr(bench, name, number)


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedPostgres]:
    with temporary_postgres() as postgres:
        yield postgres


@pytest.fixture(autouse=True)
def one_cluster(cluster: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench gets a cluster of its own; here each gets the same one, emptied."""

    @contextmanager
    def emptied() -> Iterator[EmbeddedPostgres]:
        with psycopg.connect(cluster.owner_dsn.rsplit("/", 1)[0] + "/postgres", autocommit=True) as owner:
            found = owner.execute("select datname from pg_database where not datistemplate and datname <> 'postgres'")
            for (name,) in found.fetchall():
                owner.execute(f"drop database {name} with (force)")
            owner.execute("create database helpr")
        yield cluster

    for bench in (append, erase, growth, inbox, live, rebuild, sockets):
        monkeypatch.setattr(bench, "temporary_postgres", emptied)


@pytest.mark.parametrize("name", SMALLEST)
def test_a_bench_measures_both_sides_and_prints_them(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = SMALLEST[name]()
    assert report.bench == name
    for figure in report.figures:
        assert len(figure.ours) == len(figure.beside) == 1, figure.what
        assert figure.ours[0], figure.what
    show(report, as_json=False)
    table = capsys.readouterr().out
    assert all(side in table for side in report.sides)
    assert all(figure.what in table for figure in report.figures)
    show(report, as_json=True)
    assert msgspec.json.decode(capsys.readouterr().out.splitlines()[-1], type=Report) == report


def test_the_command_knows_every_bench_and_which_have_a_full_size() -> None:
    assert {*SMALLEST, "send"} == set(BENCHES)
    sized = {bench.__name__.rpartition(".")[2] for bench in (append, erase, growth, inbox, rebuild, sockets)}
    assert sized == set(SIZED)
    assert all("is_full" in bench.main.__annotations__ for bench in (append, erase, growth, inbox, rebuild, sockets))
