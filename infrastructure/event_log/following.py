"""Following the log from now on: every fact once, in order, whoever wrote it."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import asyncpg
import structlog

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.lost import LOST
from infrastructure.event_log.appending import AppendRequest, Outcome
from infrastructure.event_log.group_commit import Done
from infrastructure.event_log.reading import LogReader, Page, Unreadable

log = structlog.get_logger()
AWAY = (*LOST, asyncpg.PostgresError)
Followed = Callable[[Sequence[Recorded[Event]]], None]


class LogFollower:
    """Reads page after page behind the last position and hands each to ``followed`` (which must not block). What this
    version cannot read is passed over, and ``unreadable`` is told of it first.

    ``wake`` is what a wake-up calls; without one the log is looked at every ``poll`` seconds. What this very process
    wrote is not read again where it is the next thing: ``stored`` hands it on. Nothing stops it but ``stop``: where the
    log cannot be read it tries again, and one who cannot follow does not hold up the others.
    """

    def __init__(
        self,
        reader: LogReader,
        followed: Sequence[Followed],
        *,
        unreadable: Callable[[Unreadable], None] = lambda fact: None,
        poll: float = 1.0,
    ) -> None:
        self._reader, self._followed, self._unreadable, self._poll = reader, followed, unreadable, poll
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._known = 0
        self.position = 0

    def wake(self, payload: str = "") -> None:
        """The log has come to the position in ``payload``, or nobody knows how far."""
        self._known = max(self._known, int(payload)) if payload else sys.maxsize
        self._wake.set()

    def stored(self, done: Sequence[Done], at: datetime) -> None:
        """What group commit has just written, in its order; read like everybody else's if others came between."""
        if self._task is None:
            return
        page = [recorded for request, outcome in done for recorded in _recorded(request, outcome, at)]
        if page and page[0].position == self.position + 1 and page[-1].position == self.position + len(page):
            self._tell(page)
        else:
            self.wake(str(done[-1][1].position))

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
                # What we wrote ourselves is often told of before it is handed on: then there is nothing to read.
                await asyncio.sleep(0)
                if self._known <= self.position:
                    self._wake.clear()
                    continue
            self._wake.clear()
            self._known = 0
            try:
                await self._read_on()
            except AWAY as error:
                log.warning("the log is away", error=type(error).__name__)
                await asyncio.sleep(0.2)
            except Exception as error:
                log.error("the log cannot be read", after=self.position, error=type(error).__name__)
                await asyncio.sleep(self._poll)

    async def _read_on(self) -> None:
        while page := await self._reader.page(self.position):
            self._tell([each for each in page if each.position > self.position])

    def _tell(self, page: Page) -> None:
        if not page:
            return
        self.position = page[-1].position
        facts: list[Recorded[Event]] = []
        for each in page:
            if isinstance(each, Unreadable):
                self._pass_over(each)
            else:
                facts.append(each)
        for followed in self._followed:
            try:
                followed(facts)
            except Exception as error:
                log.error("a follower failed", first=page[0].position, error=type(error).__name__)

    def _pass_over(self, fact: Unreadable) -> None:
        log.critical("a fact cannot be read", position=fact.position, fact=fact.name, error=type(fact.error).__name__)
        self._unreadable(fact)


def _recorded(request: AppendRequest, outcome: Outcome, at: datetime) -> Iterator[Recorded[Event]]:
    """Facts in their envelopes, as reading them would give."""
    for position, row in enumerate(request.facts, start=outcome.position - len(request.facts) + 1):
        if row.fact is None:
            continue
        yield Recorded(
            position=position,
            tenant=request.tenant,
            kind=row.kind,
            stream=row.stream,
            version=row.version,
            event_id=row.event_id,
            at=at,
            actor=request.actor,
            correlation=request.correlation,
            causation=request.causation,
            command=request.command,
            fact=row.fact,
        )
