"""A connection to the log, for one of those who write it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from infrastructure.event_log.appending import LogUnavailable

log = structlog.get_logger()


class Lane:
    """A connection to the log, opened when it is needed, for as long as at least so many wait."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, least: int) -> None:
        self._connect, self.least = connect, least
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._connection: Any = None

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """Whatever stands in the way of a connection is not the fault of a request: raises LogUnavailable."""
        if self._connection is None:
            try:
                self._connection = await self._connect()
            except Exception as error:
                log.warning("the log is away", error=type(error).__name__)
                raise LogUnavailable from error
        rows: list[Any] = await self._connection.fetch(query, *values)
        return rows

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
