"""The key store of production: a PostgreSQL database of its own, with its own short-lived backups."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from infrastructure.database.connections import keep_alive
from infrastructure.database.lost import AWAY
from infrastructure.keys.line import Line
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.store import Followed, TenantKey, WrappedKey

TABLES = """
create table if not exists tenant_keys (
    tenant uuid not null, epoch integer not null, wrapped bytea not null, created bigint not null,
    primary key (tenant, epoch));
create table if not exists scope_keys (
    tenant uuid not null, scope text not null, generation integer not null, epoch integer not null, wrapped bytea,
    created timestamptz not null default now(), destroyed timestamptz,
    primary key (tenant, scope, generation));
create index if not exists scope_keys_by_epoch on scope_keys (tenant, epoch) where wrapped is not null;
create table if not exists followed (
    one integer primary key check (one = 1), position bigint not null, event uuid not null);
"""
LOG_IS_HERE = """select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'log' and c.relname = 'events'"""
"""Asked of the catalogue, which answers whoever may not see the log, too."""
DEADLINE = 5.0
"""Seconds to wait for a connection, and for an answer."""
MOST_WAITING = 1000


class KeysBesideLog(Exception):
    """The database of the keys holds the log: a copy of it would bring forgotten people back."""

    def __str__(self) -> str:
        return "HELPR_KEYS_URL names the database of the log, by whatever name: keys need a database of their own."


class PostgresKeyStore:
    """``dsn`` names the database of the keys, never that of the log."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Any = None
        self._line = Line(MOST_WAITING)

    async def open(self) -> None:
        """Raises KeysUnavailable; KeysBesideLog when this is the main database, whatever name it goes by here."""
        if self._pool is None:
            try:
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=1, max_size=4, timeout=DEADLINE, command_timeout=DEADLINE, init=keep_alive
                )
            except AWAY as error:
                raise _unavailable(error) from error
        async with self._connection() as connection, connection.transaction():
            if await connection.fetchval(LOG_IS_HERE):
                raise KeysBesideLog
            await connection.execute("select pg_advisory_xact_lock(7305508, 2)")
            await connection.execute(TABLES)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(DEADLINE):
                await pool.close()
        except AWAY:
            # A server that says nothing any more would keep the process from ever stopping.
            pool.terminate()

    async def tenant_keys(self, tenant: UUID) -> list[TenantKey]:
        query = "select epoch, wrapped, created from tenant_keys where tenant = $1 order by epoch"
        async with self._connection() as connection:
            return [TenantKey(*row) for row in await connection.fetch(query, tenant)]

    async def tenants(self) -> list[UUID]:
        async with self._connection() as connection:
            return [row[0] for row in await connection.fetch("select distinct tenant from tenant_keys")]

    async def add_tenant_key(self, tenant: UUID, key: TenantKey) -> None:
        insert = "insert into tenant_keys values ($1, $2, $3, $4) on conflict do nothing"
        async with self._connection() as connection:
            await connection.execute(insert, tenant, key.epoch, key.wrapped, key.created)

    async def find(self, wanted: Iterable[tuple[UUID, str]]) -> list[WrappedKey]:
        pairs = list(wanted)
        query = """select distinct on (k.tenant, k.scope) k.tenant, k.scope, k.generation, k.epoch, k.wrapped
            from unnest($1::uuid[], $2::text[]) as w (tenant, scope) join scope_keys k using (tenant, scope)
            order by k.tenant, k.scope, k.generation desc"""
        async with self._connection() as connection:
            rows = await connection.fetch(query, [tenant for tenant, _ in pairs], [scope for _, scope in pairs])
        return [WrappedKey(*row) for row in rows]

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        insert = """insert into scope_keys (tenant, scope, generation, epoch, wrapped)
            select * from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bytea[]) on conflict do nothing"""
        async with self._connection() as connection:
            await connection.execute(insert, *_columns(keys))

    async def destroy(self, tenant: UUID, scope: str) -> int:
        update = """update scope_keys set wrapped = null, destroyed = now()
            where tenant = $1 and scope = $2 and wrapped is not null"""
        tombstone = """insert into scope_keys (tenant, scope, generation, epoch, wrapped, destroyed)
            values ($1, $2, 1, 0, null, now()) on conflict do nothing"""
        dead = "select count(*) from scope_keys where tenant = $1 and scope = $2 and epoch <> 0"
        async with self._connection() as connection, connection.transaction():
            # The tombstone first: it waits for whoever is adding the key just now, and the update then sees that key.
            await connection.execute(tombstone, tenant, scope)
            await connection.execute(update, tenant, scope)
            return int(await connection.fetchval(dead, tenant, scope))

    async def older_than(self, tenant: UUID, epoch: int, *, most: int) -> list[WrappedKey]:
        query = """select tenant, scope, generation, epoch, wrapped from scope_keys
            where tenant = $1 and epoch < $2 and wrapped is not null limit $3"""
        async with self._connection() as connection:
            return [WrappedKey(*row) for row in await connection.fetch(query, tenant, epoch, most)]

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        update = """update scope_keys k set epoch = n.epoch, wrapped = n.wrapped
            from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bytea[])
                as n (tenant, scope, generation, epoch, wrapped)
            where (k.tenant, k.scope, k.generation) = (n.tenant, n.scope, n.generation) and k.wrapped is not null"""
        async with self._connection() as connection:
            await connection.execute(update, *_columns(keys))

    async def living(self, tenant: UUID, scope: str) -> int:
        query = "select count(*) from scope_keys where tenant = $1 and scope = $2 and wrapped is not null"
        async with self._connection() as connection:
            return int(await connection.fetchval(query, tenant, scope))

    async def followed(self) -> Followed | None:
        async with self._connection() as connection:
            row = await connection.fetchrow("select position, event from followed")
        return Followed(*row) if row else None

    async def follow(self, followed: Followed) -> None:
        note = """insert into followed values (1, $1, $2)
            on conflict (one) do update set position = excluded.position, event = excluded.event"""
        async with self._connection() as connection:
            await connection.execute(note, followed.position, followed.event)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise KeysUnavailable("The key store is not open.")
        try:
            with self._line:
                async with self._pool.acquire(timeout=DEADLINE) as connection:
                    yield connection
        except AWAY as error:
            raise _unavailable(error) from error


def _columns(keys: Sequence[WrappedKey]) -> list[list[Any]]:
    return [
        [key.tenant for key in keys],
        [key.scope for key in keys],
        [key.generation for key in keys],
        [key.epoch for key in keys],
        [key.wrapped for key in keys],
    ]


def _unavailable(error: BaseException) -> KeysUnavailable:
    return KeysUnavailable(f"The key store does not answer: {type(error).__name__}")
