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


class Record(msgspec.Struct, frozen=True, gc=False):
    """A sealed record in its parts. No two records have the same ``name``: it is the salt and the commitment."""

    scopes: tuple[ScopeRef, ...]
    reference: bytes
    name: bytes
    sealed: bytes


_reference = msgspec.msgpack.Decoder(tuple[ScopeRef, ...])
_SHA256 = hashes.SHA256()


def seal(keys: Sequence[bytes], scopes: Sequence[ScopeRef], plaintext: bytes, place: Place) -> bytes:
    """Seals a plaintext under all the keys, in the order of the scopes, for this place and no other."""
    reference = msgspec.msgpack.encode(scopes)
    salt = os.urandom(SALT)
    key, commitment = _derive(keys, salt)
    sealed = AESGCM(key).encrypt(NONCE, plaintext, _bound(place, reference))
    return b"".join((VERSION, len(reference).to_bytes(2), reference, salt, commitment, sealed))


def scopes_of(record: bytes) -> tuple[ScopeRef, ...]:
    """The scopes whose keys open a record; raises Tampered."""
    return read(record).scopes


def read(record: bytes) -> Record:
    """The parts of a record; raises Tampered."""
    end = 3 + int.from_bytes(record[1:3])
    if record[:1] != VERSION or len(record) < end + SALT + COMMITMENT + 16:
        raise Tampered
    reference = record[3:end]
    try:
        scopes = _reference.decode(reference)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Tampered from None
    # Without a scope there would be no secret in the key, and anybody could seal.
    if not scopes:
        raise Tampered
    start = end + SALT + COMMITMENT
    return Record(scopes, reference, record[end:start], record[start:])


def cipher(keys: Sequence[bytes], record: Record) -> AESGCM:
    """What opens this record and no other; raises Tampered unless these are its keys."""
    key, commitment = _derive(keys, record.name[:SALT])
    if not constant_time.bytes_eq(commitment, record.name[SALT:]):
        raise Tampered
    return AESGCM(key)


def opened(cipher: AESGCM, record: Record, place: Place) -> bytes:
    """The plaintext, by the record's own cipher; raises Tampered when it was not sealed in this place."""
    try:
        return cipher.decrypt(NONCE, record.sealed, _bound(place, record.reference))
    except InvalidTag:
        raise Tampered from None


def _derive(keys: Sequence[bytes], salt: bytes) -> tuple[bytes, bytes]:
    derived = HKDF(_SHA256, 64, salt, b"helpr record 1").derive(b"".join(keys))
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
