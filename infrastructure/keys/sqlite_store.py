"""The embedded key store: one SQLite file outside PostgreSQL's directory.

With journal_mode=TRUNCATE and secure_delete=ON the bytes of a destroyed key stand in no file a moment later (measured;
with WAL or PERSIST journals they do).
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.store import TenantKey, WrappedKey

T = TypeVar("T")
TABLES = """
create table if not exists tenant_keys (
    tenant blob not null, epoch integer not null, wrapped blob not null, created integer not null,
    primary key (tenant, epoch)) without rowid;
create table if not exists scope_keys (
    tenant blob not null, scope text not null, generation integer not null, epoch integer not null, wrapped blob,
    created integer not null, destroyed integer,
    primary key (tenant, scope, generation)) without rowid;
create index if not exists scope_keys_by_epoch on scope_keys (tenant, epoch) where wrapped is not null;
"""
PRAGMAS = ("journal_mode = truncate", "secure_delete = on", "synchronous = full", "busy_timeout = 5000")


class SqliteKeyStore:
    """Several processes may open the same file; each works on it from one thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._file: sqlite3.Connection | None = None

    async def open(self) -> None:
        await self._do(lambda file: None)

    async def close(self) -> None:
        if self._file is not None:
            await self._do(lambda file: file.close())
            self._file = None
        self._thread.shutdown()

    async def tenant_keys(self, tenant: UUID) -> list[TenantKey]:
        query = "select epoch, wrapped, created from tenant_keys where tenant = ? order by epoch"
        return await self._do(lambda file: [TenantKey(*row) for row in file.execute(query, (tenant.bytes,))])

    async def add_tenant_key(self, tenant: UUID, key: TenantKey) -> None:
        values = (tenant.bytes, key.epoch, key.wrapped, key.created)
        await self._do(lambda file: file.execute("insert or ignore into tenant_keys values (?, ?, ?, ?)", values))

    async def find(self, wanted: Iterable[tuple[UUID, str]]) -> list[WrappedKey]:
        query = """select generation, epoch, wrapped from scope_keys
            where tenant = ? and scope = ? order by generation desc limit 1"""
        pairs = list(wanted)

        def look(file: sqlite3.Connection) -> list[WrappedKey]:
            found = [(pair, file.execute(query, (pair[0].bytes, pair[1])).fetchone()) for pair in pairs]
            return [WrappedKey(*pair, *row) for pair, row in found if row is not None]

        return await self._do(look)

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        rows = [(k.tenant.bytes, k.scope, k.generation, k.epoch, k.wrapped, int(time.time())) for k in keys]
        insert = "insert or ignore into scope_keys values (?, ?, ?, ?, ?, ?, null)"
        await self._write(lambda file: file.executemany(insert, rows).rowcount)

    async def destroy(self, tenant: UUID, scope: str) -> int:
        now = int(time.time())

        def shred(file: sqlite3.Connection) -> int:
            died = file.execute(
                """update scope_keys set wrapped = null, destroyed = ?
                where tenant = ? and scope = ? and wrapped is not null""",
                (now, tenant.bytes, scope),
            ).rowcount
            tombstone = (tenant.bytes, scope, now, now)
            file.execute("insert or ignore into scope_keys values (?, ?, 1, 0, null, ?, ?)", tombstone)
            return died

        return await self._write(shred)

    async def older_than(self, tenant: UUID, epoch: int, *, most: int) -> list[WrappedKey]:
        query = """select scope, generation, epoch, wrapped from scope_keys
            where tenant = ? and epoch < ? and wrapped is not null limit ?"""
        values = (tenant.bytes, epoch, most)
        return await self._do(lambda file: [WrappedKey(tenant, *row) for row in file.execute(query, values)])

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        rows = [(k.epoch, k.wrapped, k.tenant.bytes, k.scope, k.generation) for k in keys]
        update = """update scope_keys set epoch = ?, wrapped = ?
            where tenant = ? and scope = ? and generation = ? and wrapped is not null"""
        await self._write(lambda file: file.executemany(update, rows).rowcount)

    async def living(self, tenant: UUID, scope: str) -> int:
        query = "select count(*) from scope_keys where tenant = ? and scope = ? and wrapped is not null"
        return await self._do(lambda file: int(file.execute(query, (tenant.bytes, scope)).fetchone()[0]))

    async def _write(self, work: Callable[[sqlite3.Connection], int]) -> int:
        def commit(file: sqlite3.Connection) -> int:
            file.execute("begin immediate")
            try:
                done = work(file)
            except BaseException:
                file.execute("rollback")
                raise
            file.execute("commit")
            return done

        return await self._do(commit)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def on_thread() -> T:
            if self._file is None:
                self._file = _open(self._path)
            return work(self._file)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, on_thread)
        except sqlite3.Error as error:
            raise KeysUnavailable(f"The key store does not answer: {type(error).__name__}") from error


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    path.chmod(0o600)
    for pragma in (PRAGMAS[-1], *PRAGMAS[:-1]):
        file.execute(f"pragma {pragma}")
    file.executescript(TABLES)
    return file
