"""The keyring: what is sealed can be read until one of its keys is destroyed, and then by nobody, at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from domain.compliance.erasure import SubjectIsForgotten
from domain.shared.event import Sealed
from infrastructure.keys import keyring as keyring_file
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.record import Tampered
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.sqlite_store import SqliteKeyStore
from tests.keys.keyrings import ACME, OTHER, Clock, Watched, place, read, ring, seal

ANN, BEN, DAY = "subject:ann", "subject:ben", "bucket:2025-11-25"
HELLO = encode("hello")


class Cell:
    """Two processes' keyrings on the same keys; the one that is here is watched."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.died = Clock(), list[tuple[UUID, str]]()
        self.root, self.store = Watched(_root(folder)), Watched(_store(folder))
        self.here = ring(self.root, self.store, clock=self.clock, destroyed=lambda *scope: self.died.append(scope))
        self.there = ring(_root(folder), _store(folder), clock=self.clock)


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    made = Cell(tmp_path)
    await made.here.open_store()
    await made.there.open_store()
    made.store.asked.clear()
    made.root.asked.clear()
    yield made
    made.store.is_away = made.root.is_away = lambda what, details: False
    await made.here.close()
    await made.there.close()


def _root(folder: Path) -> LocalRootKey:
    return LocalRootKey(folder / "root.key")


def _store(folder: Path) -> SqliteKeyStore:
    return SqliteKeyStore(folder / "keys.sqlite")


