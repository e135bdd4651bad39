"""A tenant's keys, one an epoch of 30 days, wrapped by the root key."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from infrastructure.keys.cache import Cache
from infrastructure.keys.root_key import KeysUnavailable, RootKey
from infrastructure.keys.store import KeyStore, TenantKey
from infrastructure.keys.wrapping import new_key

EPOCH = 30 * 24 * 3600
"""Seconds after which a tenant gets a new key."""


class TenantKeys:
    """Unwrapped tenant keys, kept for at most 5 minutes. Who asks while they are being fetched waits for the same."""

    def __init__(self, root: RootKey, store: KeyStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._store = root, store
        self._cache: Cache[UUID, asyncio.Task[dict[int, bytes]]] = Cache(most=10_000, seconds=300, clock=clock)

    async def all_of(self, tenant: UUID) -> dict[int, bytes]:
        """The tenant's keys by epoch, the newest last; makes the first when there is none."""
        fetching = self._cache.get(tenant)
        if fetching is None:
            fetching = asyncio.create_task(self._fetch(tenant))
            self._cache.put(tenant, fetching)
        return await asyncio.shield(fetching)

    async def of_epoch(self, tenant: UUID, epoch: int) -> bytes:
        """The key of one epoch; raises KeysUnavailable when the store does not have it."""
        keys = await self.all_of(tenant)
        if epoch not in keys:
            self._cache.evict(tenant)
            keys = await self.all_of(tenant)
        if epoch not in keys:
            raise KeysUnavailable("The key store and this database do not belong together.")
        return keys[epoch]

    async def newest(self, tenant: UUID) -> tuple[int, bytes]:
        """The current epoch and its key."""
        keys = await self.all_of(tenant)
        epoch = max(keys)
        return epoch, keys[epoch]

    async def newest_epoch(self, tenant: UUID) -> int:
        """The current epoch as the store has it; 0 for a tenant without keys. Needs no root key."""
        keys = await self._store.tenant_keys(tenant)
        return keys[-1].epoch if keys else 0

    async def begin_epoch(self, tenant: UUID) -> int:
        """A new epoch; keys of older ones stay until nothing is wrapped by them."""
        epoch = await self.newest_epoch(tenant) + 1
        await self._add(tenant, epoch)
        self._cache.evict(tenant)
        return epoch

    async def is_due(self, tenant: UUID, now: int) -> bool:
        """Whether the newest key is older than an epoch."""
        keys = await self._store.tenant_keys(tenant)
        return bool(keys) and now - keys[-1].created >= EPOCH

    async def _fetch(self, tenant: UUID) -> dict[int, bytes]:
        try:
            wrapped = await self._store.tenant_keys(tenant)
            if not wrapped:
                await self._add(tenant, 1)
                wrapped = await self._store.tenant_keys(tenant)
            keys = await asyncio.gather(*(self._root.unwrap(k.wrapped, _context(tenant, k.epoch)) for k in wrapped))
        except BaseException:
            self._cache.evict(tenant)
            raise
        return dict(zip((key.epoch for key in wrapped), keys, strict=True))

    async def _add(self, tenant: UUID, epoch: int) -> None:
        key, context = new_key(), _context(tenant, epoch)
        wrapped = await self._root.wrap(key, context)
        # One that does not open again would take all of the tenant's data with it.
        if await self._root.unwrap(wrapped, context) != key:
            raise KeysUnavailable("The root key does not give back what it wrapped.")
        await self._store.add_tenant_key(tenant, TenantKey(epoch, wrapped, int(time.time())))


def _context(tenant: UUID, epoch: int) -> dict[str, str]:
    return {"tenant": str(tenant), "epoch": str(epoch)}
