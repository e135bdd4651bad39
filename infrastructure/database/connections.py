"""Connections to PostgreSQL, each in the role of what it is for, with deadlines of their own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
from psycopg.conninfo import make_conninfo

APP = "helpr_app"
WORKER = "helpr_worker"
DEADLINE = 5.0
"""Seconds after which a query of the API is given up, here and in the database."""
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 30, 10, 3
UNHEARD = 10_000
"""Milliseconds that a server may leave what we sent unacknowledged before its connection counts as dead."""


async def connect(dsn: str, *, role: str = APP) -> Any:
    """One asyncpg connection in a role."""
    connection = await asyncpg.connect(dsn, timeout=DEADLINE, command_timeout=DEADLINE, server_settings=_settings(role))
    await keep_alive(connection)
    return connection


async def connect_pool(dsn: str, *, role: str = APP, size: int = 8) -> Any:
    """A pool of asyncpg connections in a role. Whoever borrows one leaves no session state behind (SET, LISTEN,
    session locks): it is handed on as it is, which saves a round trip each time. Every question is planned once, for
    whatever it is asked with: planning ``= any($1)`` anew takes several times as long as answering it."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=DEADLINE,
        command_timeout=DEADLINE,
        server_settings=_settings(role) | {"plan_cache_mode": "force_generic_plan"},
        init=keep_alive,
        reset=_as_it_is,
    )


def connect_worker(dsn: str, *, lease: float | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """One psycopg connection of a view worker. Its commits need not wait for the disk: a view's batch and its
    checkpoint are one transaction, and both can be made again from the log. With a ``lease`` PostgreSQL ends it when
    nothing was heard from here for so many seconds, whether in a transaction, between two, or while it answers."""
    options = "-c role=helpr_worker -c synchronous_commit=off -c statement_timeout=60s -c plan_cache_mode=auto"
    if lease is not None:
        ends = ("idle_session_timeout", "idle_in_transaction_session_timeout", "tcp_user_timeout")
        options += "".join(f" -c {name}={lease * 1000:.0f}" for name in ends)
    settings = make_conninfo(
        dsn,
        options=options,
        application_name="helpr views",
        connect_timeout=5,
        keepalives_idle=KEEPALIVE_IDLE,
        keepalives_interval=KEEPALIVE_INTERVAL,
        keepalives_count=KEEPALIVE_COUNT,
        tcp_user_timeout=UNHEARD,
    )
    return psycopg.connect(settings, autocommit=True)


class OneTenant:
    """Asks questions, each in one round trip and a transaction of its own, that see one tenant's rows only."""

    def __init__(self, connection: Any, tenant: UUID) -> None:
        self._connection, self._tenant = connection, tenant

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """All rows of a select."""
        found: list[Any] = await self._connection.fetch(walled(query, len(values) + 1), *values, self._tenant)
        return found

    async def fetchrow(self, query: str, *values: Any) -> Any:
        """Its first row; None when there is none."""
        return next(iter(await self.fetch(query, *values)), None)


@asynccontextmanager
async def reading(pool: Any, tenant: UUID) -> AsyncIterator[OneTenant]:
    """A connection that sees one tenant's rows only: row-level security goes by ``helpr.tenant``.

    Raises TimeoutError when no connection is free in time.
    """
    async with asyncio.timeout(DEADLINE):
        connection = await pool.acquire()
    try:
        yield OneTenant(connection, tenant)
    finally:
        await pool.release(connection, timeout=DEADLINE)


@lru_cache(maxsize=1024)
def walled(query: str, tenant: int) -> str:
    """A select behind the wall: the same, and the number of the parameter that names whose rows it sees.

    The setting lasts as long as the statement's own transaction. What is asked depends on it (``lateral``), and stands
    apart (``offset 0``), so PostgreSQL has no choice but to set before it reads; were it otherwise, nothing would be
    found. Nothing can be written here either: inside of a select there is only reading.
    """
    return f"""select asked.* from (select set_config('helpr.tenant', ${tenant}::uuid::text, true) as tenant) wall
        cross join lateral (select * from ({query}) found where wall.tenant is not null offset 0) asked"""  # noqa: S608


def _settings(role: str) -> dict[str, str]:
    return {
        "role": role,
        "application_name": f"helpr {role}",
        "statement_timeout": str(int(DEADLINE * 1000)),
        "idle_in_transaction_session_timeout": "15000",
        "tcp_keepalives_idle": "30",
    }


async def keep_alive(connection: Any) -> None:
    """asyncpg sets nothing of the kind: a query on a dead socket would outlast its deadline by a minute."""
    link = connection._transport.get_extra_info("socket")
    if link.family == socket.AF_UNIX:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_COUNT)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD)


async def _as_it_is(_connection: Any) -> None: ...
