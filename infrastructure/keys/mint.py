"""New scope keys, many in one commit: a commit each would cost a millisecond."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.store import KeyStore, WrappedKey
from infrastructure.keys.tenant_keys import TenantKeys
from infrastructure.keys.wrapping import new_key, wrap

MOST_WAITING = 5000
"""Keys that may wait to be written."""


class Mint:
    """While one batch of keys is being written the next one gathers.

    Whoever asks waits for their batch alone; who gives up waiting, or whose tenant's key cannot be had, spoils it for
    nobody else.
    """

    def __init__(self, tenants: TenantKeys, store: KeyStore) -> None:
        self._tenants, self._store = tenants, store
        self._writing = asyncio.Lock()
        self._gathering: list[WrappedKey] = []
        self._next: asyncio.Task[None] | None = None

    async def make(self, scopes: Iterable[tuple[UUID, str]]) -> None:
        """Keeps a new key for each scope that has none yet; raises KeysUnavailable."""
        keys = []
        for tenant, scope in scopes:
            epoch, outer = await self._tenants.newest(tenant)
            keys.append(WrappedKey(tenant, scope, 1, epoch, wrap(outer, new_key(), tenant, scope, 1)))
        if len(self._gathering) > MOST_WAITING:
            raise KeysUnavailable("Too many wait for new keys.")
        self._gathering += keys
        if self._next is None:
            self._next = asyncio.create_task(self._write())
        await asyncio.shield(self._next)

    async def _write(self) -> None:
        async with self._writing:
            batch, self._gathering, self._next = self._gathering, [], None
            await self._store.add(batch)
