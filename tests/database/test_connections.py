"""Connections: the right role, one tenant at a time, and no waiting for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest

from infrastructure.database.connections import OneTenant, connect, connect_pool, connect_worker, reading
from infrastructure.database.embedded import EmbeddedPostgres, temporary_postgres

ACME, OTHER = UUID(int=1), UUID(int=2)
SETUP = f"""
create role helpr_app nologin; create role helpr_worker nologin; grant helpr_app, helpr_worker to helpr;
create table public.rows (tenant_id uuid, line text);
alter table public.rows enable row level security; alter table public.rows force row level security;
create policy own on public.rows to helpr_app
    using (tenant_id = nullif(current_setting('helpr.tenant', true), '')::uuid);
grant select, insert on public.rows to helpr_app;
insert into public.rows values ('{ACME}', 'ours'), ('{OTHER}', 'theirs');
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with temporary_postgres() as started:
        with psycopg.connect(started.owner_dsn, autocommit=True) as owner:
            owner.execute(SETUP)
        yield started


@pytest.fixture
async def pool(postgres: EmbeddedPostgres) -> AsyncIterator[Any]:
    opened = await connect_pool(postgres.runtime_dsn, size=1)
    yield opened
    await opened.close()


async def lines(pool: Any, tenant: UUID) -> list[str]:
    async with reading(pool, tenant) as connection:
        return [line for (line,) in await connection.fetch("select line from public.rows")]


async def test_a_reader_sees_one_tenant_only_whoever_used_the_connection_before(pool: Any) -> None:
    assert await lines(pool, ACME) == ["ours"]
    assert await lines(pool, OTHER) == ["theirs"]
    assert await pool.fetch("select line from public.rows") == []


@pytest.mark.requirement("R-ANA-3")
@pytest.mark.parametrize(
    "liking",
    [
        "plan_cache_mode = force_generic_plan",
        "enable_nestloop = off",
        "enable_nestloop = off; set enable_hashjoin = off",
        "from_collapse_limit = 1; set join_collapse_limit = 1",
        "debug_parallel_query = on; set parallel_setup_cost = 0; set min_parallel_table_scan_size = 0",
    ],
)
async def test_the_tenant_is_named_before_anything_is_read_however_postgresql_likes_to_read(
    postgres: EmbeddedPostgres, liking: str
) -> None:
    connection = await connect(postgres.runtime_dsn)
    await connection.execute(f"set {liking}")
    for question in (
        "select line from public.rows",
        "select count(*)::text, max(line) from public.rows",
        "select a.line from public.rows a join public.rows b using (line) order by a.line desc limit 5",
        "select a.line from public.rows a where a.line in (select line from public.rows)",
    ):
        for tenant, line in ((ACME, "ours"), (OTHER, "theirs"), (ACME, "ours")):
            found = await OneTenant(connection, tenant).fetch(question)
            assert [row[-1] for row in found] == [line]
    assert await connection.fetch("select line from public.rows") == []
    await connection.close()


async def test_a_reader_cannot_write(pool: Any) -> None:
    insert = "insert into public.rows values ($1, 'x') returning line"
    for question in (insert, f"with made as ({insert}) select line from made", f"select 1) x; {insert} --"):
        with pytest.raises((asyncpg.PostgresSyntaxError, asyncpg.FeatureNotSupportedError)):
            async with reading(pool, ACME) as connection:
                await connection.fetch(question, ACME)
    assert await lines(pool, ACME) == ["ours"]


async def test_a_tenant_that_is_no_uuid_never_reaches_the_database(pool: Any) -> None:
    with pytest.raises(asyncpg.DataError, match="invalid UUID"):
        await lines(pool, "x'; drop table public.rows; --")  # type: ignore[arg-type]
    assert await lines(pool, ACME) == ["ours"]


async def test_a_reader_that_gives_up_leaves_a_usable_connection(pool: Any) -> None:
    async def slow() -> None:
        async with reading(pool, ACME) as connection:
            await connection.fetch("select pg_sleep(30)")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow(), 0.2)
    assert await lines(pool, OTHER) == ["theirs"]


async def test_a_reader_whose_connection_was_cut_is_told_so_and_the_next_one_is_served(
    pool: Any, postgres: EmbeddedPostgres
) -> None:
    async def cut() -> None:
        async with reading(pool, ACME) as connection:
            (pid,) = await connection.fetchrow("select pg_backend_pid()")
            with psycopg.connect(postgres.owner_dsn) as owner:
                owner.execute("select pg_terminate_backend(%s, 5000)", (pid,))
            await connection.fetch("select 1")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await cut()
    assert await lines(pool, ACME) == ["ours"]


async def test_a_question_is_planned_once_whatever_it_is_asked_with(pool: Any) -> None:
    plans = "select generic_plans, custom_plans from pg_prepared_statements where statement like 'select asked%'"
    async with pool.acquire() as connection:
        for size in (1, 2, 3):
            await OneTenant(connection, ACME).fetch("select line from public.rows where line = any($1)", ["x"] * size)
        (planned,) = await connection.fetch(plans)
    assert tuple(planned) == (3, 0)


async def test_each_connection_has_its_role_its_name_and_its_deadlines(postgres: EmbeddedPostgres) -> None:
    connection = await connect(postgres.runtime_dsn)
    asked = "select current_user::text, current_setting('statement_timeout'), current_setting('application_name')"
    assert tuple(await connection.fetchrow(asked)) == ("helpr_app", "5s", "helpr helpr_app")
    link = connection._transport.get_extra_info("socket")
    assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
    await connection.close()
    with connect_worker(postgres.runtime_dsn) as worker:
        assert worker.execute(asked).fetchone() == ("helpr_worker", "1min", "helpr views")
