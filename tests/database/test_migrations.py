"""The schema comes to a database once, whole, and only in the form that this version knows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.database import migrations
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres
from infrastructure.database.migrations import SchemaIsForeign, migrate
from projections import views
from tests.views import tally

pytestmark = pytest.mark.requirement("R-OPS-3")


@pytest.fixture
def empty(cluster: EmbeddedPostgres) -> Iterator[str]:
    """A database with nothing in it."""
    name = sql.Identifier("empty")
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(name))
        yield make_conninfo(cluster.owner_dsn, dbname="empty")
        owner.execute(sql.SQL("drop database {} with (force)").format(name))


def found(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as anybody:
        return anybody.execute(query).fetchall()


APPLIED = "select name, applied_at from public.helpr_migrations order by 1"
GENERATIONS = "select view, generation from views.generations order by 1, 2"


def test_an_empty_database_gets_the_schema_and_a_generation_of_every_view(empty: str) -> None:
    migrate(empty, views.ALL, runtime_login=RUNTIME_LOGIN)
    assert len(found(empty, APPLIED)) == len(migrations.FILES)
    assert found(empty, GENERATIONS) == [(view, 1) for view in sorted(view.NAME for view in views.ALL)]


def test_the_second_time_nothing_happens(empty: str) -> None:
    migrate(empty, [tally])
    applied = found(empty, APPLIED)
    migrate(empty, [tally])
    assert (found(empty, APPLIED), found(empty, GENERATIONS)) == (applied, [("tally", 1)])


def test_of_several_processes_that_start_at_once_one_does_it(empty: str) -> None:
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(lambda _: migrate(empty, [tally]), range(4)))
    assert found(empty, GENERATIONS) == [("tally", 1)]


def test_a_file_that_fails_leaves_nothing_and_is_applied_when_it_is_mended(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = tmp_path / "later.sql"
    monkeypatch.setattr(migrations, "FILES", (*migrations.FILES, more))
    more.write_text("create table public.later (); select 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty, [tally])
    assert found(empty, "select to_regclass('public.later')::text") == [(None,)]
    assert len(found(empty, APPLIED)) == len(migrations.FILES) - 1
    more.write_text("create table public.later ();")
    migrate(empty, [tally])
    assert found(empty, "select to_regclass('public.later')::text") == [("later",)]


def test_a_database_of_another_version_is_left_as_it_is(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "later.sql"
    monkeypatch.setattr(migrations, "FILES", (*migrations.FILES, file))
    file.write_text("create table public.later ();")
    migrate(empty, [tally])
    file.write_text("create table public.later (); create table public.more ();")
    with pytest.raises(SchemaIsForeign, match=r"later\.sql"):
        migrate(empty, [tally])
    assert found(empty, "select to_regclass('public.more')::text") == [(None,)]
