"""The second wall: whatever a question forgets to ask, PostgreSQL shows one organisation's rows only."""

from collections.abc import Iterator
from random import Random
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from infrastructure.database.embedded import RUNTIME_LOGIN
from infrastructure.views.generations import create, serving, tables
from projections import views
from tests.conftest import Database
from tests.views import tally
from tests.views.conftest import Connection
from tests.views.histories import Organisation
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-ANA-3")

ACME, OTHER, NOBODY = UUID(int=1), UUID(int=2), UUID(int=3)
UNPROTECTED = """
    with wall as (
        select polrelid, count(*) as policies,
            count(*) filter (where polcmd = 'r' and polroles = array['helpr_app'::regrole]::oid[]
                and pg_get_expr(polqual, polrelid) like '%helpr.tenant%') as readers,
            count(*) filter (where polroles = array['helpr_worker'::regrole]::oid[]) as workers
        from pg_policy group by polrelid
    )
    select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join views.generations g on n.nspname = g.view || '_' || g.generation
    left join wall on polrelid = c.oid
    where c.relkind in ('r', 'p', 'm', 'v', 'f') and not coalesce(c.relkind = 'r' and c.relrowsecurity
        and c.relforcerowsecurity and policies = 2 and readers = 1 and workers = 1, false)
    order by 1"""
"""Whatever lies in the schema of a generation and is not a table with row-level security, for the owner, too, which
readers see by their organisation and workers whole."""


@pytest.fixture(scope="module")
def filled(module_database: Database) -> Database:
    """Two organisations in every table of every view, under the same ids."""
    with psycopg.connect(module_database.owner, autocommit=True) as owner:
        log = Log(owner)
        for tenant in (ACME, OTHER):
            log.write(tenant, *Organisation(Random(1)).live(1500, forgets=True))
        for view in views.ALL:
            rebuild(owner, view)
    return module_database


