"""Digests, secrets and ids: what the rest of the product needs of cryptography without touching it."""

import hashlib
import hmac
import os
import secrets
import struct
import threading
import time
from collections.abc import Iterator
from uuid import UUID

PORTION = 4096
"""Random bytes that are fetched at a time: the system takes longer to be asked than to give them."""

_lock = threading.Lock()
_last = 0
_random: Iterator[int] = iter(())


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): milliseconds, then 12 bits that grow within the millisecond, then randomness."""
    global _last, _random
    with _lock:
        now = time.time_ns() * 4096 // 1_000_000
        _last = stamp = now if now > _last else _last + 1
        chance = next(_random, None)
        if chance is None:
            _random = iter(struct.unpack(f"{PORTION // 8}Q", os.urandom(PORTION)))
            chance = next(_random)
    return UUID(int=(stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | chance >> 2)


def _forget_chance() -> None:
    """A forked process would make its parent's ids."""
    global _random
    _random = iter(())


os.register_at_fork(after_in_child=_forget_chance)


def new_secret() -> str:
    """256 random bits, to be shown once and kept as a digest."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> bytes:
    """SHA-256 of a secret: good enough for 256 random bits, never for a password."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Compares without telling by its time where they differ."""
    return hmac.compare_digest(one, other)


def fingerprint(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 over the parts, each with its length before it."""
    return hmac.digest(key, b"".join([b"%d:%b" % (len(part), part) for part in parts]), "sha256")


def leaf(
    tenant: UUID,
    kind: str,
    stream: UUID,
    version: int,
    event_id: UUID,
    name: str,
    actor_kind: str,
    actor: UUID,
    correlation: UUID,
    causation: UUID | None,
    command: UUID,
    data: bytes,
) -> bytes:
    """The Merkle leaf of a fact (RFC 9162, 2.1.1): what happened, where, by whom and because of what. It covers the
    ciphertext, so that shredding keeps it valid."""
    words = "\0".join((kind, name, actor_kind)).encode()
    cause = b"\0" if causation is None else b"\1" + causation.bytes
    return hashlib.sha256(
        b"\0" + tenant.bytes + stream.bytes + version.to_bytes(8, signed=True) + event_id.bytes
        + actor.bytes + correlation.bytes + command.bytes + cause + len(words).to_bytes(4) + words + data
    ).digest()  # fmt: skip


def keyed(key: bytes, purpose: str, value: str) -> bytes:
    """HMAC-SHA-256 of a value for one purpose."""
    return hmac.digest(key, purpose.encode() + b"\0" + value.encode("utf-8", "surrogatepass"), "sha256")
