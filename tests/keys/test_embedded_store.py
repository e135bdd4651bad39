"""The embedded key store on disk: what was destroyed stands in no file, and nobody else reads it."""

import random
import re
import sqlite3
import stat
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from infrastructure.keys import sqlite_store
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.store import TenantKey, WrappedKey
from tests.keys.places import SqlitePlace
from tests.keys.processes import talking

TENANTS = [UUID(int=number) for number in (1, 2, 3)]


class Keys:
    """Keys whose wrapped bytes are recognised wherever they lie: a sign, a number, and noise of the usual length."""

    SIGN = b"\x01wrapped\x02"

    def __init__(self) -> None:
        self._random = random.Random(20_251_125)
        self._made = 0
        self.living: dict[tuple[UUID, str], WrappedKey] = {}

    def some(self, many: int) -> list[tuple[UUID, str]]:
        return self._random.sample(sorted(self.living), many)

    def new(self, many: int) -> list[WrappedKey]:
        ids = [UUID(int=self._random.getrandbits(128)) for _ in range(many)]
        return self._keep(
            [WrappedKey(self._random.choice(TENANTS), f"subject:{id}", 1, 1, self._bytes()) for id in ids]
        )

    def anew(self, scopes: list[tuple[UUID, str]], epoch: int) -> list[WrappedKey]:
        return self._keep([WrappedKey(*scope, 1, epoch, self._bytes()) for scope in scopes])

    def numbers(self, keys: list[WrappedKey]) -> set[bytes]:
        return {key.wrapped[len(self.SIGN) :][:4] for key in keys if key.wrapped}

    def on_disk(self, folder: Path) -> Counter[bytes]:
        """How often each key's bytes stand in all files together."""
        everything = b"".join(file.read_bytes() for file in folder.iterdir())
        return Counter(re.findall(re.escape(self.SIGN) + b"(.{4})", everything, re.DOTALL))

    def _bytes(self) -> bytes:
        self._made += 1
        return self.SIGN + self._made.to_bytes(4) + self._random.randbytes(48)

    def _keep(self, keys: list[WrappedKey]) -> list[WrappedKey]:
        self.living |= {(key.tenant, key.scope): key for key in keys}
        return keys


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.requirement("R-PRI-7")
async def test_the_bytes_of_a_destroyed_key_stand_in_no_file(tmp_path: Path) -> None:
    """A key that lives stands there exactly once: a second copy would outlive it."""
    store, keys = SqliteKeyStore(tmp_path / "keys.sqlite"), Keys()
    await store.open()
    for epoch in range(2, 6):
        for _ in range(8):
            await store.add(keys.new(400))
        await store.rewrap(keys.anew(keys.some(1500), epoch=epoch * 100))
        for scope in keys.some(60):
            await store.destroy(*scope)
            del keys.living[scope]
    assert keys.on_disk(tmp_path) == dict.fromkeys(keys.numbers(list(keys.living.values())), 1)
    await store.add(keys.new(2000))
    assert keys.on_disk(tmp_path) == dict.fromkeys(keys.numbers(list(keys.living.values())), 1)
    await store.close()


@pytest.mark.requirement("R-PRI-2")
async def test_one_key_is_gone_from_the_disk_when_destroy_returns(tmp_path: Path) -> None:
    store, keys = SqliteKeyStore(tmp_path / "keys.sqlite"), Keys()
    await store.open()
    [key] = keys.new(1)
    await store.add([key])
    assert sum(keys.on_disk(tmp_path).values()) == 1
    await store.destroy(key.tenant, key.scope)
    assert not keys.on_disk(tmp_path)
    await store.close()


@pytest.mark.requirement("R-PRI-7")
async def test_only_its_owner_may_read_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first moment on, and again when it comes back from a backup with other rights."""
    file, connect, seen = tmp_path / "new" / "keys.sqlite", sqlite3.connect, []

    def look(path: Path, **options: object) -> sqlite3.Connection:
        seen.append(stat.S_IMODE(path.stat().st_mode))
        return connect(path, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", look)
    for _ in range(2):
        store = SqliteKeyStore(file)
        await store.open()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
        await store.close()
        file.chmod(0o644)
    assert seen == [0o600, 0o600]
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_two_processes_write_to_it_at_once(tmp_path: Path) -> None:
    place, many = SqlitePlace(tmp_path / "keys.sqlite"), 60
    with (
        talking("tests.keys.adder", place.url, "one", many) as one,
        talking("tests.keys.adder", place.url, "two", many) as two,
    ):
        for process in (one, two):
            process.say("go")
        assert one.end() == two.end() == ""
    store = place.store()
    await store.open()
    wanted = [(UUID(int=1), f"{name}:{number}") for name in ("one", "two", "shared") for number in range(many)]
    found = {key.scope: key.wrapped for key in await store.find(wanted)}
    assert len(found) == 3 * many
    assert [scope for scope, wrapped in found.items() if wrapped is None] == [
        f"{name}:{number}" for name in ("one", "two") for number in range(0, many, 10)
    ]
    await store.close()


async def test_a_writer_that_waited_too_long_for_a_reader_can_write_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "PATIENCE", 50)
    store = SqliteKeyStore(tmp_path / "keys.sqlite")
    await store.open()
    reader = sqlite3.connect(tmp_path / "keys.sqlite", isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from scope_keys").fetchall()
    key = WrappedKey(UUID(int=1), "subject:ann", 1, 1, b"ann's")
    with pytest.raises(KeysUnavailable):
        await store.add([key])
    reader.close()
    assert await store.find([(key.tenant, key.scope)]) == []
    await store.add([key])
    assert await store.find([(key.tenant, key.scope)]) == [key]
    await store.close()


async def test_what_is_no_key_store_is_a_store_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Dear key store, " * 1000)
    for path in (tmp_path / "text", tmp_path, tmp_path / "text" / "keys.sqlite"):
        store = SqliteKeyStore(path)
        with pytest.raises(KeysUnavailable):
            await store.open()
        with pytest.raises(KeysUnavailable):
            await store.add_tenant_key(UUID(int=1), TenantKey(1, b"x", 1))
        await store.close()
