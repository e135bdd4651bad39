"""Connections to PostgreSQL, each in the role of what it is for, with deadlines of their own."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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
    session locks): it is handed on as it is, which saves a round trip each time."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=DEADLINE,
        command_timeout=DEADLINE,
        server_settings=_settings(role),
        init=keep_alive,
        reset=_as_it_is,
    )


def connect_worker(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    """One psycopg connection of a view worker. Its commits need not wait for the disk: a view's batch and its
    checkpoint are one transaction, and both can be made again from the log."""
    options = "-c role=helpr_worker -c synchronous_commit=off -c statement_timeout=60s -c plan_cache_mode=auto"
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


@asynccontextmanager
async def reading(pool: Any, tenant: UUID) -> AsyncIterator[Any]:
    """A connection that sees one tenant's rows only: row-level security goes by ``helpr.tenant``.

    One round trip to begin, one to end. Raises TimeoutError when no connection is free in time.
    """
    async with pool.acquire(timeout=DEADLINE) as connection:
        await connection.execute(f"begin read only; select set_config('helpr.tenant', '{UUID(str(tenant))}', true)")
        try:
            yield connection
        finally:
            # A connection that was cut has nothing to roll back; the pool replaces it.
            with suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
                await connection.execute("rollback")


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
