"""Commands become facts: load the memories, decide, seal, append; again when somebody was faster."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import count, islice
from time import monotonic
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from application.ports import Asked, Change, CommandReused, M, Receipt
from domain.shared.event import Event, Facts
from domain.shared.refusal import Malformed, Refusal
from infrastructure.event_log.appending import AppendRequest, FactRow, LogUnavailable, Outcome
from infrastructure.event_log.memories import Key, Memories, Remembered, key_of
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import ScopeKey, ScopeKeys, scopes_of, seal

PATIENCE = 5.0
PAUSE = 0.002
SHORTEST = 0.5
"""Seconds for which the log is waited for by whoever has waited long for their turn."""
PAGE = 1000
NOTHING = Remembered(None, 0)


class Appends(Protocol):
    async def append(self, request: AppendRequest, *, within: float) -> Outcome: ...


class Part(msgspec.Struct, eq=False):
    """One stream's part of a command under way: what is remembered of it, and what was decided to say there."""

    change: Change
    key: Key
    before: Remembered = NOTHING
    facts: tuple[Event, ...] = ()


class LogEventStore:
    """The event store on the log. In one process the commands of a stream queue up; between processes they conflict,
    and the slower one decides again, for ``patience`` seconds and at least once."""

    def __init__(
        self, log: Appends, reader: LogReader, keys: ScopeKeys, memories: Memories, *, patience: float = PATIENCE
    ) -> None:
        self._log, self._reader, self._keys, self._memories = log, reader, keys, memories
        self._patience = patience
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def change(
        self, memory: type[M], stream: UUID, decide: Callable[[M], Facts], *, asked: Asked, made: UUID | None = None
    ) -> Receipt:
        return await self.change_all([Change(memory, stream, decide)], asked=asked, made=made)

    async def change_all(self, changes: Sequence[Change], *, asked: Asked, made: UUID | None = None) -> Receipt:
        until = monotonic() + self._patience
        parts = [Part(change, key_of(asked.tenant, change.memory.STREAM, change.stream)) for change in changes]
        held: list[asyncio.Lock] = []
        try:
            for key in sorted({part.key for part in parts}):
                held.append(await self._turn(key, until))
            return await self._decide_until(until, parts, asked, made)
        finally:
            for lock in held:
                lock.release()

    async def load(self, memory: type[M], stream: UUID, *, tenant: UUID) -> M:
        known = self._memories.get(key_of(tenant, memory.STREAM, stream))
        if known is None:
            known = await self._catch_up(memory, tenant, stream)
        found: M = known.memory
        return found

    async def refresh(self, memory: type[M], stream: UUID, *, tenant: UUID) -> M:
        found: M = (await self._catch_up(memory, tenant, stream)).memory
        return found

    async def _decide_until(self, until: float, parts: Sequence[Part], asked: Asked, made: UUID | None) -> Receipt:
        """Whoever queued up for long still decides twice: a refusal by a memory that is behind is none."""
        for attempt in count():
            is_last = attempt > 0 and monotonic() >= until
            if receipt := await self._attempt(parts, asked, made, until=until, is_last=is_last):
                return receipt
            if is_last:
                break
            await asyncio.sleep(attempt and random.random() * PAUSE)  # noqa: S311
        raise LogUnavailable

    async def _attempt(
        self, parts: Sequence[Part], asked: Asked, made: UUID | None, *, until: float, is_last: bool
    ) -> Receipt | None:
        """The receipt; None when the memories were behind and have caught up: decide again."""
        for part in parts:
            part.before = self._memories.get(part.key) or await self._remember(part.change, asked.tenant, made)
        try:
            for part in parts:
                facts = part.change.decide(part.before.memory)
                part.facts = facts if isinstance(facts, tuple) else (facts,)
            keys = await self._keys_for(parts, asked.tenant)
        except Malformed:
            raise
        except Refusal:
            if receipt := await self._receipt_of(asked):
                return receipt
            if is_last or not await self._have_moved(parts, asked.tenant):
                raise
            return None
        # No version guards what is not said.
        if not is_last and not all(part.facts for part in parts) and await self._have_moved(parts, asked.tenant):
            return None
        request = _request(parts, keys, asked, made)
        outcome = await self._log.append(request, within=max(until - monotonic(), SHORTEST))
        if outcome.what == "conflict":
            if not await self._have_moved(parts, asked.tenant):
                # We remember more than the log holds: it was put back from an older copy.
                for part in parts:
                    self._memories.forget(part.key)
            return None
        if outcome.what == "done":
            self._learn(parts, request)
        return _receipt(outcome)

    async def _keys_for(self, parts: Sequence[Part], tenant: UUID) -> Mapping[str, ScopeKey]:
        scopes = {scope for part in parts for fact in part.facts for scope in scopes_of(fact)}
        return await self._keys.keys_for(tenant, scopes) if scopes else {}

    def _learn(self, parts: Sequence[Part], request: AppendRequest) -> None:
        """What whoever follows the log may have told the memories already."""
        rows = iter(request.facts)
        for part in parts:
            version = part.before.version + len(part.facts)
            known = self._memories.get(part.key)
            facts = [row.fact for row in islice(rows, len(part.facts))]
            if known is None or known.version < version:
                memory = reduce(lambda memory, fact: memory.after(fact), facts, part.before.memory)
                self._memories.put(part.key, Remembered(memory, version))

    async def _receipt_of(self, asked: Asked) -> Receipt | None:
        outcome = await self._reader.command(asked.tenant, asked.command, asked.fingerprint)
        return _receipt(outcome) if outcome else None

    async def _have_moved(self, parts: Sequence[Part], tenant: UUID) -> bool:
        now = [await self._catch_up(part.change.memory, tenant, part.change.stream) for part in parts]
        return any(n.version > part.before.version for n, part in zip(now, parts, strict=True))

    async def _remember(self, change: Change, tenant: UUID, made: UUID | None) -> Remembered:
        """A stream that this very command is to make is taken for empty, unread: where it is not, that is a conflict
        like any other."""
        if made == change.stream:
            return Remembered(change.memory(), 0)
        return await self._catch_up(change.memory, tenant, change.stream)

    async def _catch_up(self, memory: type[Any], tenant: UUID, stream: UUID) -> Remembered:
        key = key_of(tenant, memory.STREAM, stream)
        self._memories.reads += 1
        with self._memories.reading(key) as heard:
            known = self._memories.get(key) or Remembered(memory(), 0)
            is_behind = True
            while is_behind:
                page = await self._reader.stream(tenant, memory.STREAM, stream, after=known.version, most=PAGE)
                for recorded in page:
                    known = Remembered(known.memory.after(recorded.fact), recorded.version)
                is_behind = len(page) == PAGE or known.version < heard.version
            self._memories.put(key, known)
        return known

    async def _turn(self, key: Key, until: float) -> asyncio.Lock:
        """A stream's lock, behind those who came earlier; raises LogUnavailable when it takes too long."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
            await lock.acquire()
            return lock
        try:
            async with asyncio.timeout(until - monotonic()):
                await lock.acquire()
        except TimeoutError:
            raise LogUnavailable from None
        return lock


def _request(parts: Sequence[Part], keys: Mapping[str, ScopeKey], asked: Asked, made: UUID | None) -> AppendRequest:
    """What was decided, sealed and numbered."""
    tenant, rows = asked.tenant, []
    for part in parts:
        kind, stream = part.change.memory.STREAM, part.change.stream
        for version, fact in enumerate(part.facts, start=part.before.version + 1):
            event_id = new_id()
            kept = seal(fact, tenant=tenant, stream=stream, version=version, event_id=event_id, keys=keys)
            rows.append(FactRow(kind, stream, version, event_id, fact.NAME, kept.data, kept.fact))
    return AppendRequest(
        tenant=tenant,
        command=asked.command,
        fingerprint=asked.fingerprint,
        made=made,
        end=parts[0].before.version + len(parts[0].facts),
        actor=asked.actor,
        correlation=asked.correlation,
        causation=asked.causation,
        facts=tuple(rows),
    )


def _receipt(outcome: Outcome) -> Receipt:
    if outcome.what == "reused":
        raise CommandReused
    return Receipt(position=outcome.position, version=outcome.version, made=outcome.made)