@pytest.fixture
def owner(filled: Database) -> Iterator[Connection]:
    with psycopg.connect(filled.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(filled: Database) -> Iterator[Connection]:
    """The API's role, for no organisation yet."""
    with psycopg.connect(filled.runtime, autocommit=True, options="-c role=helpr_app") as connection:
        yield connection


def all_tables(owner: Connection) -> list[sql.Identifier]:
    """Every table of every generation that serves, and what readers see of it."""
    known = [generation for generation, _ in serving(owner).values()]
    names = [(generation.schema, table) for generation in known for table in tables(owner, generation)]
    names += owner.execute("select schemaname, viewname from pg_views where schemaname = 'read'").fetchall()
    return [sql.Identifier(*name) for name in names]


def tenants(connection: Connection, table: sql.Identifier) -> set[UUID]:
    """Whose rows a question without any filter finds."""
    return {tenant for (tenant,) in connection.execute(sql.SQL("select tenant_id from {}").format(table))}


def as_tenant(app: Connection, tenant: UUID | str) -> None:
    app.execute("select set_config('helpr.tenant', %s, false)", (str(tenant),))


def test_every_table_of_every_view_holds_rows_of_two_organisations(owner: Connection) -> None:
    assert len(all_tables(owner)) >= 2 * 13
    for table in all_tables(owner):
        assert tenants(owner, table) == {ACME, OTHER}, table.as_string()


def test_the_api_sees_one_organisation_also_where_nobody_filters(owner: Connection, app: Connection) -> None:
    for tenant in (ACME, OTHER):
        as_tenant(app, tenant)
        for table in all_tables(owner):
            assert tenants(app, table) == {tenant}, table.as_string()


@pytest.mark.parametrize("tenant", ["", NOBODY])
def test_without_an_organisation_or_with_an_unknown_one_there_are_no_rows(
    owner: Connection, app: Connection, tenant: UUID | str
) -> None:
    for table in all_tables(owner):
        assert tenants(app, table) == set(), table.as_string()
    as_tenant(app, tenant)
    for table in all_tables(owner):
        assert tenants(app, table) == set(), table.as_string()


def test_nobody_asks_around_the_wall(owner: Connection, app: Connection) -> None:
    as_tenant(app, ACME)
    for table in all_tables(owner):
        query = sql.SQL("select count(*) from {} where tenant_id = %s or true").format(table)
        assert (
            app.execute(query, (OTHER,)).fetchone()
            == app.execute(sql.SQL("select count(*) from {} where tenant_id = %s").format(table), (ACME,)).fetchone()
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("set row_security = off; select * from read.inbox")


@pytest.mark.parametrize(
    "statement",
    ["delete from {}", "update {} set tenant_id = tenant_id", "truncate {}", "insert into {} default values"],
)
def test_the_api_writes_no_view(owner: Connection, app: Connection, statement: str) -> None:
    as_tenant(app, ACME)
    for table in all_tables(owner):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType)):
            app.execute(sql.SQL(statement).format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "update views.checkpoints set position = 0",
        "delete from views.generations",
        "select * from views.parked",
        "create table read.mine ()",
        "create table public.mine ()",
        "create schema mine",
        "alter table read.inbox owner to helpr_app",
    ],
)
def test_the_api_changes_nothing_around_the_views(app: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def test_a_worker_writes_rows_but_makes_and_drops_nothing(filled: Database, owner: Connection) -> None:
    inbox = serving(owner)["inbox"][0].schema
    with psycopg.connect(filled.runtime, autocommit=True, options="-c role=helpr_worker") as worker:
        assert tenants(worker, sql.Identifier(inbox, "inbox")) == {ACME, OTHER}
        for statement in (
            "create table {}.mine ()",
            "drop table {}.inbox",
            "alter table {}.inbox disable row level security",
            "truncate {}.inbox",
            "create policy mine on {}.inbox using (true)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(sql.SQL(statement).format(sql.Identifier(inbox)))


def test_the_roles_of_the_application_own_nothing_and_are_under_the_wall(owner: Connection) -> None:
    roles = ["helpr_app", "helpr_worker", RUNTIME_LOGIN]
    query = """select r.rolname, d.classid::regclass::text, d.objid
        from pg_shdepend d join pg_roles r on r.oid = d.refobjid where d.deptype = 'o' and r.rolname = any(%s)"""
    assert owner.execute(query, (roles,)).fetchall() == []
    query = """select rolname from pg_roles
        where rolname = any(%s) and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)"""
    assert owner.execute(query, (roles,)).fetchall() == []


def test_no_table_of_a_view_is_without_its_wall(owner: Connection) -> None:
    assert owner.execute(UNPROTECTED).fetchall() == []


@pytest.mark.parametrize(
    "breach",
    [
        "create table {}.forgotten_one (tenant_id uuid)",
        "create view {}.a_way_around as select 1",
        "alter table {}.tally no force row level security",
        "alter table {}.tally disable row level security",
        "drop policy one_tenant on {}.tally",
        "alter policy one_tenant on {}.tally using (true)",
        "create policy another on {}.tally using (true)",
    ],
)
def test_the_guard_sees_every_gap(owner: Connection, breach: str) -> None:
    with owner.transaction(force_rollback=True):
        schema = create(owner, tally, state="filling").schema
        owner.execute("reset search_path")
        assert owner.execute(UNPROTECTED).fetchall() == []
        owner.execute(sql.SQL(breach).format(sql.Identifier(schema)))
        assert len(owner.execute(UNPROTECTED).fetchall()) == 1


def test_what_readers_see_goes_by_their_own_rights(owner: Connection) -> None:
    query = """select relname from pg_class where relnamespace = 'read'::regnamespace
        and not coalesce('security_invoker=true' = any(reloptions), false)"""
    assert owner.execute(query).fetchall() == []


def test_each_table_has_a_name_of_its_own_and_keys_that_begin_with_the_tenant(owner: Connection) -> None:
    names = [table for generation, _ in serving(owner).values() for table in tables(owner, generation)]
    assert len(names) == len(set(names))
    query = """select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
        join pg_namespace n on n.oid = c.relnamespace
        join views.generations g on n.nspname = g.view || '_' || g.generation
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where a.attname <> 'tenant_id'"""
    assert owner.execute(query).fetchall() == []
