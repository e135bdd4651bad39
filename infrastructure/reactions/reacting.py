"""Following the log and doing what follows from it: each reaction at its own pace, each fact until it is done."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec
import structlog

from application.ports import Asked
from domain.shared.event import Event
from domain.shared.ids import OrganisationId
from domain.shared.recorded import Actor, ActorKind, Recorded
from domain.shared.refusal import Absent
from infrastructure.database.lost import AWAY
from infrastructure.event_log.reading import LogReader, Unreadable

log = structlog.get_logger()
MOST_PENDING = 64
STRETCH = 50_000
"""Facts that are looked through in one question: what somebody listens to may be rare, and has no index."""
POLL = 0.5
LONGEST_PAUSE = 30.0
SAVED = 1.0
"""Seconds after which it is noted how far a reaction is. What was done meanwhile would be done again, to no effect."""
SYSTEM = Actor(ActorKind.SYSTEM, UUID(int=0))


class Reaction(msgspec.Struct, frozen=True):
    """What is done (``react``) when one of these facts has happened. The name is kept in the database for ever."""

    name: str
    listens: tuple[type[Event], ...]
    react: Callable[[Recorded[Any], Asked], Awaitable[object]]

    @property
    def names(self) -> list[str]:
        return [kind.NAME for kind in self.listens]


class Reactor:
    """Runs reactions. A fact is passed on at least once and its command always has the same name, so that doing it
    again changes nothing; how far a reaction is moves behind the oldest fact that is not done yet. A fact that cannot
    be read is passed over, loudly: it must keep nobody else from being forgotten."""

    def __init__(self, history: LogReader, database: Any, reactions: Sequence[Reaction]) -> None:
        self._history, self._database, self._reactions = history, database, reactions
        self._wakes = [asyncio.Event() for _ in reactions]

    def heard(self, page: Sequence[Recorded[Any]]) -> None:
        """Something has happened: whoever listens to it is woken. The others see in their own time."""
        happened = {type(recorded.fact) for recorded in page}
        for reaction, wake in zip(self._reactions, self._wakes, strict=True):
            if not happened.isdisjoint(reaction.listens):
                wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for reaction, wake in zip(self._reactions, self._wakes, strict=True):
                tasks.create_task(self._follow(reaction, wake), name=reaction.name)

    async def _follow(self, reaction: Reaction, wake: asyncio.Event) -> None:
        pending: dict[int, asyncio.Task[None]] = {}
        saved = read = await self._position(reaction)
        noted = time.monotonic()
        try:
            while True:
                is_behind = False
                try:
                    if len(pending) < MOST_PENDING:
                        page, read, is_behind = await self._next(reaction, read)
                        for recorded in page:
                            task = asyncio.create_task(self._until_done(reaction, recorded, wake))
                            pending[recorded.position] = task
                    pending = {position: task for position, task in pending.items() if not task.done()}
                    done = min(pending, default=read + 1) - 1
                    if done != saved and time.monotonic() - noted >= SAVED:
                        await self._save(reaction, done)
                        saved, noted = done, time.monotonic()
                except AWAY as error:
                    log.warning("a reaction waits", reaction=reaction.name, error=type(error).__name__)
                if not is_behind:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(wake.wait(), POLL)
                wake.clear()
        finally:
            for task in pending.values():
                task.cancel()

    async def _next(self, reaction: Reaction, read: int) -> tuple[list[Recorded[Any]], int, bool]:
        """What a reaction listens to, up to where the log is read with it, and whether there is more of it already."""
        head = await self._history.head()
        if head <= read:
            return [], read, False
        until = min(read + STRETCH, head)
        page = await self._history.page(read, most=MOST_PENDING, until=until, names=reaction.names)
        read = page[-1].position if len(page) == MOST_PENDING else until
        facts = [each for each in page if not isinstance(each, Unreadable)]
        for each in page:
            if isinstance(each, Unreadable):
                kind = type(each.error).__name__
                log.critical(
                    "a reaction passes over what cannot be read",
                    reaction=reaction.name,
                    position=each.position,
                    fact=each.name,
                    error=kind,
                )
        return facts, read, read < head

    async def _until_done(self, reaction: Reaction, recorded: Recorded[Any], wake: asyncio.Event) -> None:
        pause = 0.05
        while True:
            asked = asked_by(reaction, recorded)
            try:
                await reaction.react(recorded, asked)
            except Absent:
                break
            except Exception as error:
                log.warning(
                    "a reaction is tried again",
                    reaction=reaction.name,
                    position=recorded.position,
                    command=asked.command,
                    correlation=asked.correlation,
                    error=type(error).__name__,
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                break
        wake.set()

    async def _position(self, reaction: Reaction) -> int:
        query = "select position from log.reactions where name = $1"
        return await self._database.fetchval(query, reaction.name) or 0

    async def _save(self, reaction: Reaction, position: int) -> None:
        query = """insert into log.reactions values ($1, $2)
            on conflict (name) do update set position = excluded.position"""
        await self._database.execute(query, reaction.name, position)


def asked_by(reaction: Reaction, recorded: Recorded[Any]) -> Asked:
    """The command that follows from a fact: caused by it, and named after it."""
    return Asked(
        tenant=OrganisationId(recorded.tenant),
        actor=SYSTEM,
        command=uuid5(recorded.event_id, reaction.name),
        fingerprint=b"",
        correlation=recorded.correlation,
        causation=recorded.event_id,
    )
