"""New keys: one for each scope however many ask, many in one commit, and nobody's trouble is somebody else's."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.store import WrappedKey
from tests.keys.keyrings import ACME, OTHER, Watched, ring
from tests.keys.places import Place
from tests.keys.processes import talking


@pytest.fixture
def root(tmp_path: Path) -> Watched:
    return Watched(LocalRootKey(tmp_path / "root.key"))


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    return Watched(SqliteKeyStore(tmp_path / "keys.sqlite"))


@pytest.fixture
async def keyring(root: Watched, store: Watched) -> AsyncIterator[TenantKeyring]:
    opened = ring(root, store)
    await opened.open_store()
    for watched in (root, store):
        watched.asked.clear()
    yield opened
    await opened.close()


async def test_a_crowd_of_newcomers_costs_a_few_commits_and_one_question_to_the_root_key(
    keyring: TenantKeyring, root: Watched, store: Watched
) -> None:
    crowd = [keyring.keys_for(ACME, [f"subject:{number}", "bucket:today"]) for number in range(200)]
    given = await asyncio.gather(*crowd)
    assert len({keys["bucket:today"].key for keys in given}) == 1
    assert len({keys[f"subject:{number}"].key for number, keys in enumerate(given)}) == 200
    assert store.asked.count("add") <= 3
    assert root.asked == ["wrap", "unwrap", "unwrap"], "one key, tried, kept, and opened again"


async def test_keys_that_were_given_are_durable(keyring: TenantKeyring, root: Watched, tmp_path: Path) -> None:
    keys = await keyring.keys_for(ACME, ["subject:ann"])
    later = ring(root, SqliteKeyStore(tmp_path / "keys.sqlite"))
    await later.open_store()
    assert await later.keys_for(ACME, ["subject:ann"]) == keys
    await later.close()


async def test_an_organisation_whose_key_cannot_be_had_is_nobody_elses_trouble(
    keyring: TenantKeyring, root: Watched
) -> None:
    root.is_away = lambda what, details: details[1]["tenant"] == str(OTHER)
    scopes = [(tenant, f"subject:{number}") for number in range(20) for tenant in (OTHER, ACME)]
    given = await asyncio.gather(*(keyring.keys_for(t, [s]) for t, s in scopes), return_exceptions=True)
    for (tenant, scope), keys in zip(scopes, given, strict=True):
        assert isinstance(keys, KeysUnavailable) if tenant == OTHER else scope in keys  # type: ignore[operator]


async def test_whoever_gives_up_waiting_spoils_it_for_nobody_else(keyring: TenantKeyring, store: Watched) -> None:
    with store.holding("add") as reached:
        first = asyncio.create_task(keyring.keys_for(ACME, ["subject:first"]))
        await reached.wait()
        waiting = [asyncio.create_task(keyring.keys_for(ACME, [f"subject:{number}"])) for number in range(5)]
        await asyncio.sleep(0.05)
        first.cancel()
        waiting[0].cancel()
    assert [len(await each) for each in waiting[1:]] == [1, 1, 1, 1]
    assert await keyring.living(ACME, "subject:first") == 1


async def test_a_store_that_was_away_while_keys_were_made_is_asked_again_by_the_next(
    keyring: TenantKeyring, store: Watched
) -> None:
    store.is_away = lambda what, details: what == "add"
    asked = [keyring.keys_for(ACME, [f"subject:{number}"]) for number in range(10)]
    assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {KeysUnavailable}
    store.is_away = lambda what, details: False
    assert len(await keyring.keys_for(ACME, ["subject:0"])) == 1


async def test_a_store_that_loses_what_it_kept_is_not_taken_for_forgetting(
    keyring: TenantKeyring, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(keys: list[WrappedKey]) -> None:
        store.asked.append("add")

    monkeypatch.setattr(store, "add", lose, raising=False)
    with pytest.raises(KeysUnavailable):
        await keyring.keys_for(ACME, ["subject:ann"])


async def test_a_tenant_key_that_would_not_open_again_is_never_kept(
    keyring: TenantKeyring, root: Watched, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keyring.keys_for(ACME, ["subject:ann"])

    async def wrap(*_: Any) -> bytes:
        return b"something else"

    monkeypatch.setattr(root, "wrap", wrap, raising=False)
    for asked in (keyring.rotate(ACME), keyring.keys_for(OTHER, ["subject:ann"])):
        with pytest.raises(KeysUnavailable):
            await asked
    assert [key.epoch for key in await store.tenant_keys(ACME)] == [1]
    assert await store.tenant_keys(OTHER) == []


@pytest.mark.requirement("R-INB-3")
async def test_what_the_root_key_is_told_besides_is_ids_only(keyring: TenantKeyring, root: Watched) -> None:
    await keyring.keys_for(ACME, ["subject:ann@example.org"])
    await keyring.rotate(ACME)
    assert root.contexts
    for context in root.contexts:
        assert context.keys() == {"tenant", "epoch"}
        assert str(UUID(context["tenant"])) == context["tenant"]
        assert str(int(context["epoch"])) == context["epoch"]


async def test_a_key_that_processes_make_in_a_race_is_the_same_for_all(place: Place, tmp_path: Path) -> None:
    """Even the very first: root key, tables and master key included."""
    arguments = ("tests.keys.sealer", tmp_path / "root.key", place.url)
    with talking(*arguments) as one, talking(*arguments) as two:
        for start in range(0, 60, 20):
            line = " ".join(f"subject:{number}" for number in range(start, start + 20))
            for each in (one, two):
                each.say(line if start else "")
            first, second = one.hear(), two.hear()
            assert first == second
            assert first.startswith("open ") is (start == 0)
        for each in (one, two):
            each.say("")
        assert one.end() == two.end() == ""
