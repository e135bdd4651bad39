"""One sealed record opens in its own place, under its own keys, as it was sealed; in no other way."""

import hmac
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.shared.event import Place
from infrastructure.keys.record import ScopeRef, Tampered, scopes_of, seal
from infrastructure.keys.wrapping import new_key, unwrap, wrap
from tests.keys.keyrings import unseal

places = st.builds(Place, st.uuids(), st.uuids(), st.integers(1, 2**40), st.uuids(), st.text(), st.text())
keys = st.binary(min_size=32, max_size=32)
scopes = st.lists(st.tuples(st.text(min_size=1), st.integers(1, 200), keys), min_size=1, max_size=3)
Scopes = list[tuple[str, int, bytes]]
many = settings(deadline=None, max_examples=60)


def sealed(scopes: Scopes, text: bytes, place: Place) -> bytes:
    return seal(
        [key for *_, key in scopes], [ScopeRef(scope, generation) for scope, generation, _ in scopes], text, place
    )


def opened(scopes: Scopes, record: bytes, place: Place) -> bytes:
    scopes_of(record)
    return unseal([key for *_, key in scopes], record, place)


@pytest.mark.requirement("R-PRI-7")
@many
@given(scopes, st.binary(max_size=2000), places)
def test_what_was_sealed_opens_in_its_place(scopes: Scopes, text: bytes, place: Place) -> None:
    record = sealed(scopes, text, place)
    assert opened(scopes, record, place) == text
    assert record[0] == 1, "every ciphertext begins with its version"
    assert [(ref.scope, ref.generation) for ref in scopes_of(record)] == [scope[:2] for scope in scopes]
    if len(text) > 8:
        assert text not in record
    assert sealed(scopes, text, place) != record


@pytest.mark.requirement("R-PRI-7")
@many
@given(scopes, st.binary(max_size=200), places)
def test_its_cipher_and_its_commitment_are_those_of_the_standards(scopes: Scopes, text: bytes, place: Place) -> None:
    """RFC 5869, 2.2 and 2.3, with HMAC of the standard library: what is stored has to stay readable."""
    record = sealed(scopes, text, place)
    length = int.from_bytes(record[1:3])
    reference, rest = record[3 : 3 + length], record[3 + length :]
    salt, commitment, ciphertext = rest[:32], rest[32:64], rest[64:]
    secret = hmac.digest(salt, b"".join(key for *_, key in scopes), "sha256")
    first = hmac.digest(secret, b"helpr record 1\x01", "sha256")
    assert commitment == hmac.digest(secret, first + b"helpr record 1\x02", "sha256")
    ids = (place.tenant.bytes, place.stream.bytes, place.version, place.event_id.bytes)
    bound = msgspec.msgpack.encode((b"\x01", *ids, place.name, place.field, reference))
    assert AESGCM(first).decrypt(bytes(12), ciphertext, bound) == text


@pytest.mark.parametrize("part", msgspec.structs.fields(Place), ids=lambda field: field.name)
@settings(deadline=None, max_examples=20)
@given(scopes, places, places)
def test_it_opens_in_no_other_place(
    part: msgspec.structs.FieldInfo, scopes: Scopes, place: Place, other: Place
) -> None:
    elsewhere = msgspec.structs.replace(place, **{part.name: getattr(other, part.name)})
    if elsewhere != place:
        with pytest.raises(Tampered):
            opened(scopes, sealed(scopes, b"text", place), elsewhere)


@many
@given(scopes, places, st.data())
def test_any_changed_byte_is_refused(scopes: Scopes, place: Place, data: st.DataObject) -> None:
    record = bytearray(sealed(scopes, b"text", place))
    record[data.draw(st.integers(0, len(record) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Tampered):
        opened(scopes, bytes(record), place)


def test_each_single_flipped_bit_of_a_record_is_refused() -> None:
    place = Place(UUID(int=1), UUID(int=2), 3, UUID(int=4), "conversations.MessageSent", "text")
    scope: Scopes = [("subject:ann", 1, new_key())]
    record = sealed(scope, b"text", place)
    for bit in range(len(record) * 8):
        flipped = bytearray(record)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            opened(scope, bytes(flipped), place)


@many
@given(scopes, places, st.data())
def test_what_was_cut_or_extended_is_refused(scopes: Scopes, place: Place, data: st.DataObject) -> None:
    record = sealed(scopes, b"text", place)
    cut = data.draw(st.integers(0, len(record) - 1))
    for wrong in (record[:cut], record[cut + 1 :], record + bytes(cut + 1)):
        with pytest.raises(Tampered):
            opened(scopes, wrong, place)


@many
@given(st.binary(max_size=300), places)
def test_what_was_never_sealed_is_refused(noise: bytes, place: Place) -> None:
    for wrong in (noise, b"\x01" + noise, b"\x01" + len(noise[:80]).to_bytes(2) + noise):
        with pytest.raises(Tampered):
            opened([("x", 1, bytes(32))], wrong, place)


@many
@given(scopes, keys, places, st.data())
def test_all_its_keys_are_needed_in_their_order(scopes: Scopes, key: bytes, place: Place, data: st.DataObject) -> None:
    record, right = sealed(scopes, b"text", place), [key for *_, key in scopes]
    at = data.draw(st.integers(0, len(right) - 1))
    for wrong in (right[:at] + right[at + 1 :], [*right[:at], key, *right[at + 1 :]], [*right, key], right[::-1], []):
        if wrong != right:
            with pytest.raises(Tampered):
                unseal(wrong, record, place)


@given(places)
@settings(deadline=None, max_examples=10)
def test_a_record_that_names_no_scope_is_forged(place: Place) -> None:
    """Its key would be known to everybody."""
    with pytest.raises(Tampered):
        opened([], seal([], [], b"forged", place), place)


@many
@given(keys, keys, keys, st.uuids(), st.text(), st.integers(1, 100), st.data())
def test_a_wrapped_key_opens_for_what_it_was_wrapped_only(
    outer: bytes, other: bytes, key: bytes, tenant: Any, scope: str, generation: int, data: st.DataObject
) -> None:
    wrapped = wrap(outer, key, tenant, scope, generation)
    assert unwrap(outer, wrapped, tenant, scope, generation) == key
    at = data.draw(st.integers(0, len(wrapped) - 1))
    changed = wrapped[:at] + bytes([wrapped[at] ^ data.draw(st.integers(1, 255))]) + wrapped[at + 1 :]
    for wrong in (
        (outer, changed, tenant, scope, generation),
        (outer, wrapped[:at], tenant, scope, generation),
        (outer, wrapped, data.draw(st.uuids().filter(lambda id: id != tenant)), scope, generation),
        (outer, wrapped, tenant, scope + "x", generation),
        (outer, wrapped, tenant, scope, generation + 1),
        *([(other, wrapped, tenant, scope, generation)] if other != outer else []),
    ):
        with pytest.raises(Tampered):
            unwrap(*wrong)
