"""Ciphers of records are at hand for as long as the key that they come from, and not a moment longer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.event import Sealed
from infrastructure.keys import keyring as keyring_file
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.record import Record, Tampered, cipher
from infrastructure.keys.sqlite_store import SqliteKeyStore
from tests.event_log.waiting import eventually
from tests.keys.keyrings import ACME, Clock, Watched, place, read, ring, seal

pytestmark = pytest.mark.requirement("R-PRI-7")

ANN, BEN, DAY = "subject:ann", "subject:ben", "bucket:2025-11-25"
HELLO = encode("hello")


class Kept:
    """A keyring that has opened three records of Ann's and one of Ben's."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.store = Watched(SqliteKeyStore(folder / "keys.sqlite"))
        self.keyring: TenantKeyring = ring(LocalRootKey(folder / "root.key"), self.store, clock=self.clock)

    async def fill(self) -> None:
        self.ann = [await seal(self.keyring, "hello", ANN, at=place(number)) for number in (1, 2, 3)]
        self.ben = await seal(self.keyring, "hello", BEN)
        assert await read(self.keyring, *self.ann, self.ben) == [HELLO] * 4
        assert self.keyring.ciphers == 4


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    await made.keyring.open_store()
    await made.fill()
    yield made
    await made.keyring.close()


async def test_they_are_found_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.keys.ciphers.cipher", None)
    assert await read(kept.keyring, *kept.ann, kept.ben) == [HELLO] * 4


async def test_those_of_somebody_who_is_forgotten_die_in_the_same_moment(kept: Kept) -> None:
    await kept.keyring.destroy(ACME, ANN)
    assert kept.keyring.ciphers == 1
    assert await read(kept.keyring, *kept.ann, kept.ben) == [None, None, None, HELLO]
    assert kept.keyring.ciphers == 1


async def test_they_die_when_another_process_says_that_it_destroyed_the_key(kept: Kept) -> None:
    kept.keyring.evict(ACME, ANN)
    assert kept.keyring.ciphers == 1
    kept.keyring.evict_all()
    assert kept.keyring.ciphers == 0
    assert await read(kept.keyring, *kept.ann, kept.ben) == [HELLO] * 4


async def test_they_die_when_it_turns_out_that_the_key_is_gone(kept: Kept) -> None:
    await kept.store.destroy(ACME, ANN)
    kept.clock.now += 61
    assert await read(kept.keyring, *kept.ann, kept.ben) == [None, None, None, HELLO]
    assert await read(kept.keyring, kept.ben) == [HELLO]
    assert kept.keyring.ciphers == 1


async def test_they_outlive_no_key_that_was_kept_for_its_time(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.clock.now += 61
    derived = []

    def derive(keys: list[bytes], record: Record) -> AESGCM:
        derived.append(record)
        return cipher(keys, record)

    monkeypatch.setattr("infrastructure.keys.ciphers.cipher", derive)
    assert await read(kept.keyring, *kept.ann) == [HELLO] * 3
    assert len(derived) == 3
    assert kept.keyring.ciphers == 4


async def test_what_dies_while_the_store_is_asked_leaves_none_behind(kept: Kept) -> None:
    kept.clock.now += 61
    with kept.store.holding("find") as reached:
        reading = asyncio.create_task(read(kept.keyring, *kept.ann))
        await reached.wait()
        kept.keyring.evict(ACME, ANN)
    assert await reading == [HELLO] * 3
    assert kept.keyring.ciphers == 1


async def test_a_record_that_was_changed_or_moved_does_not_open_by_the_cipher_at_hand(kept: Kept) -> None:
    good = kept.ann[0]
    elsewhere = Sealed(good.ciphertext, msgspec.structs.replace(good.place, version=9))
    foreign = Sealed(kept.ben.ciphertext.replace(BEN.encode(), ANN.encode()), kept.ben.place)
    changed = [
        Sealed(good.ciphertext[:at] + bytes([good.ciphertext[at] ^ 1]) + good.ciphertext[at + 1 :], good.place)
        for at in range(len(good.ciphertext))
    ]
    for wrong in (elsewhere, foreign, *changed):
        with pytest.raises(Tampered):
            await read(kept.keyring, wrong)
    assert await read(kept.keyring, good) == [HELLO]


async def test_those_of_several_keys_are_not_kept(kept: Kept) -> None:
    both = await seal(kept.keyring, "hello", ANN, DAY)
    assert await read(kept.keyring, both, both) == [HELLO, HELLO]
    assert kept.keyring.ciphers == 4
    await kept.keyring.destroy(ACME, DAY)
    assert await read(kept.keyring, both) == [None]


async def test_there_are_never_more_than_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_file, "MOST_CIPHERS", 2)
    made = Kept(tmp_path)
    await made.keyring.open_store()
    sealed = [await seal(made.keyring, "hello", ANN, at=place(number)) for number in range(1, 6)]
    for _ in range(2):
        assert await read(made.keyring, *sealed) == [HELLO] * 5
        assert made.keyring.ciphers == 2
    await made.keyring.destroy(ACME, ANN)
    assert made.keyring.ciphers == 0
    await made.keyring.close()


async def test_they_and_their_keys_are_let_go_when_their_time_is_over_though_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.keys.keyring.EXPIRE_EVERY", 0.01)
    clock = Clock()
    keyring = ring(LocalRootKey(tmp_path / "root.key"), SqliteKeyStore(tmp_path / "keys.sqlite"), clock=clock)
    await keyring.open_store()
    sealed = await seal(keyring, "hello", ANN)
    assert await read(keyring, sealed) == [HELLO]
    clock.now += 61
    await eventually(lambda: keyring.ciphers == 0)
    assert len(keyring._cache) == 0
    assert await read(keyring, sealed) == [HELLO]
    clock.now += 301
    await eventually(lambda: len(keyring._cache) == len(keyring.tenants._cache) == 0)
    await keyring.close()
