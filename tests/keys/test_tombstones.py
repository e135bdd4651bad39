"""A key store follows what the log says of destroyed keys, from where its own copy stood."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from domain.compliance.events import KeysDestroyed
from infrastructure.database.connections import connect_pool
from infrastructure.event_log.reading import LogReader
from infrastructure.keys import tombstones
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.store import Followed, KeyStore, WrappedKey
from infrastructure.keys.tombstones import Tombstones
from tests.conftest import Database
from tests.event_log.writing import ACME, OTHER, append, request, row
from tests.keys.conftest import Opens
from tests.keys.keyrings import ring

pytestmark = pytest.mark.requirement("R-PRI-2")
VERA, WALTER, XAVER = UUID(int=11), UUID(int=12), UUID(int=13)


class Watched(LogReader):
    """Remembers which stretches of the log were looked at."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.looked_at: list[tuple[int, int]] = []

    async def streams_with(self, name: str, *, after: int, until: int) -> list[tuple[UUID, UUID]]:
        self.looked_at.append((after, until))
        return await super().streams_with(name, after=after, until=until)


@pytest.fixture
async def app(database: Database) -> AsyncIterator[Any]:
    pool = await connect_pool(database.runtime, size=1)
    yield pool
    await pool.close()


@pytest.fixture
def log(app: Any) -> Watched:
    return Watched(app)


@pytest.fixture
def following(store: KeyStore, log: Watched, tmp_path: Path) -> Tombstones:
    return Tombstones(log, store, ring(LocalRootKey(tmp_path / "root.key"), store))


async def forgotten(app: Any, *people: UUID, tenant: UUID = ACME) -> int:
    """The log says that their keys were destroyed; its last position."""
    rows = [row(each, 1, KeysDestroyed(subject=each, keys=1), tenant=tenant, kind="erasure") for each in people]
    return (await append(app, *[request(each, tenant=tenant) for each in rows]))[-1].position


async def something_else(app: Any, many: int = 1) -> int:
    return (await append(app, request(*[row(UUID(int=1000 + n), 1) for n in range(many)])))[-1].position


async def keep(store: KeyStore, *people: UUID, tenant: UUID = ACME) -> None:
    await store.add([WrappedKey(tenant, f"subject:{each}", 1, 1, b"wrapped") for each in people])


async def dead(store: KeyStore, *people: UUID, tenant: UUID = ACME) -> list[bool]:
    found = {key.scope: key.wrapped for key in await store.find([(tenant, f"subject:{each}") for each in people])}
    return [found.get(f"subject:{each}", b"none") is None for each in people]


async def test_whoever_was_forgotten_is_dead_again_also_where_the_copy_has_never_heard_of_them(
    app: Any, store: KeyStore, following: Tombstones
) -> None:
    """XAVER came, and was forgotten, after the copy was made: without a tombstone a new key would be made for him."""
    await keep(store, VERA, WALTER)
    await keep(store, VERA, tenant=OTHER)
    await forgotten(app, VERA, XAVER)
    await something_else(app)
    with capture_logs() as said:
        assert await following.put_back() == 2
    assert await dead(store, VERA, WALTER, XAVER) == [True, False, True]
    assert await dead(store, VERA, tenant=OTHER) == [False]
    assert [line["event"] for line in said] == ["keys were destroyed again"]
    assert (said[0]["facts"], said[0]["start"], said[0]["end"]) == (2, 0, 3)
    assert not {str(VERA), str(XAVER), str(ACME)} & set(map(str, said[0].values()))


async def test_no_more_is_looked_at_than_what_came_after_the_copy(
    app: Any, store: KeyStore, log: Watched, following: Tombstones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tombstones, "STRETCH", 2)
    await keep(store, VERA, WALTER)
    await forgotten(app, VERA)
    await following.put_back()
    assert log.looked_at == [(0, 1)]
    await something_else(app, 3)
    await forgotten(app, WALTER)
    with capture_logs() as said:
        assert await following.put_back() == 1
        assert await following.put_back() == 0
    assert log.looked_at == [(0, 1), (1, 3), (3, 5)]
    assert await dead(store, VERA, WALTER) == [True, True]
    assert [line["event"] for line in said] == ["keys were destroyed again"]


async def test_how_far_it_is_stands_in_the_store_for_whoever_opens_it(store: KeyStore, another: Opens) -> None:
    assert await store.followed() is None
    for noted in (Followed(7, VERA), Followed(70_000_000_000, WALTER)):
        await store.follow(noted)
        assert await (await another()).followed() == noted


async def test_a_copy_that_followed_another_log_begins_anew(
    app: Any, store: KeyStore, log: Watched, following: Tombstones
) -> None:
    """The log, too, was put back from before, and has gone another way since: the same position is another fact. Or it
    has not come as far."""
    await keep(store, VERA, WALTER)
    await forgotten(app, VERA)
    for noted in (Followed(1, XAVER), Followed(900, XAVER)):
        await store.follow(noted)
        with capture_logs() as said:
            await following.put_back()
        assert said[0]["event"] == "the keys have followed another log"
        assert await dead(store, VERA, WALTER) == [True, False]
    assert log.looked_at == [(0, 1), (0, 1)]
    assert await store.followed() == Followed(1, await log.event_at(1) or XAVER)


async def test_nothing_is_noted_of_an_empty_log(store: KeyStore, following: Tombstones) -> None:
    assert await following.put_back() == 0
    assert await store.followed() is None


async def test_an_end_that_was_reached_is_noted_only_when_its_dead_are_buried(
    app: Any, store: KeyStore, log: Watched
) -> None:
    class Killed:
        async def destroy(self, tenant: UUID, scope: str) -> int:
            raise ConnectionError

    await forgotten(app, VERA)
    with pytest.raises(ConnectionError):
        await Tombstones(log, store, Killed()).put_back()
    assert await store.followed() is None


class Asked:
    """A database that keeps the question, and finds nothing."""

    query = ""

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        self.query = query
        return []

    fetchrow = fetchval = fetch


@pytest.mark.requirement("R-OPS-3")
async def test_a_stretch_is_read_from_the_index_however_long_the_log_is(database: Database, app: Any) -> None:
    """20,000 facts, nobody forgotten: what came since the mark is looked at, and nothing before it."""
    for start in range(0, 20_000, 5_000):
        await append(app, *[request(row(UUID(int=5_000 + start + n), 1)) for n in range(5_000)])
    asked = Asked()
    await LogReader(asked).streams_with(KeysDestroyed.NAME, after=19_900, until=20_000)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("analyze log.events")
        planned = explained(owner, f"explain (generic_plan, costs off) {asked.query}")
        values = {"$1": "19900", "$2": "20000", "$3": f"'{KeysDestroyed.NAME}'"}
        for name, value in values.items():
            asked.query = asked.query.replace(name, value)
        done = explained(owner, f"explain (analyze, costs off, timing off, summary off) {asked.query}")
    for plan in (planned, done):
        assert "events_in_order" in plan
        assert "Seq Scan" not in plan
    assert 'Index Cond: (("position" > $1) AND ("position" <= $2))' in planned
    assert "Rows Removed by Filter: 100\n" in done


def explained(owner: psycopg.Connection[Any], query: str) -> str:
    return "".join(f"{line}\n" for (line,) in owner.execute(query.encode()))
