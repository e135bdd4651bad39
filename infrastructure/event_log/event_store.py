"""Commands become facts: load the memories, decide, seal, append; again when somebody was faster."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from time import monotonic
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from application.ports import Asked, Change, CommandReused, M, Receipt
from domain.shared.event import Event, Facts
from domain.shared.refusal import Malformed, Refusal
from infrastructure.event_log.appending import AppendRequest, FactRow, LogUnavailable, Outcome
from infrastructure.event_log.memories import Memories, Remembered, Stream
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.digests import leaf, new_id
from infrastructure.keys.facts import ScopeKey, ScopeKeys, scopes_of, seal, unfold

PATIENCE = 5.0
PAUSE = 0.002
PAGE = 1000


class Appends(Protocol):
    async def append(self, request: AppendRequest) -> Outcome: ...


class LogEventStore:
    """The event store on the log. In one process the commands of a stream queue up; between processes they conflict,
    and the slower one decides again, for ``patience`` seconds and at least once."""

    def __init__(
        self, log: Appends, reader: LogReader, keys: ScopeKeys, memories: Memories, *, patience: float = PATIENCE
    ) -> None:
        self._log, self._reader, self._keys, self._memories = log, reader, keys, memories
        self._patience = patience
        self._locks: WeakValueDictionary[Stream, asyncio.Lock] = WeakValueDictionary()

    async def change(
        self, memory: type[M], stream: UUID, decide: Callable[[M], Facts], *, asked: Asked, made: UUID | None = None
    ) -> Receipt:
        return await self.change_all([Change(memory, stream, decide)], asked=asked, made=made)

    async def change_all(self, changes: Sequence[Change], *, asked: Asked, made: UUID | None = None) -> Receipt:
        until = monotonic() + self._patience
        held: list[asyncio.Lock] = []
        try:
            for stream in sorted({_stream(change, asked.tenant) for change in changes}):
                lock = self._lock(stream)
                await lock.acquire()
                held.append(lock)
            return await self._decide_until(until, changes, asked, made)
        finally:
            for lock in held:
                lock.release()

    async def load(self, memory: type[M], stream: UUID, *, tenant: UUID) -> M:
        found: M = (await self._remember(memory, (tenant, memory.STREAM, stream))).memory
        return found

    async def refresh(self, memory: type[M], stream: UUID, *, tenant: UUID) -> M:
        found: M = (await self._catch_up(memory, (tenant, memory.STREAM, stream))).memory
        return found

    async def _decide_until(self, until: float, changes: Sequence[Change], asked: Asked, made: UUID | None) -> Receipt:
        """Whoever queued up for long still decides twice: a refusal by a memory that is behind is none."""
        for attempt in count():
            is_last = attempt > 0 and monotonic() >= until
            if receipt := await self._attempt(changes, asked, made, is_last=is_last):
                return receipt
            if is_last:
                break
            await asyncio.sleep(attempt and random.random() * PAUSE)  # noqa: S311
        raise LogUnavailable

    async def _attempt(
        self, changes: Sequence[Change], asked: Asked, made: UUID | None, *, is_last: bool
    ) -> Receipt | None:
        """The receipt; None when the memories were behind and have caught up: decide again."""
        streams = [_stream(change, asked.tenant) for change in changes]
        before = [
            await self._remember(c.memory, s, is_new=made == c.stream) for c, s in zip(changes, streams, strict=True)
        ]
        try:
            decided = [_facts(c.decide(b.memory)) for c, b in zip(changes, before, strict=True)]
            keys = await self._keys_for(decided, asked.tenant)
        except Malformed:
            raise
        except Refusal:
            if receipt := await self._receipt_of(asked):
                return receipt
            if is_last or not await self._have_moved(changes, streams, before):
                raise
            return None
        # No version guards what is not said.
        if not all(decided) and not is_last and await self._have_moved(changes, streams, before):
            return None
        outcome, rows = await self._append(streams, before, decided, keys, asked, made)
        if outcome.what == "conflict":
            if not await self._have_moved(changes, streams, before):
                # We remember more than the log holds: it was put back from an older copy.
                for stream in streams:
                    self._memories.forget(stream)
            return None
        if outcome.what == "done":
            self._learn(streams, before, rows, asked.tenant)
        return _receipt(outcome)

    async def _append(
        self,
        streams: Sequence[Stream],
        before: Sequence[Remembered],
        decided: Sequence[tuple[Event, ...]],
        keys: Mapping[str, ScopeKey],
        asked: Asked,
        made: UUID | None,
    ) -> tuple[Outcome, list[FactRow]]:
        rows = []
        for (tenant, kind, stream), known, facts in zip(streams, before, decided, strict=True):
            for version, fact in enumerate(facts, start=known.version + 1):
                event_id = new_id()
                data = seal(fact, tenant=tenant, stream=stream, version=version, event_id=event_id, keys=keys)
                digest = leaf(tenant, kind, stream, version, event_id, fact.NAME, data)
                rows.append(FactRow(kind, stream, version, event_id, fact.NAME, data, digest))
        request = AppendRequest(
            tenant=asked.tenant,
            command=asked.command,
            fingerprint=asked.fingerprint,
            made=made,
            end=before[0].version + len(decided[0]),
            actor=asked.actor,
            correlation=asked.correlation,
            causation=asked.causation,
            facts=tuple(rows),
        )
        return await self._log.append(request), rows

    async def _keys_for(self, decided: Sequence[tuple[Event, ...]], tenant: UUID) -> Mapping[str, ScopeKey]:
        scopes = {scope for facts in decided for fact in facts for scope in scopes_of(fact)}
        return await self._keys.keys_for(tenant, scopes) if scopes else {}

    def _learn(
        self, streams: Sequence[Stream], before: Sequence[Remembered], rows: Sequence[FactRow], tenant: UUID
    ) -> None:
        known = dict(zip(streams, before, strict=True))
        for row in rows:
            stream = (tenant, row.kind, row.stream)
            fact = unfold(
                row.name, row.data, tenant=tenant, stream=row.stream, version=row.version, event_id=row.event_id
            )
            known[stream] = Remembered(known[stream].memory.after(fact), row.version)
        for stream, remembered in known.items():
            self._memories.put(stream, remembered)

    async def _receipt_of(self, asked: Asked) -> Receipt | None:
        outcome = await self._reader.command(asked.tenant, asked.command, asked.fingerprint)
        return _receipt(outcome) if outcome else None

    async def _have_moved(
        self, changes: Sequence[Change], streams: Sequence[Stream], before: Sequence[Remembered]
    ) -> bool:
        now = [await self._catch_up(c.memory, s) for c, s in zip(changes, streams, strict=True)]
        return any(n.version > b.version for n, b in zip(now, before, strict=True))

    async def _remember(self, memory: Callable[[], Any], stream: Stream, *, is_new: bool = False) -> Remembered:
        """A stream that this very command is to make is taken for empty, unread: where it is not, that is a conflict
        like any other."""
        if known := self._memories.get(stream):
            return known
        return Remembered(memory(), 0) if is_new else await self._catch_up(memory, stream)

    async def _catch_up(self, memory: Callable[[], Any], stream: Stream) -> Remembered:
        known = self._memories.get(stream) or Remembered(memory(), 0)
        while True:
            page = await self._reader.stream(*stream, after=known.version, most=PAGE)
            for recorded in page:
                known = Remembered(known.memory.after(recorded.fact), recorded.version)
            if len(page) < PAGE:
                break
        self._memories.put(stream, known)
        return known

    def _lock(self, stream: Stream) -> asyncio.Lock:
        lock = self._locks.get(stream)
        if lock is None:
            lock = self._locks[stream] = asyncio.Lock()
        return lock


def _stream(change: Change, tenant: UUID) -> Stream:
    return tenant, change.memory.STREAM, change.stream


def _facts(decided: Facts) -> tuple[Event, ...]:
    return decided if isinstance(decided, tuple) else (decided,)


def _receipt(outcome: Outcome) -> Receipt:
    if outcome.what == "reused":
        raise CommandReused
    return Receipt(position=outcome.position, version=outcome.version, made=outcome.made)
