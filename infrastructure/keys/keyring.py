"""The keyring: keys to seal under, keys to open with, and the end of a key."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from domain.compliance.erasure import SubjectIsForgotten
from domain.shared.event import Sealed
from infrastructure.keys import record
from infrastructure.keys.cache import Cache
from infrastructure.keys.digests import keyed
from infrastructure.keys.facts import ScopeKey
from infrastructure.keys.root_key import RootKey
from infrastructure.keys.store import KeyStore, WrappedKey
from infrastructure.keys.tenant_keys import TenantKeys
from infrastructure.keys.wrapping import new_key, unwrap, wrap

CELL = UUID(int=0)
MASTER = "master:cell"
Scope = tuple[UUID, str]


class TenantKeyring:
    """Scope keys, kept for at most 60 s and evicted when another process says that one was destroyed.

    ``destroyed`` is told of every scope that dies here, so that the other processes hear of it.
    """

    def __init__(
        self,
        root: RootKey,
        store: KeyStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        destroyed: Callable[[UUID, str], None] = lambda tenant, scope: None,
    ) -> None:
        self._store, self._destroyed = store, destroyed
        self.tenants = TenantKeys(root, store, clock=clock)
        self._cache: Cache[Scope, ScopeKey | None] = Cache(most=100_000, seconds=60, clock=clock)
        self._gone: Cache[Scope, bool] = Cache(most=100_000, seconds=60, clock=clock)
        self._making = asyncio.Lock()
        self._wanted: set[Scope] = set()
        self._master = b""

    async def open_store(self) -> None:
        """Opens the store and the cell's master key, from which blind indexes and tokens derive theirs."""
        await self._store.open()
        self._master = (await self.keys_for(CELL, [MASTER]))[MASTER].key

    async def close(self) -> None:
        await self._store.close()

    async def keys_for(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        """The keys to seal under, made where there are none. Raises SubjectIsForgotten, KeysUnavailable."""
        wanted = {(tenant, scope) for scope in scopes}
        found = {scope: self._cache.get(scope) for scope in wanted}
        if missing := {scope for scope, key in found.items() if key is None}:
            found |= await self._find(missing)
        if missing := {scope for scope, key in found.items() if key is None and not self._gone.get(scope)}:
            found |= await self._make(missing)
        keys = {scope: key for (_, scope), key in found.items() if key is not None}
        if len(keys) < len(wanted):
            raise SubjectIsForgotten
        return keys

    async def open(self, tenant: UUID, sealed: Sequence[Sealed]) -> list[bytes | None]:
        """What was sealed, as msgpack; None where a key was destroyed. One question to the store for a whole page."""
        refs = [record.scopes_of(each.ciphertext) for each in sealed]
        wanted = {(tenant, ref.scope) for scopes in refs for ref in scopes}
        found = {scope: self._cache.get(scope) for scope in wanted}
        if missing := {scope for scope, key in found.items() if key is None and not self._gone.get(scope)}:
            found |= await self._find(missing)
        opened: list[bytes | None] = []
        for each, scopes in zip(sealed, refs, strict=True):
            keys = [key.key for ref in scopes if (key := found[tenant, ref.scope]) is not None]
            whole = len(keys) == len(scopes)
            opened.append(record.unseal(keys, each.ciphertext, each.place) if whole else None)
        return opened

    async def destroy(self, tenant: UUID, scope: str) -> int:
        """Destroys a scope's keys for ever; how many died now."""
        died = await self._store.destroy(tenant, scope)
        self.evict(tenant, scope)
        self._destroyed(tenant, scope)
        return died

    def evict(self, tenant: UUID, scope: str) -> None:
        """Another process destroyed this scope: forget what is cached of it."""
        self._cache.evict((tenant, scope))

    def evict_all(self) -> None:
        """Something may have been missed: forget everything that is cached."""
        self._cache.clear()

    async def living(self, tenant: UUID, scope: str) -> int:
        """How many keys of a scope could still open something."""
        return await self._store.living(tenant, scope)

    def blind_index(self, purpose: str, value: str) -> bytes:
        """A keyed 32-byte digest of a normalised value."""
        return keyed(self._master, f"blind:{purpose}", value)

    def master(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same in every process of the cell."""
        return keyed(self._master, "master", purpose)

    async def rotate_due(self, now: int) -> int:
        """A new epoch for every tenant whose newest key is 30 days old (``now`` in seconds since 1970); goes on where
        an earlier rotation stopped. How many keys were wrapped anew."""
        count = 0
        for tenant in await self._store.tenants():
            if await self.tenants.is_due(tenant, now):
                await self.tenants.begin_epoch(tenant)
            count += await self.rewrap(tenant)
        return count

    async def rotate(self, tenant: UUID) -> int:
        """Begins a new epoch and wraps every living key anew; may stop anywhere and be called again."""
        await self.tenants.begin_epoch(tenant)
        return await self.rewrap(tenant)

    async def rewrap(self, tenant: UUID) -> int:
        """Wraps what older epochs still hold by the newest key; how many keys that were."""
        epoch, outer = await self.tenants.newest(tenant)
        moved = 0
        while page := await self._store.older_than(tenant, epoch, most=200):
            await self._store.rewrap([await self._anew(key, epoch, outer) for key in page])
            moved += len(page)
        return moved

    async def _anew(self, key: WrappedKey, epoch: int, outer: bytes) -> WrappedKey:
        old = await self.tenants.of_epoch(key.tenant, key.epoch)
        plain = unwrap(old, key.wrapped or b"", key.tenant, key.scope, key.generation)
        wrapped = wrap(outer, plain, key.tenant, key.scope, key.generation)
        return WrappedKey(key.tenant, key.scope, key.generation, epoch, wrapped)

    async def _find(self, scopes: set[Scope]) -> dict[Scope, ScopeKey | None]:
        found: dict[Scope, ScopeKey | None] = dict.fromkeys(scopes)
        for key in await self._store.find(scopes):
            scope = (key.tenant, key.scope)
            if key.wrapped is None:
                self._gone.put(scope, True)
                continue
            outer = await self.tenants.of_epoch(key.tenant, key.epoch)
            found[scope] = ScopeKey(key.generation, unwrap(outer, key.wrapped, *scope, key.generation))
            self._cache.put(scope, found[scope])
        return found

    async def _make(self, scopes: set[Scope]) -> dict[Scope, ScopeKey | None]:
        """While one batch of keys is being written the next one gathers: a commit each would cost a millisecond."""
        self._wanted |= scopes
        async with self._making:
            batch, self._wanted = self._wanted, set()
            keys = []
            for tenant, scope in batch:
                epoch, outer = await self.tenants.newest(tenant)
                keys.append(WrappedKey(tenant, scope, 1, epoch, wrap(outer, new_key(), tenant, scope, 1)))
            if keys:
                await self._store.add(keys)
        return await self._find(scopes)
