"""A new key every 30 days for each organisation; whatever breaks off on the way, everything stays readable."""

import asyncio
from pathlib import Path

import pytest

from domain.shared.event import Sealed
from infrastructure.keys import keyring as keyring_file
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import CELL, TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.root_key import Context, KeysUnavailable
from infrastructure.keys.store import KeyStore
from infrastructure.keys.tenant_keys import AT_ONCE, EPOCH, TenantKeys
from tests.keys.conftest import Opens
from tests.keys.keyrings import ACME, OTHER, Fate, Killed, Watched, place, read, ring, seal

MANY = 5


@pytest.fixture(autouse=True)
def portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them are needed to wrap everything anew."""
    monkeypatch.setattr(keyring_file, "PORTION", 2)


@pytest.fixture
def fate() -> Fate:
    return Fate()


@pytest.fixture
def root(tmp_path: Path, fate: Fate) -> Watched:
    return Watched(LocalRootKey(tmp_path / "root.key"), fate)


@pytest.fixture
def watched(store: KeyStore, fate: Fate) -> Watched:
    return Watched(store, fate)


@pytest.fixture
def keyring(root: Watched, watched: Watched) -> TenantKeyring:
    return ring(root, watched)


async def some(keyring: TenantKeyring, many: int = MANY) -> list[Sealed]:
    scopes = [f"subject:{number}" for number in range(many)]
    await keyring.keys_for(ACME, scopes)
    return [await seal(keyring, scope, scope, at=place(number)) for number, scope in enumerate(scopes)]


def texts(many: int = MANY) -> list[bytes]:
    return [encode(f"subject:{number}") for number in range(many)]


async def test_every_key_is_wrapped_anew_and_opens_what_it_did(
    keyring: TenantKeyring, root: Watched, watched: Watched, another: Opens
) -> None:
    sealed = await some(keyring)
    assert await keyring.rotate(ACME) == MANY
    assert await watched.older_than(ACME, 2, most=1) == []
    assert [key.epoch for key in await watched.tenant_keys(ACME)] == [1, 2]
    assert await keyring.rotate(ACME) == MANY
    for reader in (keyring, ring(root, watched), ring(root, await another())):
        assert await read(reader, *sealed) == texts()
    assert (await keyring.tenants.newest(ACME))[0] == 3
    assert await keyring.rewrap(ACME) == 0


async def test_another_process_that_knows_of_no_new_epoch_reads_and_seals_on(
    keyring: TenantKeyring, root: Watched, another: Opens
) -> None:
    there = ring(root, await another())
    before = await seal(there, "before", "subject:ann")
    await keyring.rotate(ACME)
    there.evict_all()
    after = await seal(there, "after", "subject:new")
    assert await read(there, before, after) == await read(keyring, before, after) == [encode("before"), encode("after")]
    assert await keyring.rewrap(ACME) == 1, "the new one was wrapped by the key that process still knew"
    assert await read(keyring, before, after) == [encode("before"), encode("after")]


async def test_a_process_wraps_anew_what_another_began(keyring: TenantKeyring, root: Watched, another: Opens) -> None:
    sealed = await some(keyring)
    there = ring(root, await another())
    assert await read(there, *sealed) == texts()
    await keyring.tenants.begin_epoch(ACME)
    assert await there.rewrap(ACME) == 5


@pytest.mark.parametrize("too_late", [False, True], ids=["before the step", "after the step"])
async def test_killed_at_any_step_everything_stays_readable_and_goes_on_from_there(
    keyring: TenantKeyring, root: Watched, watched: Watched, fate: Fate, too_late: bool
) -> None:
    sealed, fate.too_late = await some(keyring), too_late
    for steps in range(100):
        before = await keyring.tenants.newest_epoch(ACME)
        fate.steps_left = steps
        try:
            await ring(root, watched).rotate(ACME)
            break
        except Killed:
            fate.steps_left = None
        heir = ring(root, watched)
        assert await read(heir, *sealed) == texts()
        await heir.rewrap(ACME)
        epoch = await keyring.tenants.newest_epoch(ACME)
        assert epoch - before in (0, 1)
        assert await watched.older_than(ACME, epoch, most=1) == []
        assert await read(ring(root, watched), *sealed) == texts()
    assert steps >= 3 + 2 + 2 * 3, "three for the new key, the store's keys, then each portion is read and written"
    fate.steps_left = None
    assert await read(ring(root, watched), *sealed) == texts()


@pytest.mark.requirement("R-PRI-2")
async def test_what_is_destroyed_while_keys_are_wrapped_anew_stays_destroyed(
    keyring: TenantKeyring, root: Watched, watched: Watched
) -> None:
    sealed = await some(keyring, 3)
    await keyring.destroy(ACME, "subject:1")
    assert await keyring.rotate(ACME) == 2
    assert await read(ring(root, watched), *sealed) == [encode("subject:0"), None, encode("subject:2")]
    assert await keyring.living(ACME, "subject:1") == 0


async def test_an_epoch_that_the_store_does_not_have_is_a_store_that_does_not_belong_here(
    keyring: TenantKeyring,
) -> None:
    await some(keyring, 1)
    with pytest.raises(KeysUnavailable, match="belong together"):
        await keyring.tenants.of_epoch(ACME, 7)


async def test_the_clockwork_renews_whose_key_is_30_days_old_and_finishes_what_was_left(
    keyring: TenantKeyring, root: Watched, watched: Watched
) -> None:
    await keyring.open_store()
    sealed = await some(keyring)
    await keyring.keys_for(OTHER, ["subject:ann"])
    [born] = [key.created for key in await watched.tenant_keys(ACME)]
    assert await keyring.rotate_due(born + EPOCH - 60) == 0
    assert [len(await watched.tenant_keys(tenant)) for tenant in (ACME, OTHER, CELL)] == [1, 1, 1]
    await keyring.tenants.begin_epoch(ACME)
    assert await keyring.rotate_due(born) == 5
    assert await keyring.rotate_due(born + EPOCH + 60) == 5 + 1 + 1
    assert [len(await watched.tenant_keys(tenant)) for tenant in (ACME, OTHER, CELL)] == [3, 2, 2]
    assert await read(ring(root, watched), *sealed) == texts()


async def test_an_organisation_whose_keys_cannot_be_had_holds_up_no_other(
    keyring: TenantKeyring, root: Watched, watched: Watched
) -> None:
    for tenant in (ACME, OTHER):
        await keyring.keys_for(tenant, ["subject:ann"])
    root.is_away = lambda what, details: details[1]["tenant"] == str(OTHER)
    [born] = [key.created for key in await watched.tenant_keys(ACME)]
    with pytest.raises(KeysUnavailable, match="1 organisations"):
        await keyring.rotate_due(born + EPOCH + 60)
    assert [len(await watched.tenant_keys(tenant)) for tenant in (ACME, OTHER)] == [2, 1]
    root.is_away = lambda what, details: False
    await keyring.rotate_due(born + EPOCH + 60)
    assert len(await watched.tenant_keys(OTHER)) == 2
    assert await watched.older_than(OTHER, 2, most=1) == []


async def test_the_clockwork_asks_no_root_key_when_nothing_is_due(
    keyring: TenantKeyring, root: Watched, watched: Watched
) -> None:
    await keyring.keys_for(ACME, ["subject:ann"])
    [born] = [key.created for key in await watched.tenant_keys(ACME)]
    root.asked.clear()
    assert await ring(root, watched).rotate_due(born) == 0
    assert root.asked == []


class Busy:
    """A root key that is elsewhere, and how many asked it at the same time."""

    def __init__(self, root: Watched) -> None:
        self._root, self.now, self.most = root, 0, 0

    async def wrap(self, key: bytes, context: Context) -> bytes:
        wrapped: bytes = await self._root.wrap(key, context)
        return wrapped

    async def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        key: bytes = await self._root.unwrap(wrapped, context)
        self.now -= 1
        return key


async def test_old_organisations_do_not_ask_the_root_key_for_everything_at_once(
    root: Watched, watched: Watched
) -> None:
    first = TenantKeys(root, watched)
    for tenant in (ACME, OTHER):
        for _ in range(24):
            await first.begin_epoch(tenant)
    busy = Busy(root)
    later = TenantKeys(busy, watched)
    found = await asyncio.gather(later.all_of(ACME), later.all_of(OTHER))
    assert [len(keys) for keys in found] == [24, 24]
    assert busy.most == AT_ONCE
