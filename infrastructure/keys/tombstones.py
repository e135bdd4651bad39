"""Tombstones that a key store has lost, because an older copy of it was put back: the log knows of whom."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog

from domain.compliance.events import KeysDestroyed
from infrastructure.keys.store import Followed, KeyStore

log = structlog.get_logger()
STRETCH = 50_000
"""So many facts are looked at in one question: some 50 ms of PostgreSQL's, who gives up a question after 5 s."""
PORTION = 500


class Log(Protocol):
    """What is asked of the log, for all organisations at once."""

    async def head(self) -> int: ...

    async def event_at(self, position: int) -> UUID | None: ...

    async def streams_with(self, name: str, *, after: int, until: int) -> list[tuple[UUID, UUID]]: ...


class Destroys(Protocol):
    """A keyring: whoever remembers the key hears of its end."""

    async def destroy(self, tenant: UUID, scope: str) -> int: ...


class Tombstones:
    """Has the store follow what the log says of destroyed keys. How far it has is noted in the store itself, so that
    a copy that is put back goes on from where it was made."""

    def __init__(self, history: Log, store: KeyStore, keyring: Destroys) -> None:
        self._history, self._store, self._keyring = history, store, keyring

    async def put_back(self) -> int:
        """Destroys again what the log says was destroyed, up to its end, and notes that; how many tombstones were
        missing. To do it twice, or in several processes at once, changes nothing. Raises KeysUnavailable."""
        start, head = await self._begin(), await self._history.head()
        missing = 0
        for done in range(start, head, STRETCH):
            until = min(done + STRETCH, head)
            forgotten = await self._history.streams_with(KeysDestroyed.NAME, after=done, until=until)
            # The stream of an erasure is named after the person.
            missing += await self._bury([(tenant, f"subject:{person}") for tenant, person in forgotten])
            if last := await self._history.event_at(until):
                await self._store.follow(Followed(until, last))
        if missing:
            log.warning("keys were destroyed again", facts=missing, start=start, end=head)
        return missing

    async def _begin(self) -> int:
        """The position that was noted; 0 when none was, or when it is not of this log as it is now."""
        followed = await self._store.followed()
        if followed is None:
            return 0
        if await self._history.event_at(followed.position) == followed.event:
            return followed.position
        log.warning("the keys have followed another log", position=followed.position)
        return 0

    async def _bury(self, scopes: Sequence[tuple[UUID, str]]) -> int:
        missing = 0
        for begin in range(0, len(scopes), PORTION):
            portion = scopes[begin : begin + PORTION]
            buried = {(key.tenant, key.scope) for key in await self._store.find(portion) if key.wrapped is None}
            for tenant, scope in sorted(set(portion) - buried):
                await self._keyring.destroy(tenant, scope)
                missing += 1
        return missing
