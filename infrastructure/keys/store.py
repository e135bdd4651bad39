"""Where wrapped keys lie: never in the main database, so that no copy of it brings forgotten people back."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec


class TenantKey(msgspec.Struct, frozen=True):
    """A tenant's key of one epoch, wrapped by the root key. ``created`` is in seconds since 1970."""

    epoch: int
    wrapped: bytes
    created: int


class WrappedKey(msgspec.Struct, frozen=True):
    """A scope's key, wrapped by the tenant's key of an epoch; ``wrapped`` is None once it was destroyed."""

    tenant: UUID
    scope: str
    generation: int
    epoch: int
    wrapped: bytes | None


class Followed(msgspec.Struct, frozen=True):
    """Up to which fact of the log this store has every tombstone. The fact's id tells whether that is still this log:
    one that was put back from before counts the same positions anew."""

    position: int
    event: UUID


class KeyStore(Protocol):
    """Both stores keep this contract. Everything that returns is durable; KeysUnavailable when the store is away."""

    async def open(self) -> None:
        """Connects, and makes the tables when there are none."""
        ...

    async def close(self) -> None: ...

    async def tenant_keys(self, tenant: UUID) -> list[TenantKey]:
        """All epochs, oldest first."""
        ...

    async def tenants(self) -> list[UUID]:
        """All tenants that have keys."""
        ...

    async def add_tenant_key(self, tenant: UUID, key: TenantKey) -> None:
        """Keeps a key unless that epoch has one."""
        ...

    async def find(self, wanted: Iterable[tuple[UUID, str]]) -> list[WrappedKey]:
        """The newest generation of each (tenant, scope) that there is, tombstones too."""
        ...

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        """Keeps new keys in one commit; an existing key or tombstone stays as it is."""
        ...

    async def destroy(self, tenant: UUID, scope: str) -> int:
        """Nulls a scope's keys and leaves a tombstone, also where there was no key; how many of its keys
        are dead by now: to do it twice says the same."""
        ...

    async def older_than(self, tenant: UUID, epoch: int, *, most: int) -> list[WrappedKey]:
        """Living keys that are wrapped by an earlier epoch's key, at most so many."""
        ...

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        """Replaces the wrapping of living keys in one commit; a key destroyed meanwhile stays destroyed."""
        ...

    async def living(self, tenant: UUID, scope: str) -> int:
        """How many keys of a scope could still open something."""
        ...

    async def followed(self) -> Followed | None:
        """How far the log was followed; None in a store of which nobody knows. A copy of the store brings its own."""
        ...

    async def follow(self, followed: Followed) -> None:
        """Notes how far the log was followed."""
        ...
