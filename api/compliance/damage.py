"""Damage that readers come upon: noted at once, and told to the log by and by. No reader waits for that."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog

from application.compliance.damage import find
from application.ports import Asked, Digests, EventStore
from domain.shared.event import Place
from domain.shared.ids import OrganisationId
from domain.shared.recorded import Actor, ActorKind

log = structlog.get_logger()
MOST = 10_000
"""Fields that a process remembers to have told of."""
PAUSE = 1.0
Field = tuple[UUID, str]


class Damages:
    """``found`` takes what the keyring came upon. Each field is told once by this process, and is in the log once
    whoever tells it; what cannot be told now is told when somebody comes upon it again."""

    def __init__(self, events: Callable[[], EventStore], digests: Digests) -> None:
        self._events, self._digests = events, digests
        self._told: dict[Field, None] = {}
        self._waiting: asyncio.Queue[Place] = asyncio.Queue(MOST)
        self._task: asyncio.Task[None] | None = None

    async def empty(self) -> None:
        """Waits until the log was told of all that was found by now, or could not be told."""
        await self._waiting.join()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="damages")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def found(self, places: Sequence[Place]) -> None:
        """Fields that do not open in their places, of one page."""
        first = places[0]
        log.critical("damaged", stream=first.stream, version=first.version, fields=len(places))
        for place in places:
            field = (place.event_id, place.field)
            if field in self._told or self._waiting.full():
                continue
            self._told[field] = None
            if len(self._told) > MOST:
                del self._told[next(iter(self._told))]
            self._waiting.put_nowait(place)

    async def _run(self) -> None:
        while True:
            place = await self._waiting.get()
            try:
                await find(place, asked=self._asked(place), events=self._events())
            except Exception as error:
                log.warning("damage is not told", error=type(error).__name__)
                self._told.pop((place.event_id, place.field), None)
                await asyncio.sleep(PAUSE)
            finally:
                self._waiting.task_done()

    def _asked(self, place: Place) -> Asked:
        """The same command in every process."""
        digest = self._digests.digest(f"damage {place.event_id} {place.field}")
        command = UUID(bytes=digest[:16])
        return Asked(
            tenant=OrganisationId(place.tenant),
            actor=Actor(ActorKind.SYSTEM, place.tenant),
            command=command,
            fingerprint=digest,
            correlation=command,
        )
