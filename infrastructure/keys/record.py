"""One sealed record: ``01 | reference | salt 32 | commitment 32 | ciphertext and tag``.

Every record has a key of its own: HKDF-SHA256 (RFC 5869) over the keys of all its scopes and a random salt gives the
AES-256-GCM key and a commitment to it, which is checked first. So there is no limit of nonces, and a ciphertext opens
under one key only. The reference names the scopes and the generation of their keys.
"""

import os
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from application.ports import Damaged
from domain.shared.event import Place

VERSION = b"\x01"
NONCE = bytes(12)
SALT = COMMITMENT = 32


class Tampered(Damaged):
    """This is not what was sealed in this place: moved, changed, or sealed under another key."""


class ScopeRef(msgspec.Struct, frozen=True, array_like=True):
    """A scope, such as ``subject:<uuid>``, and the generation of its key."""

    scope: str
    generation: int


_reference = msgspec.msgpack.Decoder(tuple[ScopeRef, ...])


def seal(keys: Sequence[bytes], scopes: Sequence[ScopeRef], plaintext: bytes, place: Place) -> bytes:
    """Seals a plaintext under all the keys, in the order of the scopes, for this place and no other."""
    reference = msgspec.msgpack.encode(scopes)
    salt = os.urandom(SALT)
    key, commitment = _derive(keys, salt)
    sealed = AESGCM(key).encrypt(NONCE, plaintext, _bound(place, reference))
    return b"".join((VERSION, len(reference).to_bytes(2), reference, salt, commitment, sealed))


def scopes_of(record: bytes) -> tuple[ScopeRef, ...]:
    """The scopes whose keys open a record; raises Tampered."""
    return _reference_of(record)[0]


def unseal(keys: Sequence[bytes], record: bytes, place: Place) -> bytes:
    """The plaintext, given the keys of scopes_of(record); raises Tampered when anything does not fit."""
    _, start = _reference_of(record)
    salt, commitment = record[start : start + SALT], record[start + SALT : start + SALT + COMMITMENT]
    key, expected = _derive(keys, salt)
    if not constant_time.bytes_eq(commitment, expected):
        raise Tampered
    try:
        return AESGCM(key).decrypt(NONCE, record[start + SALT + COMMITMENT :], _bound(place, record[3:start]))
    except InvalidTag:
        raise Tampered from None


def _reference_of(record: bytes) -> tuple[tuple[ScopeRef, ...], int]:
    end = 3 + int.from_bytes(record[1:3])
    if record[:1] != VERSION or len(record) < end + SALT + COMMITMENT + 16:
        raise Tampered
    try:
        scopes = _reference.decode(record[3:end])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Tampered from None
    # Without a scope there would be no secret in the key, and anybody could seal.
    if not scopes:
        raise Tampered
    return scopes, end


def _derive(keys: Sequence[bytes], salt: bytes) -> tuple[bytes, bytes]:
    derived = HKDF(hashes.SHA256(), 64, salt, b"helpr record 1").derive(b"".join(keys))
    return derived[:32], derived[32:]


def _bound(place: Place, reference: bytes) -> bytes:
    """The place as additional data; msgpack writes each part with its length."""
    return msgspec.msgpack.encode(
        (
            VERSION,
            place.tenant.bytes,
            place.stream.bytes,
            place.version,
            place.event_id.bytes,
            place.name,
            place.field,
            reference,
        )
    )
