"""Ids that grow, secrets that nobody guesses, digests that cannot be mixed up."""

import hashlib
import hmac
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.keys.digests import digest, fingerprint, keyed, leaf, new_id, new_secret, same


def test_an_id_is_a_uuid_of_version_7_and_begins_with_the_time() -> None:
    before = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {(each.version, each.variant) for each in ids} == {(7, RFC_4122)}
    assert all(before <= each.int >> 80 <= after + 1 for each in ids)
    random_bits = [each.int & (1 << 62) - 1 for each in ids]
    assert len(set(random_bits)) == 1000
    assert all(any(bits >> bit & 1 for bits in random_bits) for bit in range(62))


def test_ids_grow_strictly_in_each_thread_and_over_all_threads() -> None:
    with ThreadPoolExecutor(8) as threads:
        lists = list(threads.map(lambda _: [new_id() for _ in range(2000)], range(8)))
    for ids in lists:
        assert ids == sorted(ids)
    assert len({each.int >> 62 for ids in lists for each in ids}) == 16_000, "no two of one moment"


def test_ids_grow_also_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    later = [new_id() for _ in range(5000)]
    assert [first, *later] == sorted({first, *later})
    assert {each.version for each in later} == {7}


def test_secrets_have_256_bits_and_are_never_the_same() -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {43}
    assert all(each.isascii() and each.replace("-", "").replace("_", "").isalnum() for each in made)


def test_digests_are_what_they_are_called() -> None:
    assert digest("secret") == hashlib.sha256(b"secret").digest()
    assert keyed(b"key", "purpose", "value") == hmac.new(b"key", b"purpose\0value", "sha256").digest()
    assert len(digest("\ud800 alone")) == 32
    assert same(b"one", b"one")
    assert not same(b"one", b"two")


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_fingerprints_tell_the_parts_apart(one: list[bytes], other: list[bytes]) -> None:
    assert (fingerprint(b"key", *one) == fingerprint(b"key", *other)) == (one == other)
    assert fingerprint(b"other key", *one) != fingerprint(b"key", *one)


def test_the_leaf_of_a_fact_covers_all_of_it_and_is_no_node() -> None:
    fact: tuple[Any, ...] = (
        UUID(int=1), "conversation", UUID(int=2), 3, UUID(int=4), "conversations.MessageSent", "agent", UUID(int=5),
        UUID(int=6), None, UUID(int=7), b"data",
    )  # fmt: skip
    other = (UUID(int=9), "visitor", UUID(int=9), 9, UUID(int=9), "conversations.NoteLeft", "system", UUID(int=9))
    others = [
        (*fact[:n], each, *fact[n + 1 :])
        for n, each in enumerate((*other, UUID(int=9), UUID(int=0), UUID(int=9), b"a"))
    ]
    moved = (*fact[:6], "agentd", *fact[7:11], b"ata")
    leaves = {leaf(*each) for each in (fact, *others, moved)}
    assert len(leaves) == len(fact) + 2
    assert leaf(*fact) != digest("data")
