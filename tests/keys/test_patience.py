"""Root keys and stores that are slow, full or wrong: nobody waits in vain, no other key is taken for theirs."""

import asyncio
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.keys import aws_kms, postgres_store, sqlite_store, tenant_keys
from infrastructure.keys.aws_kms import AwsKms
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.postgres_store import PostgresKeyStore
from infrastructure.keys.root_key import Context, KeysUnavailable
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.store import TenantKey
from tests.keys.keyrings import ACME, Clock, Watched, read, ring, seal
from tests.keys.places import Place, key_database

pytestmark = pytest.mark.requirement("R-INB-3")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Watched:
    return Watched(LocalRootKey(tmp_path / "root.key"))


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    return Watched(SqliteKeyStore(tmp_path / "keys.sqlite"))


@pytest.fixture
async def keyring(root: Watched, store: Watched, clock: Clock) -> TenantKeyring:
    opened = ring(root, store, clock=clock)
    await opened.open_store()
    return opened


async def test_keys_in_use_are_fetched_anew_before_they_are_let_go(
    keyring: TenantKeyring, root: Watched, clock: Clock
) -> None:
    """So nobody who has them waits for a slow root key, not even for a new scope."""
    sealed = await seal(keyring, "hello", "subject:ann")
    clock.now += 250
    with root.holding("unwrap") as reached:
        assert await read(keyring, sealed) == [encode("hello")]
        await seal(keyring, "hello", "subject:new")
        await asyncio.wait_for(reached.wait(), 5)
        clock.now += 20
        await seal(keyring, "hello", "subject:newer")
    await asyncio.sleep(0.05)
    clock.now += 200
    root.is_away = lambda what, details: True
    await seal(keyring, "hello", "subject:newest")


async def test_a_root_key_that_is_away_is_missed_when_the_keys_are_too_old(
    keyring: TenantKeyring, root: Watched, clock: Clock
) -> None:
    sealed = await seal(keyring, "hello", "subject:ann")
    root.is_away = lambda what, details: True
    for _ in range(6):
        clock.now += 49
        assert await read(keyring, sealed) == [encode("hello")]
    clock.now += 61
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await read(keyring, sealed)
    root.is_away = lambda what, details: False
    assert await read(keyring, sealed) == [encode("hello")]


async def test_another_key_than_the_right_one_is_refused(
    keyring: TenantKeyring, root: Watched, store: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sealed under it could be opened by nobody, once the root key answers well again."""
    sealed = await seal(keyring, "hello", "subject:ann")

    async def another(wrapped: bytes, context: Context) -> bytes:
        return bytes(range(32))

    with monkeypatch.context() as patched:
        patched.setattr(root, "unwrap", another, raising=False)
        clock.now += 301
        for scope in ("subject:ann", "subject:new"):
            with pytest.raises(KeysUnavailable):
                await keyring.keys_for(ACME, [scope])
    assert await keyring.living(ACME, "subject:new") == 0
    assert await read(keyring, sealed) == [encode("hello")]


async def test_keys_of_an_earlier_version_have_no_digest_and_open_all_the_same(root: Watched, store: Watched) -> None:
    await store.open()
    context = {"tenant": str(ACME), "epoch": "1"}
    await store.add_tenant_key(ACME, TenantKey(1, await root.wrap(bytes(range(32)), context), 0))
    assert (await ring(root, store).tenants.newest(ACME)) == (1, bytes(range(32)))


async def test_whoever_comes_when_too_many_wait_for_a_tenants_keys_is_told_so_at_once(
    root: Watched, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_keys, "MOST_WAITING", 3)
    keyring = ring(root, store)
    await keyring.open_store()
    with root.holding("wrap") as reached:
        waiting = [asyncio.create_task(keyring.keys_for(ACME, [f"subject:{n}"])) for n in range(3)]
        await asyncio.wait_for(reached.wait(), 5)
        with pytest.raises(KeysUnavailable, match="Too many"):
            await asyncio.wait_for(keyring.keys_for(ACME, ["subject:late"]), 1)
    assert [len(keys) for keys in await asyncio.gather(*waiting)] == [1, 1, 1]
    assert len(await keyring.keys_for(ACME, ["subject:late"])) == 1


async def test_a_line_before_a_store_that_is_held_by_somebody_does_not_grow(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stands in it is told in one time, not one after the other."""
    for module in (sqlite_store, postgres_store):
        monkeypatch.setattr(module, "MOST_WAITING", 20)
        monkeypatch.setattr(module, "DEADLINE", 0.5)
    store = place.store()
    await store.open()
    with place.away():
        asked = [store.tenant_keys(ACME) for _ in range(50)]
        said = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 4)
    assert {type(each) for each in said} == {KeysUnavailable}
    assert sum("Too many" in str(each) for each in said) >= 30
    for _ in range(100):
        try:
            assert await store.tenant_keys(ACME) == []
            break
        except KeysUnavailable:
            await asyncio.sleep(0.1)
    else:
        raise AssertionError("the store did not come back")
    await store.close()


async def test_a_store_in_whose_stead_a_web_server_answers_is_away_until_it_speaks_for_itself(
    cluster: EmbeddedPostgres,
) -> None:
    page, target = b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>no</html>", urlsplit(cluster.owner_dsn)
    is_wrong = asyncio.Event()

    async def answer(source: asyncio.StreamReader, to: asyncio.StreamWriter, *, is_back: bool) -> None:
        with suppress(ConnectionError):
            while said := await source.read(65536):
                to.write(page if is_back and is_wrong.is_set() else said)
                await to.drain()
        to.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(answer(reader, back, is_back=False), answer(there, writer, is_back=True))

    with key_database(cluster.owner_dsn) as place:
        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            store = PostgresKeyStore(place.url.replace(f":{target.port}/", f":{port}/"))
            await store.open()
            is_wrong.set()
            for _ in range(3):
                with pytest.raises(KeysUnavailable):
                    await asyncio.wait_for(store.tenant_keys(ACME), 30)
            is_wrong.clear()
            assert await store.tenant_keys(ACME) == []
            await store.close()


async def test_a_line_before_a_silent_kms_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_kms, "MOST_WAITING", 5)
    monkeypatch.setattr(aws_kms, "DEADLINE", 0.3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    end = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kms = AwsKms("some-key", region="eu-central-1", endpoint=endpoint)
        context = {"tenant": str(ACME), "epoch": "1"}
        said = await asyncio.gather(*(kms.unwrap(b"x", context) for _ in range(12)), return_exceptions=True)
        end.set()
    assert {type(each) for each in said} == {KeysUnavailable}
    assert sum("Too many" in str(each) for each in said) == 7
