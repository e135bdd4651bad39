"""One key wrapped by another: AES-256-GCM under a fresh nonce, bound to what the key is for."""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.keys.record import Tampered

VERSION = b"\x01"
SHORTEST = 1 + 12 + 16


def new_key() -> bytes:
    """256 random bits."""
    return AESGCM.generate_key(256)


def wrap(outer: bytes, key: bytes, tenant: UUID, scope: str, generation: int) -> bytes:
    """``01 | nonce 12 | ciphertext and tag``."""
    nonce = os.urandom(12)
    return VERSION + nonce + AESGCM(outer).encrypt(nonce, key, _bound(tenant, scope, generation))


def unwrap(outer: bytes, wrapped: bytes, tenant: UUID, scope: str, generation: int) -> bytes:
    """The key; raises Tampered when it was wrapped for something else."""
    if wrapped[:1] != VERSION or len(wrapped) < SHORTEST:
        raise Tampered
    try:
        return AESGCM(outer).decrypt(wrapped[1:13], wrapped[13:], _bound(tenant, scope, generation))
    except InvalidTag:
        raise Tampered from None


def _bound(tenant: UUID, scope: str, generation: int) -> bytes:
    return VERSION + tenant.bytes + generation.to_bytes(4) + scope.encode()
