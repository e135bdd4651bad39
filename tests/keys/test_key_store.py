"""The contract of a key store, on both real ones."""

import asyncio
from uuid import UUID, uuid4

import pytest

from infrastructure.keys import postgres_store, sqlite_store
from infrastructure.keys.root_key import KeysUnavailable
from infrastructure.keys.store import KeyStore, TenantKey, WrappedKey
from tests.keys.conftest import Opens
from tests.keys.places import Place

ACME, OTHER = UUID(int=1), UUID(int=2)
ANN, BEN = "subject:ann", "subject:ben"


def key(scope: str, wrapped: bytes | None, *, tenant: UUID = ACME, epoch: int = 1) -> WrappedKey:
    return WrappedKey(tenant, scope, 1, epoch, wrapped)


async def found(store: KeyStore, *scopes: str, tenant: UUID = ACME) -> dict[str, bytes | None]:
    return {each.scope: each.wrapped for each in await store.find([(tenant, scope) for scope in scopes])}


async def test_a_key_is_found_as_it_was_kept_by_whoever_opens_the_store(store: KeyStore, another: Opens) -> None:
    kept = key(ANN, b"ann's", epoch=3)
    await store.add([kept])
    assert await store.find([(ACME, ANN)]) == [kept]
    assert await (await another()).find([(ACME, ANN), (ACME, BEN)]) == [kept]


async def test_the_same_scope_of_another_organisation_is_another_scope(store: KeyStore) -> None:
    await store.add([key(ANN, b"acme's"), key(ANN, b"other's", tenant=OTHER)])
    await store.destroy(ACME, ANN)
    assert await found(store, ANN) == {ANN: None}
    assert await found(store, ANN, tenant=OTHER) == {ANN: b"other's"}
    assert await store.older_than(ACME, 9, most=10) == []


async def test_a_key_that_exists_stays_as_it_is(store: KeyStore) -> None:
    await store.add([key(ANN, b"first"), key(ANN, b"its twin")])
    await store.add([key(ANN, b"second"), key(BEN, b"ben's")])
    assert await found(store, ANN, BEN) == {ANN: b"first", BEN: b"ben's"}


async def test_nothing_to_find_or_add_is_no_trouble(store: KeyStore) -> None:
    await store.add([])
    assert await store.find([]) == []


@pytest.mark.requirement("R-PRI-2")
async def test_a_destroyed_key_leaves_a_tombstone_that_no_new_key_replaces(store: KeyStore) -> None:
    await store.add([key(ANN, b"ann's")])
    assert await store.living(ACME, ANN) == 1
    assert await store.destroy(ACME, ANN) == 1
    assert await store.destroy(ACME, ANN) == 1, "whoever did not hear it the first time hears the same"
    await store.add([key(ANN, b"back from the dead")])
    assert await found(store, ANN) == {ANN: None}
    assert await store.living(ACME, ANN) == 0


@pytest.mark.requirement("R-PRI-2")
async def test_a_tombstone_stands_also_where_there_was_no_key(store: KeyStore) -> None:
    assert await store.destroy(ACME, ANN) == 0
    await store.add([key(ANN, b"late")])
    assert await found(store, ANN, BEN) == {ANN: None}
    assert await store.living(ACME, ANN) == 0


async def test_keys_of_older_epochs_are_given_in_portions_until_all_are_wrapped_anew(store: KeyStore) -> None:
    scopes = [f"subject:{number}" for number in range(5)]
    await store.add([key(scope, b"old", epoch=1) for scope in scopes] + [key(BEN, b"newest", epoch=3)])
    moved = []
    while portion := await store.older_than(ACME, 3, most=2):
        assert len(portion) <= 2
        moved += [each.scope for each in portion]
        await store.rewrap([key(each.scope, b"anew", epoch=3) for each in portion])
    assert sorted(moved) == scopes
    assert set((await found(store, *scopes)).values()) == {b"anew"}
    assert {each.epoch for each in await store.find([(ACME, scope) for scope in scopes])} == {3}


