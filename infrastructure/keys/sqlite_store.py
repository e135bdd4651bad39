"""The embedded key store: one SQLite file outside PostgreSQL's directory.

With journal_mode=TRUNCATE and secure_delete=ON the bytes of a destroyed key stand in no file a moment later (measured;
with WAL or PERSIST journals they do). That holds only while no row ever moves: a page that is split or merged keeps
what it held in its gaps. So rows are only appended and never deleted, and none ever grows: an epoch is 4 bytes, and
how far the log was followed is one row of one length on a page of its own.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from infrastructure.keys.line import Line
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.store import Followed, TenantKey, WrappedKey

T = TypeVar("T")
TABLES = """
create table if not exists tenant_keys (
    tenant blob not null, epoch integer not null, wrapped blob not null, created integer not null,
    primary key (tenant, epoch));
create table if not exists scope_keys (
    tenant blob not null, scope text not null, generation integer not null, epoch blob not null, wrapped blob,
    created integer not null, destroyed integer,
    primary key (tenant, scope, generation));
create index if not exists scope_keys_by_epoch on scope_keys (tenant, epoch) where wrapped is not null;
create table if not exists followed (
    one integer primary key check (one = 1), position blob not null, event blob not null);
"""
PRAGMAS = ("journal_mode = truncate", "secure_delete = on", "synchronous = full")
PATIENCE = 5000
"""Milliseconds to wait for another process that is writing."""
DEADLINE = 8.0
"""Seconds after which nobody waits for an answer any more, nor for their turn."""
MOST_WAITING = 1000


class SqliteKeyStore:
    """Several processes may open the same file; each works on it from one thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._file: sqlite3.Connection | None = None
        self._line = Line(MOST_WAITING)

    async def open(self) -> None:
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="keys")
        await self._do(lambda file: None)

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            closed = thread.submit(self._let_go)
            thread.shutdown(wait=False)
            await asyncio.wrap_future(closed)

    async def tenant_keys(self, tenant: UUID) -> list[TenantKey]:
        query = "select epoch, wrapped, created from tenant_keys where tenant = ? order by epoch"
        return await self._do(lambda file: [TenantKey(*row) for row in file.execute(query, (tenant.bytes,))])

    async def tenants(self) -> list[UUID]:
        query = "select distinct tenant from tenant_keys"
        return await self._do(lambda file: [UUID(bytes=tenant) for (tenant,) in file.execute(query)])

    async def add_tenant_key(self, tenant: UUID, key: TenantKey) -> None:
        values = (tenant.bytes, key.epoch, key.wrapped, key.created)
        insert = "insert or ignore into tenant_keys values (?, ?, ?, ?)"
        await self._write(lambda file: file.execute(insert, values).rowcount)

    async def find(self, wanted: Iterable[tuple[UUID, str]]) -> list[WrappedKey]:
        query = """select generation, epoch, wrapped from scope_keys
            where tenant = ? and scope = ? order by generation desc limit 1"""
        pairs = list(wanted)

        def look(file: sqlite3.Connection) -> list[WrappedKey]:
            found = [(pair, file.execute(query, (pair[0].bytes, pair[1])).fetchone()) for pair in pairs]
            return [_key(*pair, *row) for pair, row in found if row is not None]

        return await self._do(look)

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        now = int(time.time())
        rows = [(k.tenant.bytes, k.scope, k.generation, _stored(k.epoch), k.wrapped, now) for k in keys]
        insert = "insert or ignore into scope_keys values (?, ?, ?, ?, ?, ?, null)"
        await self._write(lambda file: file.executemany(insert, rows).rowcount)

    async def destroy(self, tenant: UUID, scope: str) -> int:
        now = int(time.time())

        def shred(file: sqlite3.Connection) -> int:
            file.execute(
                """update scope_keys set wrapped = null, destroyed = ?
                where tenant = ? and scope = ? and wrapped is not null""",
                (now, tenant.bytes, scope),
            )
            tombstone = (tenant.bytes, scope, _stored(0), now, now)
            file.execute("insert or ignore into scope_keys values (?, ?, 1, ?, null, ?, ?)", tombstone)
            dead = "select count(*) from scope_keys where tenant = ? and scope = ? and epoch <> ?"
            return int(file.execute(dead, (tenant.bytes, scope, _stored(0))).fetchone()[0])

        return await self._write(shred)

    async def older_than(self, tenant: UUID, epoch: int, *, most: int) -> list[WrappedKey]:
        query = """select scope, generation, epoch, wrapped from scope_keys
            where tenant = ? and epoch < ? and wrapped is not null limit ?"""
        values = (tenant.bytes, _stored(epoch), most)
        return await self._do(lambda file: [_key(tenant, *row) for row in file.execute(query, values)])

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        rows = [(_stored(k.epoch), k.wrapped, k.tenant.bytes, k.scope, k.generation) for k in keys]
        update = """update scope_keys set epoch = ?, wrapped = ?
            where tenant = ? and scope = ? and generation = ? and wrapped is not null"""
        await self._write(lambda file: file.executemany(update, rows).rowcount)

    async def living(self, tenant: UUID, scope: str) -> int:
        query = "select count(*) from scope_keys where tenant = ? and scope = ? and wrapped is not null"
        return await self._do(lambda file: int(file.execute(query, (tenant.bytes, scope)).fetchone()[0]))

    async def followed(self) -> Followed | None:
        row = await self._do(lambda file: file.execute("select position, event from followed").fetchone())
        return Followed(int.from_bytes(row[0]), UUID(bytes=row[1])) if row else None

    async def follow(self, followed: Followed) -> None:
        values = (followed.position.to_bytes(8), followed.event.bytes)
        note = """insert into followed values (1, ?, ?)
            on conflict (one) do update set position = excluded.position, event = excluded.event"""
        await self._write(lambda file: file.execute(note, values).rowcount)

    async def _write(self, work: Callable[[sqlite3.Connection], int]) -> int:
        def commit(file: sqlite3.Connection) -> int:
            file.execute("begin immediate")
            try:
                done = work(file)
                file.execute("commit")
            finally:
                # Also a commit that had to wait too long for a reader leaves its transaction open.
                if file.in_transaction:
                    file.execute("rollback")
            return done

        return await self._do(commit)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def on_thread() -> T:
            if self._file is None:
                self._file = _open(self._path)
            return work(self._file)

        if self._thread is None:
            raise KeysUnavailable("The key store is not open.")
        try:
            with self._line:
                doing = asyncio.get_running_loop().run_in_executor(self._thread, on_thread)
                return await asyncio.wait_for(doing, DEADLINE)
        except (sqlite3.Error, OSError, TimeoutError) as error:
            raise KeysUnavailable(f"The key store does not answer: {type(error).__name__}") from error

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # SQLite would make the file readable by all for a moment: long enough to be opened.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    path.chmod(0o600)
    file = sqlite3.connect(path, timeout=PATIENCE / 1000, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            file.execute(f"pragma {pragma}")
        file.executescript(TABLES)
    except BaseException:
        file.close()
        raise
    return file


def _key(tenant: UUID, scope: str, generation: int, epoch: bytes, wrapped: bytes | None) -> WrappedKey:
    return WrappedKey(tenant, scope, generation, int.from_bytes(epoch), wrapped)


def _stored(epoch: int) -> bytes:
    return epoch.to_bytes(4)
