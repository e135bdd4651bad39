"""A key epoch begins and everything is wrapped anew, in a process that is killed at random points, while others seal
and read: nothing is unreadable, then or later, what was destroyed stays so, and whoever comes next ends it."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infrastructure.keys.keyring import CELL, TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from tests.faults.sealing_on import Kept, unreadable
from tests.keys.keyrings import ACME, read, seal
from tests.keys.places import Place, SqlitePlace, key_database
from tests.keys.processes import talking

OLD = 1000
"""Scopes that are there before the first epoch ends: five portions."""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield SqlitePlace(tmp_path / "keys.sqlite")
    else:
        with key_database(request.getfixturevalue("cluster").owner_dsn) as made:
            yield made


@pytest.mark.requirement("R-INB-3")
@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.soak)])
async def test_a_rotation_killed_at_random_points_leaves_nothing_unreadable(
    place: Place, tmp_path: Path, kills: int
) -> None:
    root, chance = tmp_path / "root.key", random.Random(kills)
    keyring, store = TenantKeyring(LocalRootKey(root), place.store()), place.store()
    await keyring.open_store()
    await store.open()
    await keyring.keys_for(ACME, [f"old:{number}" for number in range(OLD)])
    gone = await seal(keyring, "gone", "subject:gone")
    begun = time.monotonic()
    assert await keyring.rotate(ACME) == OLD + 1
    took, halfway = time.monotonic() - begun, 0
    files = [tmp_path / name for name in ("one", "two")]
    sealing = ("tests.faults.sealing_on", root, place.url)
    with talking(*sealing, "one", files[0]) as one, talking(*sealing, "two", files[1]) as two:
        for number in range(kills):
            with talking("tests.faults.rotator", root, place.url) as rotator:
                rotator.say("")
                assert rotator.hear() == "begun"
                await asyncio.sleep(chance.uniform(0, 1.5 * took))
            newest = await keyring.tenants.newest_epoch(ACME)
            halfway += bool(await store.older_than(ACME, newest, most=1))
            if number == kills // 2:
                assert await keyring.destroy(ACME, "subject:gone") == 1
        for each in (one, two):
            each.say("")
        said = [each.hear() for each in (one, two)]
    kept = [msgspec.json.decode(line, type=Kept) for file in files for line in file.read_bytes().splitlines()]
    assert [line.split(", ")[1] for line in said] == ["0 unreadable"] * 2
    assert halfway > 0, "none was killed on its way: nothing was proved"

    heir = TenantKeyring(LocalRootKey(root), place.store())
    await heir.open_store()
    await heir.rotate_due(int(time.time()))
    for tenant in (ACME, CELL):
        assert await store.older_than(tenant, await heir.tenants.newest_epoch(tenant), most=1) == []
    for reader in (heir, TenantKeyring(LocalRootKey(root), store)):
        assert await unreadable(reader, kept) == 0
        assert await read(reader, gone) == [None]
    print(f"{kills} kills, {halfway} on the way, {len(kept)} fields sealed meanwhile, 0 unreadable")
    for opened in (keyring, heir):
        await opened.close()
    await store.close()
