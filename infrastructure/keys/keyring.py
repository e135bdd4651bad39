"""The keyring: keys to seal under, keys to open with, and the end of a key."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from application.ports import Damaged
from domain.compliance.erasure import SubjectIsForgotten
from domain.shared.event import Place, Sealed
from infrastructure.keys import record
from infrastructure.keys.cache import Cache
from infrastructure.keys.ciphers import Ciphers
from infrastructure.keys.digests import fingerprint, keyed
from infrastructure.keys.facts import ScopeKey
from infrastructure.keys.mint import Mint
from infrastructure.keys.record import Record, Tampered
from infrastructure.keys.root_key import KeysUnavailable, RootKey
from infrastructure.keys.store import KeyStore, WrappedKey
from infrastructure.keys.tenant_keys import TenantKeys
from infrastructure.keys.wrapping import unwrap, wrap

CELL = UUID(int=0)
MASTER = "master:cell"
MOST = 100_000
"""How many scope keys a process remembers."""
MOST_CIPHERS = 4096
"""Of how many records it remembers the cipher: some 10 MB."""
PORTION = 200
"""How many keys are wrapped anew in one commit."""
EXPIRE_EVERY = 5.0
"""Seconds between two looks for keys whose time is over."""
UNKNOWN = object()
"""What is known of a scope that never had a key."""
KEPT = 60.0
"""Seconds for which an opened scope key is remembered, at most; a tenant's key five times as long."""