@pytest.mark.requirement("R-PRI-2")
async def test_wrapping_anew_never_brings_back_a_key_that_was_destroyed_meanwhile(store: KeyStore) -> None:
    await store.add([key(ANN, b"ann's"), key(BEN, b"ben's")])
    portion = await store.older_than(ACME, 2, most=10)
    await store.destroy(ACME, ANN)
    await store.rewrap([key(each.scope, b"anew", epoch=2) for each in portion])
    assert await found(store, ANN, BEN) == {ANN: None, BEN: b"anew"}
    assert await store.older_than(ACME, 3, most=10) == [key(BEN, b"anew", epoch=2)]


async def test_an_organisation_has_one_key_an_epoch_and_keeps_the_old_ones(store: KeyStore) -> None:
    keys = [TenantKey(1, b"first", 1_700_000_000), TenantKey(2, b"second", 1_702_592_000)]
    for each in reversed(keys):
        await store.add_tenant_key(ACME, each)
    await store.add_tenant_key(ACME, TenantKey(2, b"too late", 1))
    assert await store.tenant_keys(ACME) == keys
    assert await store.tenant_keys(OTHER) == []
    assert await store.tenants() == [ACME]
    await store.add_tenant_key(OTHER, keys[0])
    assert sorted(await store.tenants()) == [ACME, OTHER]


async def test_many_openers_agree_on_one_key_for_each_scope(another: Opens) -> None:
    stores = await asyncio.gather(*(another() for _ in range(4)))
    scopes = [f"subject:{number}" for number in range(50)]

    async def keep(name: int, store: KeyStore) -> dict[str, bytes | None]:
        for scope in scopes:
            await store.add([key(scope, b"%d %s" % (name, uuid4().bytes))])
        await store.add_tenant_key(ACME, TenantKey(1, b"%d" % name, 1))
        return await found(store, *scopes)

    seen = await asyncio.gather(*(keep(name, store) for name, store in enumerate(stores)))
    assert all(each == seen[0] for each in seen)
    assert len({str(await store.tenant_keys(ACME)) for store in stores}) == 1


@pytest.mark.requirement("R-PRI-2")
async def test_whoever_adds_while_another_destroys_the_scope_ends_dead(another: Opens) -> None:
    adding, destroying = await another(), await another()
    for number in range(50):
        scope = f"subject:{number}"
        await asyncio.gather(adding.add([key(scope, b"x")]), destroying.destroy(ACME, scope))
        assert await found(adding, scope) == {scope: None}


async def test_a_store_that_is_away_says_so_and_serves_again_when_it_is_back(
    store: KeyStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "PATIENCE", 50)
    await store.close()
    await store.open()
    await store.add([key(ANN, b"ann's")])
    with place.away():
        for asked in (
            store.tenant_keys(ACME),
            store.tenants(),
            store.add_tenant_key(ACME, TenantKey(1, b"x", 1)),
            store.find([(ACME, ANN)]),
            store.add([key(BEN, b"ben's")]),
            store.destroy(ACME, ANN),
            store.older_than(ACME, 9, most=1),
            store.rewrap([key(ANN, b"y")]),
            store.living(ACME, ANN),
            place.store().open(),
        ):
            with pytest.raises(KeysUnavailable):
                await asked
    assert await found(store, ANN, BEN) == {ANN: b"ann's"}
    assert await store.tenant_keys(ACME) == []


async def test_a_store_that_is_not_open_says_so(store: KeyStore, place: Place) -> None:
    await store.close()
    for closed in (store, place.store()):
        with pytest.raises(KeysUnavailable):
            await closed.find([(ACME, ANN)])
    await store.close()


async def test_a_server_that_accepts_and_never_answers_is_a_store_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_store, "DEADLINE", 0.2)
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(KeysUnavailable):
        await postgres_store.PostgresKeyStore(f"postgresql://keys@127.0.0.1:{port}/keys").open()
    gone.set()
    server.close()
    await server.wait_closed()
