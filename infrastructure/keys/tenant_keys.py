"""A tenant's keys, one an epoch of 30 days, wrapped by the root key."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from infrastructure.keys.cache import Cache
from infrastructure.keys.digests import keyed, same
from infrastructure.keys.line import Line
from infrastructure.keys.root_key import Context, KeysUnavailable, RootKey
from infrastructure.keys.store import KeyStore, TenantKey
from infrastructure.keys.wrapping import new_key

EPOCH = 30 * 24 * 3600
"""Seconds after which a tenant gets a new key."""
AT_ONCE = 8
"""How many keys a process has opened by the root key at the same time: old tenants have many, and a root key that is
elsewhere refuses what is too much."""
MOST_WAITING = 500
"""How many may wait for the keys of one tenant; whoever comes then is told at once to come again."""
CHECKED = b"\x02"
CHECK = 32


class Held(msgspec.Struct):
    """A tenant's keys, there or still being fetched; when they are fetched anew, and who waits for them."""

    fetching: asyncio.Task[dict[int, bytes]]
    renew_at: float
    line: Line


class TenantKeys:
    """Unwrapped tenant keys, kept for ``seconds``. Who asks while they are being fetched waits for the same.

    Keys that are in use are fetched anew before they are let go: a slow root key holds up only whose keys are not here.
    """

    def __init__(
        self, root: RootKey, store: KeyStore, *, seconds: float = 300, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._store, self._seconds, self._clock = root, store, seconds, clock
        self._cache: Cache[UUID, Held] = Cache(most=10_000, seconds=seconds, clock=clock)
        self._renewing: set[asyncio.Task[dict[int, bytes]]] = set()
        self._opening = asyncio.Semaphore(AT_ONCE)

    async def all_of(self, tenant: UUID) -> dict[int, bytes]:
        """The tenant's keys by epoch, the newest last; makes the first when there is none. Raises KeysUnavailable."""
        held = self._cache.get(tenant)
        if held is None:
            held = self._keep(tenant, asyncio.create_task(self._first(tenant)))
        elif held.renew_at <= self._clock():
            self._renew(tenant, held)
        if held.fetching.done():
            return held.fetching.result()
        with held.line:
            return await asyncio.shield(held.fetching)

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
        """A new epoch; the keys of older ones stay."""
        epoch = await self.newest_epoch(tenant) + 1
        await self._add(tenant, epoch)
        self._cache.evict(tenant)
        return epoch

    async def is_due(self, tenant: UUID, now: int) -> bool:
        """Whether the newest key is older than an epoch."""
        keys = await self._store.tenant_keys(tenant)
        return bool(keys) and now - keys[-1].created >= EPOCH

    def expire(self) -> None:
        """Lets go of the keys whose time is over."""
        self._cache.expire()

    def _keep(self, tenant: UUID, fetching: asyncio.Task[dict[int, bytes]]) -> Held:
        held = Held(fetching, self._clock() + self._seconds * 0.8, Line(MOST_WAITING))
        self._cache.put(tenant, held)
        # Whoever asked may have left by the time it fails: nobody is missed who could have heard it.
        fetching.add_done_callback(lambda task: task.cancelled() or task.exception())
        return held

    def _renew(self, tenant: UUID, held: Held) -> None:
        """Meanwhile, and where that fails, the keys that are held serve until their time is over."""
        held.renew_at = self._clock() + self._seconds * 0.05

        def renewed(task: asyncio.Task[dict[int, bytes]]) -> None:
            self._renewing.discard(task)
            if not task.cancelled() and task.exception() is None and self._cache.get(tenant) is held:
                self._keep(tenant, task)

        renewing = asyncio.create_task(self._fetch(tenant))
        self._renewing.add(renewing)
        renewing.add_done_callback(renewed)

    async def _first(self, tenant: UUID) -> dict[int, bytes]:
        try:
            return await self._fetch(tenant)
        except BaseException:
            self._cache.evict(tenant)
            raise

    async def _fetch(self, tenant: UUID) -> dict[int, bytes]:
        wrapped = await self._store.tenant_keys(tenant)
        if not wrapped:
            await self._add(tenant, 1)
            wrapped = await self._store.tenant_keys(tenant)
        keys = await asyncio.gather(*(self._unwrap(key.wrapped, _context(tenant, key.epoch)) for key in wrapped))
        return dict(zip((key.epoch for key in wrapped), keys, strict=True))

    async def _unwrap(self, kept: bytes, context: Context) -> bytes:
        """What a root key gives is believed only if it fits the digest beside it: if another key were taken for this
        one, nobody could open later what was sealed meanwhile. Stores of an early version have no digests."""
        async with self._opening:
            if kept[:1] != CHECKED:
                return await self._root.unwrap(kept, context)
            key = await self._root.unwrap(kept[1 + CHECK :], context)
        if not same(kept[1 : 1 + CHECK], _check(key, context)):
            raise KeysUnavailable("The root key gave another key than it was given.")
        return key

    async def _add(self, tenant: UUID, epoch: int) -> None:
        key, context = new_key(), _context(tenant, epoch)
        wrapped = await self._root.wrap(key, context)
        # One that does not open again would take all of the tenant's data with it.
        if await self._root.unwrap(wrapped, context) != key:
            raise KeysUnavailable("The root key does not give back what it wrapped.")
        kept = CHECKED + _check(key, context) + wrapped
        await self._store.add_tenant_key(tenant, TenantKey(epoch, kept, int(time.time())))


def _check(key: bytes, context: Context) -> bytes:
    return keyed(key, "tenant key", f"{context['tenant']} {context['epoch']}")


def _context(tenant: UUID, epoch: int) -> dict[str, str]:
    return {"tenant": str(tenant), "epoch": str(epoch)}