class TenantKeyring:
    """Scope keys, kept for ``seconds`` and evicted when another process says that one was destroyed.

    ``destroyed`` is told of every scope that dies here, so that the other processes hear of it; ``damaged`` of what was
    to be opened and is not what was sealed.
    """

    def __init__(
        self,
        root: RootKey,
        store: KeyStore,
        *,
        seconds: float = KEPT,
        clock: Callable[[], float] = time.monotonic,
        destroyed: Callable[[UUID, str], None] = lambda tenant, scope: None,
        damaged: Callable[[Sequence[Place]], None] = lambda places: None,
    ) -> None:
        self._store, self._destroyed, self._damaged = store, destroyed, damaged
        self.tenants = TenantKeys(root, store, seconds=5 * seconds, clock=clock)
        self._mint = Mint(self.tenants, store)
        self._cache: Cache[str, ScopeKey] = Cache(most=MOST, seconds=seconds, clock=clock, gone=self._let_go)
        self._gone: Cache[str, bool] = Cache(most=MOST, seconds=seconds, clock=clock)
        self._ciphers = Ciphers(most=MOST_CIPHERS)
        self._evictions = 0
        self._ending: set[asyncio.Task[int]] = set()
        self._expiring: asyncio.Task[None] | None = None
        self._master: bytes | None = None
        self._fingerprints = b""

    @property
    def ciphers(self) -> int:
        """Of how many records the cipher is at hand."""
        return len(self._ciphers)

    @property
    def looked_up(self) -> tuple[int, int]:
        """How often a scope's key was at hand, and how often the store had to be asked."""
        return self._cache.hits, self._cache.misses

    async def open_store(self) -> None:
        """Opens the store and the cell's master key, from which blind indexes and tokens derive theirs."""
        await self._store.open()
        self._master = (await self.keys_for(CELL, [MASTER]))[MASTER].key
        self._fingerprints = self.master("fingerprints")
        self._expiring = asyncio.create_task(self._expire())

    async def close(self) -> None:
        if self._expiring:
            self._expiring.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._store.close()

    async def keys_for(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        """The keys to seal under, made where there are none. Raises SubjectIsForgotten, KeysUnavailable."""
        wanted = set(scopes)
        found = await self._look_up(tenant, wanted)
        if None not in found.values() and (missing := wanted - found.keys()):
            await self._mint.make({(tenant, scope) for scope in missing})
            found |= await self._find(tenant, missing)
            if wanted - found.keys():
                raise KeysUnavailable("The key store lost what it had just kept, or gives what it never kept.")
        living = {scope: key for scope, key in found.items() if key is not None}
        if len(living) < len(found):
            raise SubjectIsForgotten
        return living

    async def open(self, tenant: UUID, sealed: Sequence[Sealed]) -> list[bytes | None]:
        """What was sealed, as msgpack; None where a key was destroyed. One question to the store for a whole page.

        Raises KeysUnavailable, and Tampered when something is not what was sealed in its place: as what names a scope
        that never had a key, for a destroyed one leaves a tombstone.
        """
        opened: list[bytes | None] = []
        for each in await self.open_each(tenant, sealed):
            if isinstance(each, Damaged):
                raise each
            opened.append(each)
        return opened

    async def open_each(self, tenant: UUID, sealed: Sequence[Sealed]) -> list[bytes | Damaged | None]:
        """The same, with Tampered in the place of what is not what was sealed; raises KeysUnavailable."""
        records = [_read(each) for each in sealed]
        wanted = {ref.scope for each in records if isinstance(each, Record) for ref in each.scopes}
        evictions = self._evictions
        found = await self._look_up(tenant, wanted)
        is_kept = self._evictions == evictions
        opened = [self._open(tenant, *each, found, is_kept=is_kept) for each in zip(sealed, records, strict=True)]
        if damaged := [field.place for field, each in zip(sealed, opened, strict=True) if isinstance(each, Damaged)]:
            self._damaged(damaged)
        return opened

    def _open(
        self, tenant: UUID, sealed: Sealed, read: Record | Tampered, found: dict[str, ScopeKey | None], *, is_kept: bool
    ) -> bytes | Damaged | None:
        if isinstance(read, Tampered):
            return read
        keys: list[Any] = [found.get(ref.scope, UNKNOWN) for ref in read.scopes]
        if UNKNOWN in keys:
            return Tampered()
        if None in keys:
            return None
        try:
            cipher = self._ciphers.of(tenant, read, keys, is_kept=is_kept)
            return record.opened(cipher, read, sealed.place)
        except Tampered as error:
            return error

    async def destroy(self, tenant: UUID, scope: str) -> int:
        """Destroys a scope's keys for ever; how many are dead by now. Once begun it is carried out, whoever waits."""
        ending = asyncio.create_task(self._end(tenant, scope))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return await asyncio.shield(ending)

    def evict(self, tenant: UUID, scope: str) -> None:
        """Another process destroyed this scope: forget what is cached of it."""
        self._evictions += 1
        self._cache.evict(_name(tenant, scope))
        self._ciphers.evict(tenant, scope)

    def evict_all(self) -> None:
        """Something may have been missed: forget everything that is cached."""
        self._evictions += 1
        self._cache.clear()
        self._ciphers.clear()

    async def living(self, tenant: UUID, scope: str) -> int:
        """How many keys of a scope could still open something."""
        return await self._store.living(tenant, scope)

    def blind_index(self, purpose: str, value: str) -> bytes:
        """A keyed 32-byte digest of a normalised value."""
        return keyed(self._opened(), f"blind:{purpose}", value)

    def fingerprint(self, *parts: bytes) -> bytes:
        """A keyed 32-byte digest of the parts; raises KeysUnavailable before the keyring is open."""
        if not self._fingerprints:
            raise KeysUnavailable("The keyring is not open.")
        return fingerprint(self._fingerprints, *parts)

    def master(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same in every process of the cell."""
        return keyed(self._opened(), "master", purpose)

    async def rotate_due(self, now: int) -> int:
        """A new epoch for every tenant whose newest key is 30 days old (``now`` in seconds since 1970); goes on where
        an earlier rotation stopped. How many keys were wrapped anew.

        A tenant whose keys cannot be had holds up no other; raises KeysUnavailable in the end.
        """
        count, failed = 0, []
        for tenant in await self._store.tenants():
            try:
                if await self.tenants.is_due(tenant, now):
                    await self.tenants.begin_epoch(tenant)
                count += await self.rewrap(tenant)
            except (KeysUnavailable, Tampered) as error:
                failed.append(error)
        if failed:
            raise KeysUnavailable(f"The keys of {len(failed)} organisations could not be renewed.") from failed[0]
        return count

    async def rotate(self, tenant: UUID) -> int:
        """Begins a new epoch and wraps every living key anew; may stop anywhere and be called again."""
        await self.tenants.begin_epoch(tenant)
        return await self.rewrap(tenant)

    async def rewrap(self, tenant: UUID) -> int:
        """Wraps what older epochs still hold by the newest key; how many keys that were."""
        epoch, moved = await self.tenants.newest_epoch(tenant), 0
        while page := await self._store.older_than(tenant, epoch, most=PORTION):
            outer = await self.tenants.of_epoch(tenant, epoch)
            await self._store.rewrap([await self._anew(key, epoch, outer) for key in page])
            moved += len(page)
        return moved

    async def _anew(self, key: WrappedKey, epoch: int, outer: bytes) -> WrappedKey:
        old = await self.tenants.of_epoch(key.tenant, key.epoch)
        plain = unwrap(old, key.wrapped or b"", key.tenant, key.scope, key.generation)
        wrapped = wrap(outer, plain, key.tenant, key.scope, key.generation)
        return WrappedKey(key.tenant, key.scope, key.generation, epoch, wrapped)

    async def _end(self, tenant: UUID, scope: str) -> int:
        try:
            return await self._store.destroy(tenant, scope)
        finally:
            # Also when the store did not answer: it may have done it all the same.
            self.evict(tenant, scope)
            self._destroyed(tenant, scope)

    async def _expire(self) -> None:
        """Keys are not kept longer than they serve, also where nobody asks for them again."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            for cache in (self._cache, self._gone, self.tenants):
                cache.expire()

    def _let_go(self, name: str) -> None:
        tenant, _, scope = name.partition(" ")
        self._ciphers.evict(UUID(tenant), scope)

    async def _look_up(self, tenant: UUID, scopes: set[str]) -> dict[str, ScopeKey | None]:
        """What is known of the scopes: a key, None for a destroyed one, nothing for one that never had a key."""
        names = {_name(tenant, scope): scope for scope in scopes}
        found: dict[str, ScopeKey | None] = {names[name]: key for name, key in self._cache.find(names).items()}
        if len(found) == len(scopes):
            return found
        found |= {names[name]: None for name in self._gone.find(names)}
        if missing := scopes - found.keys():
            found |= await self._find(tenant, missing)
        return found

    async def _find(self, tenant: UUID, scopes: set[str]) -> dict[str, ScopeKey | None]:
        found: dict[str, ScopeKey | None] = {}
        evictions = self._evictions
        for key in await self._store.find({(tenant, scope) for scope in scopes}):
            name = _name(tenant, key.scope)
            if key.wrapped is None:
                found[key.scope] = None
                self._gone.put(name, True)
                # Whoever is still being told that it lives must not remember it; what is found here may be remembered.
                self.evict(tenant, key.scope)
                evictions += 1
                continue
            outer = await self.tenants.of_epoch(tenant, key.epoch)
            try:
                plain = unwrap(outer, key.wrapped, tenant, key.scope, key.generation)
            except Tampered:
                # As if there were none: what is sealed under it is damaged, and nothing more can be sealed.
                continue
            found[key.scope] = opened = ScopeKey(key.generation, plain)
            # What died while we were asking must not be remembered.
            if self._evictions == evictions:
                self._cache.put(name, opened)
        return found

    def _opened(self) -> bytes:
        if self._master is None:
            raise KeysUnavailable("The keyring is not open.")
        return self._master


def _read(sealed: Sealed) -> Record | Tampered:
    try:
        return record.read(sealed.ciphertext)
    except Tampered as error:
        return error


def _name(tenant: UUID, scope: str) -> str:
    """What caches know a scope by: a text is hashed twenty times as fast as an UUID."""
    return f"{tenant.hex} {scope}"
