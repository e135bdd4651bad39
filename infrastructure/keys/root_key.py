"""The root key wraps the tenants' keys. It never leaves where it lives: a KMS, or a file beside both stores."""

from collections.abc import Mapping
from typing import Protocol

from application.ports import Unavailable

Context = Mapping[str, str]
"""Bound to what is wrapped. Ids only: a KMS logs it in the clear."""


class KeysUnavailable(Unavailable):
    """A key cannot be had just now; nothing was sealed or opened without it."""


class RootKey(Protocol):
    async def wrap(self, key: bytes, context: Context) -> bytes:
        """Encrypts a 32-byte key; raises KeysUnavailable."""
        ...

    async def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        """Gives the key back under the same context; raises KeysUnavailable."""
        ...
