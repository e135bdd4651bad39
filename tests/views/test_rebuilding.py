"""A view is built anew beside the old one, from all that ever happened, or not at all."""

from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.database.migrations import migrate
from infrastructure.views.generations import Generation, create
from infrastructure.views.rebuilding import rebuild_all
from projections.conversations import inbox
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started, two, visitor_says
from tests.views import tally
from tests.views.conftest import Beside, Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-2")

ACME = UUID(int=1)


def test_a_rebuild_that_fails_leaves_the_old_one_serving_and_nothing_else(
    tallied: Tallied, log: Log, owner: Connection
) -> None:
    log.write(ACME, in_conversation(one, started()), in_conversation(two, started()))
    tallied.fold()
    tally.poisoned.add(two)
    with pytest.raises(tally.CannotBeFolded):
        rebuild(owner, tally)
    assert tallied.generations == [(1, tally.VERSION, "serving")]
    assert tallied.schemas == ["tally_1"]
    log.write(ACME, in_conversation(one, visitor_says("Hello")))
    tallied.fold()
    assert tallied.counts == {one: 2, two: 1}


def test_views_that_are_rebuilt_together_take_over_all_or_none_when_one_cannot_fold(
    tallied: Tallied, log: Log, owner: Connection
) -> None:
    log.write(ACME, in_conversation(one, started()), in_conversation(two, started()))
    tally.poisoned.add(two)
    before = owner.execute("select view, generation, state from views.generations order by 1").fetchall()
    with pytest.raises(tally.CannotBeFolded):
        rebuild_all(owner, [inbox, tally])
    assert owner.execute("select view, generation, state from views.generations order by 1").fetchall() == before
    tally.poisoned.clear()
    told: list[tuple[str, int, int]] = []
    made = rebuild_all(owner, [inbox, tally], progress=lambda *done: told.append(done))
    assert [(generation.view, generation.number) for generation in made] == [("inbox", 2), ("tally", 2)]
    assert told == [("inbox", 2, 2), ("tally", 2, 2)]
    assert (tallied.counts, tallied.schemas) == ({one: 1, two: 1}, ["tally_2"])
    assert owner.execute("select count(*) from read.inbox").fetchone() == (2,)
    assert rebuild_all(owner, []) == []


def test_a_rebuild_that_dies_leaves_the_old_one_serving_and_the_next_tidies_up(
    tallied: Tallied, log: Log, owner: Connection, database: Database
) -> None:
    log.write(ACME, in_conversation(one, started()))
    tallied.fold()
    with psycopg.connect(database.owner, autocommit=True) as dying:
        pid = dying.info.backend_pid

        def it_dies() -> None:
            owner.execute("select pg_terminate_backend(%s, 5000)", (pid,))

        tally.meanwhile.append(it_dies)
        with pytest.raises(psycopg.OperationalError):
            rebuild(dying, tally)
    assert [state for *_, state in tallied.generations] == ["serving", "filling"]
    assert tallied.counts == {one: 1}
    rebuild(owner, tally)
    assert tallied.generations == [(2, tally.VERSION, "serving")]
    assert tallied.schemas == ["tally_2"]


def test_a_second_rebuild_waits_for_the_first(
    tallied: Tallied, log: Log, owner: Connection, database: Database, beside: Beside
) -> None:
    log.write(ACME, in_conversation(one, started()))
    with psycopg.connect(database.owner, autocommit=True) as another:
        beside.meanwhile(lambda: rebuild(another, tally))
        assert rebuild(owner, tally).number == 2
        assert beside.others[0].result(10).number == 3
    assert (tallied.schemas, tallied.counts) == (["tally_3"], {one: 1})


def test_a_view_that_changed_is_rebuilt_when_the_database_is_brought_up_to_date(
    tallied: Tallied, log: Log, owner: Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(ACME, in_conversation(one, started()))
    migrate(database.owner, [tally])
    assert tallied.generations == [(1, 1, "serving")]
    with owner.transaction():
        create(owner, tally, state="filling")
    monkeypatch.setattr(tally, "VERSION", 2)
    done: list[tuple[str, int, int]] = []
    migrate(database.owner, [tally], progress=lambda *told: done.append(told))
    assert (tallied.generations, tallied.schemas) == ([(2, 2, "serving")], ["tally_2"])
    assert tallied.counts == {one: 1}
    assert done == [("tally", 1, 1)]


def test_progress_is_told_page_by_page_until_all_is_folded(tallied: Tallied, log: Log, owner: Connection) -> None:
    log.write(ACME, *(in_conversation(UUID(int=n), started()) for n in range(100, 4600)))
    done: list[tuple[str, int, int]] = []
    rebuild(owner, tally, progress=lambda *told: done.append(told))
    assert done == [("tally", 2000, 4500), ("tally", 4000, 4500), ("tally", 4500, 4500)]


def test_old_tables_are_gone_from_what_readers_see_when_a_view_has_others(
    tallied: Tallied, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "infrastructure.views.generations.tables_of",
        lambda view: "create table tally (tenant_id uuid primary key, stream_id uuid, facts integer)",
    )
    rebuild(owner, tally)
    query = "select viewname from pg_views where schemaname = 'read' and viewname like 'tally%' order by 1"
    assert owner.execute(query).fetchall() == [("tally",)]


def test_an_owner_who_is_no_superuser_builds_views_and_rebuilds_them(cluster: EmbeddedPostgres) -> None:
    """As on a managed PostgreSQL: rows are written under row-level security even by whoever owns the tables."""
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as super_user:
        super_user.execute("create role plain_owner login password 'plain' createrole")
        super_user.execute("grant helpr_app, helpr_worker to plain_owner with admin option, inherit false, set false")
        super_user.execute("create database plain owner plain_owner")
        dsn = make_conninfo(cluster.owner_dsn, user="plain_owner", password="plain", dbname="plain")
        try:
            migrate(dsn, [tally])
            with psycopg.connect(dsn, autocommit=True) as plain:
                Log(plain).write(ACME, in_conversation(one, started()))
                assert rebuild(plain, tally) == Generation("tally", 2)
            with psycopg.connect(make_conninfo(cluster.owner_dsn, dbname="plain")) as anybody:
                assert anybody.execute("select stream_id, facts from read.tally").fetchall() == [(one, 1)]
        finally:
            super_user.execute("drop database plain with (force)")
            super_user.execute("drop role plain_owner")