@pytest.mark.requirement("R-PRI-7")
async def test_what_one_process_sealed_another_reads(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    assert b"hello" not in sealed.ciphertext
    assert await read(cell.there, sealed) == [HELLO]


async def test_a_page_is_read_with_one_question_and_in_order(cell: Cell) -> None:
    texts = [f"text {number}" for number in range(100)]
    page = [
        await seal(cell.there, text, f"subject:{number % 30}", at=place(number)) for number, text in enumerate(texts)
    ]
    assert await read(cell.here, *page) == [encode(text) for text in texts]
    assert cell.store.asked == ["find", "tenant_keys"]
    assert cell.root.asked == ["unwrap"]
    assert await read(cell.here, *page) == [encode(text) for text in texts]
    assert cell.store.asked == ["find", "tenant_keys"]


async def test_nothing_to_read_asks_nothing(cell: Cell) -> None:
    assert await read(cell.here) == []
    assert await cell.here.keys_for(ACME, []) == {}
    assert cell.root.asked == []


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("victim", [ANN, DAY])
async def test_destroying_one_of_several_scopes_makes_it_unreadable(cell: Cell, victim: str) -> None:
    sealed, other = await seal(cell.here, "hello", ANN, DAY), await seal(cell.here, "hello", BEN)
    assert await read(cell.here, sealed, other) == [HELLO, HELLO]
    assert await cell.here.destroy(ACME, victim) == 1
    assert await read(cell.here, sealed, other) == [None, HELLO]


@pytest.mark.requirement("R-PRI-2")
async def test_the_keys_of_another_organisation_live_on(cell: Cell) -> None:
    theirs = await seal(cell.here, "hello", ANN, at=place(tenant=OTHER))
    await cell.here.destroy(ACME, ANN)
    assert await read(cell.here, theirs, tenant=OTHER) == [HELLO]


@pytest.mark.requirement("R-PRI-2")
async def test_only_what_was_destroyed_is_gone_from_a_page(cell: Cell) -> None:
    page = [await seal(cell.here, "hello", scope, at=place(number)) for number, scope in enumerate((ANN, BEN, ANN))]
    assert await cell.here.destroy(ACME, ANN) == 1
    assert await read(cell.here, *page) == await read(cell.there, *page) == [None, HELLO, None]
    assert await cell.here.living(ACME, ANN) == 0


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("is_known", [True, False])
async def test_nothing_is_sealed_for_somebody_who_was_forgotten(cell: Cell, is_known: bool) -> None:
    if is_known:
        await seal(cell.there, "hello", ANN)
    await cell.here.destroy(ACME, ANN)
    cell.there.evict(ACME, ANN)
    for keyring in (cell.here, cell.there):
        with pytest.raises(SubjectIsForgotten):
            await seal(keyring, "a late word", ANN)
        with pytest.raises(SubjectIsForgotten):
            await seal(keyring, "a late word", BEN, ANN)
    assert await cell.here.living(ACME, ANN) == 0
    assert await cell.here.living(ACME, BEN) == 0, "no key is made for what is refused"


@pytest.mark.requirement("R-PRI-2")
async def test_another_process_that_is_told_forgets_at_once(cell: Cell) -> None:
    sealed = await seal(cell.there, "hello", ANN)
    await cell.here.destroy(ACME, ANN)
    assert cell.died == [(ACME, ANN)]
    for tenant, scope in cell.died:
        cell.there.evict(tenant, scope)
    assert await read(cell.there, sealed) == [None]


@pytest.mark.requirement("R-PRI-2")
async def test_another_process_that_missed_something_forgets_everything(cell: Cell) -> None:
    sealed = await seal(cell.there, "hello", ANN)
    await cell.here.destroy(ACME, ANN)
    cell.there.evict_all()
    assert await read(cell.there, sealed) == [None]


@pytest.mark.requirement("R-PRI-2")
async def test_another_process_that_was_never_told_forgets_within_a_minute(cell: Cell) -> None:
    sealed = await seal(cell.there, "hello", ANN)
    await cell.here.destroy(ACME, ANN)
    cell.clock.now += 61
    assert await read(cell.there, sealed) == [None]
    with pytest.raises(SubjectIsForgotten):
        await seal(cell.there, "a late word", ANN)


@pytest.mark.requirement("R-PRI-2")
async def test_a_key_that_dies_while_it_is_being_fetched_is_not_remembered(cell: Cell) -> None:
    sealed = await seal(cell.there, "hello", ANN)
    with cell.store.holding("find") as reached:
        reading = asyncio.create_task(read(cell.here, sealed))
        await reached.wait()
        await cell.there.destroy(ACME, ANN)
        cell.here.evict(ACME, ANN)
    await reading
    assert await read(cell.here, sealed) == [None]


@pytest.mark.requirement("R-PRI-2")
async def test_a_key_is_not_remembered_by_who_fetched_it_before_another_here_saw_that_it_is_dead(cell: Cell) -> None:
    sealed = await seal(cell.there, "hello", ANN)
    with cell.store.holding("find") as reached:
        early = asyncio.create_task(read(cell.here, sealed))
        await reached.wait()
        cell.store.pass_on("find")
        await cell.there.destroy(ACME, ANN)
        assert await read(cell.here, sealed) == [None], "and nobody told this process"
    await early
    assert await read(cell.here, sealed) == [None]


@pytest.mark.requirement("R-PRI-2")
async def test_whoever_stops_waiting_for_the_end_of_a_key_does_not_stop_it(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    with cell.store.holding("destroy") as reached:
        ending = asyncio.create_task(cell.here.destroy(ACME, ANN))
        await reached.wait()
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
    await asyncio.gather(*cell.here._ending)
    assert cell.died == [(ACME, ANN)]
    assert await read(cell.here, sealed) == await read(cell.there, sealed) == [None]


@pytest.mark.requirement("R-PRI-2")
async def test_a_process_that_stops_carries_out_first_what_it_began(cell: Cell) -> None:
    await seal(cell.here, "hello", ANN)
    ending = asyncio.create_task(cell.here.destroy(ACME, ANN))
    await asyncio.sleep(0)
    await cell.here.close()
    assert ending.done()
    assert cell.died == [(ACME, ANN)]


async def test_a_store_that_died_while_destroying_may_have_done_it(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    cell.store.is_away = lambda what, details: what == "destroy"
    with pytest.raises(KeysUnavailable):
        await cell.here.destroy(ACME, ANN)
    await cell.there.destroy(ACME, ANN)
    assert cell.died == [(ACME, ANN)]
    assert await read(cell.here, sealed) == [None]


@pytest.mark.requirement("R-PRI-7")
async def test_a_ciphertext_that_names_a_scope_that_never_was_is_refused_and_not_shown_as_erased(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", "subject:ann")
    named = sealed.ciphertext.replace(b"subject:ann", b"subject:bob")
    with pytest.raises(Tampered):
        await read(cell.here, Sealed(named, sealed.place))
    with pytest.raises(Tampered):
        await read(cell.here, sealed, tenant=OTHER)


@pytest.mark.requirement("R-PRI-7")
async def test_each_flipped_bit_is_refused_and_not_shown_as_erased(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    for bit in range(len(sealed.ciphertext) * 8):
        flipped = bytearray(sealed.ciphertext)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            await read(cell.here, Sealed(bytes(flipped), sealed.place))


async def test_keys_that_are_known_serve_while_the_root_key_is_away_and_then_nothing_is_sealed(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    cell.root.is_away = lambda what, details: True
    assert await read(cell.here, sealed, await seal(cell.here, "hello", BEN)) == [HELLO, HELLO]
    cell.clock.now += 299
    assert await read(cell.here, sealed) == [HELLO]
    cell.clock.now += 61
    with pytest.raises(KeysUnavailable):
        await read(cell.here, sealed)
    with pytest.raises(KeysUnavailable):
        await seal(cell.here, "hello", "subject:new")
    cell.root.is_away = lambda what, details: False
    assert await read(cell.here, sealed) == [HELLO]


async def test_when_the_store_is_away_what_is_known_serves_for_a_minute(cell: Cell) -> None:
    sealed = await seal(cell.here, "hello", ANN)
    cell.store.is_away = lambda what, details: True
    assert await read(cell.here, sealed) == [HELLO]
    cell.clock.now += 61
    for asked in (read(cell.here, sealed), seal(cell.here, "hello", ANN), cell.here.destroy(ACME, ANN)):
        with pytest.raises(KeysUnavailable):
            await asked


async def test_what_is_kept_in_memory_is_bounded(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_file, "MOST", 10)
    small = ring(cell.root, cell.store)
    await small.keys_for(ACME, [f"subject:{number}" for number in range(50)])
    for number in range(50, 100):
        await small.destroy(ACME, f"subject:{number}")
        with pytest.raises(SubjectIsForgotten):
            await small.keys_for(ACME, [f"subject:{number}"])
    assert (len(small._cache), len(small._gone)) == (10, 10)


async def test_a_keyring_that_is_not_open_derives_nothing(cell: Cell) -> None:
    closed = ring(cell.root, cell.store)
    with pytest.raises(KeysUnavailable):
        closed.master("live tokens")
    with pytest.raises(KeysUnavailable):
        closed.blind_index("address", "ann@example.org")


async def test_blind_indexes_are_the_same_everywhere_and_differ_by_purpose_and_cell(cell: Cell, tmp_path: Path) -> None:
    address = "ann@example.org"
    found = cell.here.blind_index("address", address)
    assert found == cell.there.blind_index("address", address)
    assert len(found) == 32
    elsewhere = TenantKeyring(LocalRootKey(tmp_path / "other.key"), SqliteKeyStore(tmp_path / "other.sqlite"))
    await elsewhere.open_store()
    others = (
        cell.here.blind_index("phone", address),
        cell.here.blind_index("address", "ben@example.org"),
        cell.here.master(address),
        elsewhere.blind_index("address", address),
    )
    assert found not in others
    await elsewhere.close()
