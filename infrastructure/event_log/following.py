"""Following the log from now on: every fact once, in order, whoever wrote it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import asyncpg
import structlog

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.lost import LOST
from infrastructure.event_log.reading import LogReader

log = structlog.get_logger()
AWAY = (*LOST, asyncpg.PostgresError)
Followed = Callable[[Sequence[Recorded[Event]]], None]


class LogFollower:
    """Reads page after page behind the last position and hands each to ``followed`` (which must not block).

    ``wake`` is what a wake-up calls; without one the log is looked at every ``poll`` seconds. Nothing stops it but
    ``stop``: where the log cannot be read it tries again, and one who cannot follow does not hold up the others.
    """

    def __init__(self, reader: LogReader, followed: Sequence[Followed], *, poll: float = 1.0) -> None:
        self._reader, self._followed, self._poll = reader, followed, poll
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.position = 0

    def wake(self, _payload: str = "") -> None:
        self._wake.set()

    def also(self, followed: Followed) -> None:
        """One more who is told of every page."""
        self._followed = (*self._followed, followed)

    async def start(self) -> None:
        """Begins behind what has happened so far."""
        self.position = await self._reader.head()
        self._task = asyncio.create_task(self._run(), name="log follower")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._read_on()
            except AWAY as error:
                log.warning("the log is away", error=type(error).__name__)
                await asyncio.sleep(0.2)
            except Exception as error:
                log.error("the log cannot be read", after=self.position, error=type(error).__name__)
                await asyncio.sleep(self._poll)

    async def _read_on(self) -> None:
        while page := await self._reader.after(self.position):
            for followed in self._followed:
                try:
                    followed(page)
                except Exception as error:
                    log.error("a follower failed", first=page[0].position, error=type(error).__name__)
            self.position = page[-1].position
