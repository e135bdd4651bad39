"""The ciphers of records that were opened lately: deriving one takes five times as long as opening by it."""

from collections import OrderedDict
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.keys.facts import ScopeKey
from infrastructure.keys.record import Record, cipher


class Ciphers:
    """Keeps at most ``most`` of them, each beside the scope key it was derived from: whoever lets go of that key says
    so here, and a cipher is good for nothing once the scope has another. What was opened is not kept."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, tuple[tuple[UUID, str], ScopeKey, AESGCM]] = OrderedDict()
        self._of: dict[tuple[UUID, str], set[bytes]] = {}

    def of(self, tenant: UUID, record: Record, keys: list[ScopeKey], *, is_kept: bool) -> AESGCM:
        """The cipher of a record, by the living keys of all its scopes; raises Tampered when they are not its keys.

        Those of records of several scopes are derived each time.
        """
        known = self._kept.get(record.name)
        if known is not None and known[1] is keys[0] and len(keys) == 1:
            self._kept.move_to_end(record.name)
            return known[2]
        made = cipher([key.key for key in keys], record)
        if is_kept and len(keys) == 1:
            self._keep(record.name, (tenant, record.scopes[0].scope), keys[0], made)
        return made

    def evict(self, tenant: UUID, scope: str) -> None:
        """The scope's key is no more, and so is what was derived from it."""
        for name in self._of.pop((tenant, scope), ()):
            del self._kept[name]

    def clear(self) -> None:
        self._kept.clear()
        self._of.clear()

    def _keep(self, name: bytes, scope: tuple[UUID, str], key: ScopeKey, made: AESGCM) -> None:
        self._forget(name)
        self._kept[name] = (scope, key, made)
        self._of.setdefault(scope, set()).add(name)
        if len(self._kept) > self._most:
            self._forget(next(iter(self._kept)))

    def _forget(self, name: bytes) -> None:
        known = self._kept.pop(name, None)
        if known is not None:
            names = self._of[known[0]]
            names.discard(name)
            if not names:
                del self._of[known[0]]

    def __len__(self) -> int:
        return len(self._kept)
