"""One LISTEN connection a process: PostgreSQL says that something happened; whom it concerns looks for themselves."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from infrastructure.database.lost import AWAY

log = structlog.get_logger()
LONGEST_PAUSE = 1.0
"""Seconds between two tries to come back: who was away for long is back soon, too."""
Told = Callable[[str], None]


class Wakeups:
    """Calls back with the payload of each notification, and with "" after every reconnection: then something may have
    been missed, and whoever listens catches up from the log. A lost wake-up must only ever delay."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, ping_every: float = 10.0) -> None:
        self._connect, self._ping_every = connect, ping_every
        self._told: dict[str, list[Told]] = {}
        self._when_lost: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def on(self, channel: str, told: Told) -> None:
        """Subscribes before start; ``told`` must not block."""
        self._told.setdefault(channel, []).append(told)

    def when_lost(self, told: Callable[[], None]) -> None:
        """Subscribes to the end of a connection: a server that crashed may have forgotten what was not on its disk. It
        is told before anybody is connected with the server that comes after."""
        self._when_lost.append(told)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="wake-ups")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause = 0.1
        while True:
            connection = None
            try:
                connection = await self._connect()
                pause = 0.1
                await self._listen(connection)
            except AWAY as error:
                log.warning("wake-ups are away", error=type(error).__name__, retry_in=pause)
            finally:
                if connection is not None:
                    connection.terminate()
                    for told in self._when_lost:
                        told()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self, connection: Any) -> None:
        for channel in self._told:
            await connection.add_listener(channel, self._hear)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        for channel in self._told:
            self._tell(channel, "")
        while not lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), self._ping_every)
                return
            await connection.execute("select 1", timeout=self._ping_every)

    def _hear(self, _connection: Any, _process: int, channel: str, payload: str) -> None:
        self._tell(channel, payload)

    def _tell(self, channel: str, payload: str) -> None:
        for told in self._told[channel]:
            told(payload)
