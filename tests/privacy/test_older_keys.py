"""An older copy of the key store is put back beside today's log: who was forgotten since then stays forgotten.

The copy has their keys, which open what they wrote. Nobody is answered before those are destroyed again: the log says
whose they are.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql
from structlog.testing import capture_logs

from api.main import key_store, root_key
from api.run.clock import _scheduler
from domain.accounts.events import Role
from domain.conversations.events import MessageSent
from domain.shared.event import Sealed
from infrastructure.database.connections import connect_pool
from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.keyring import TenantKeyring
from tests.api.routes import World, founded_world
from tests.conftest import Database
from tests.house import Helpr, Organisation, Visitor, arrived, founded, running, signed_in
from tests.privacy.conftest import BIRD, everything, forget, talked
from tests.privacy.copies import dump, restored_dump
from tests.privacy.test_erasure import has_words

pytestmark = [pytest.mark.requirement("R-PRI-2"), pytest.mark.requirement("R-OPS-2")]
KINDS = ("a file", "a database")


class PutBack(msgspec.Struct, frozen=True):
    """Everything stopped; the old store lies where the new one was."""

    database: Database
    folder: Path
    keys: str
    world: World
    moment: str


@pytest.fixture(params=KINDS)
async def put_back(
    request: pytest.FixtureRequest, database: Database, cluster: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[PutBack]:
    names = [f"older_keys_{number}" for number in (1, 2)]
    server, is_file = cluster.owner_dsn.rsplit("/", 1)[0], request.param == "a file"
    file, copy = tmp_path / "keys" / "keys.sqlite", tmp_path / "copy"
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        try:
            owner.execute(sql.SQL("create database {}").format(sql.Identifier(names[0])))
            keys = f"sqlite://{file}" if is_file else f"{server}/{names[0]}"
            async with running(database, tmp_path, keys_url=keys) as helpr:
                world = await founded_world(helpr, await founded(helpr, "acme"))
                await talked(world)
                moment = datetime.now(UTC).isoformat()
                if is_file:
                    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(copy)) as other:
                        one.backup(other)
                else:
                    await asyncio.to_thread(dump, keys, copy)
                late = await arrived(helpr, world.organisation)
                await late.says(f"I, too, saw the {BIRD}")
                await forget(world)
                await forget(msgspec.structs.replace(world, visitor=late))
                await all_is_noted_as_done(helpr)
            if is_file:
                file.write_bytes(copy.read_bytes())
            else:
                keys = await asyncio.to_thread(restored_dump, cluster, copy, names[1])
            yield PutBack(database, tmp_path, keys, world, moment)
        finally:
            for name in names:
                owner.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


async def all_is_noted_as_done(helpr: Helpr) -> None:
    """Else the clockwork would carry out the last erasures once more, whichever keys it finds."""
    query = "select count(*) from log.reactions where position >= $1"
    head = await helpr.house.reader.head()
    for _ in range(500):
        if await helpr.house.pool.fetchval(query, head) == 3:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the clockwork does not come to the end")


async def opened_by(put_back: PutBack) -> list[str]:
    """What the keys that were put back open of what was written in the log; the product is not asked."""
    pool = await connect_pool(put_back.database.runtime, size=1)
    root = root_key(f"file://{put_back.folder}/root/root.key")
    keyring = TenantKeyring(root, key_store(put_back.keys))
    await keyring.open_store()
    try:
        facts = await LogReader(pool).after(0, names=[MessageSent.NAME])
        texts = [each.fact.text for each in facts if isinstance(each.fact, MessageSent)]
        sealed = [text for text in texts if isinstance(text, Sealed)]
        opened = await keyring.open_each(put_back.world.organisation.id, sealed)
        return [msgspec.msgpack.decode(each) for each in opened if isinstance(each, bytes)]
    finally:
        await keyring.close()
        await pool.close()


async def there_again(helpr: Helpr, put_back: PutBack) -> World:
    """The same people, at the Helpr that runs now."""
    old = put_back.world
    organisation = Organisation(old.organisation.id, old.organisation.slug, old.organisation.agents)
    agents = {role: await signed_in(helpr, organisation, role) for role in Role}
    client = helpr.client(Authorization=old.visitor.client.headers["Authorization"])
    visitor = Visitor(client, old.visitor.id, old.visitor.secret, old.visitor.conversation)
    return World(helpr, organisation, visitor, agents, helpr.client(**{"Helpr-Request": "console"}))


async def test_keys_of_the_forgotten_that_came_back_open_nothing_once_helpr_runs(put_back: PutBack) -> None:
    assert has_words(await opened_by(put_back)), "else what follows would prove nothing"
    with capture_logs() as said:
        async with running(put_back.database, put_back.folder, keys_url=put_back.keys) as helpr:
            left = await opened_by(put_back)
            ready: Any = (await helpr.client().get("/readyz")).json()
            world = await there_again(helpr, put_back)
            now = await everything(world, at=put_back.moment)
    assert left == ["And what about me?"]
    assert [name for name, each in now.items() if has_words(each)] == []
    assert ready["status"] == "ready"
    others = [row for row in now["listConversations"].json()["conversations"] if not row["visitor"]["erased"]]
    assert [row["preview"]["text"] for row in others] == ["And what about me?"]
    assert [line["facts"] for line in said if line["event"] == "keys were destroyed again"] == [2]


async def test_the_clockwork_goes_on_from_there_so_that_no_start_has_far_to_read(put_back: PutBack) -> None:
    async with running(put_back.database, put_back.folder, keys_url=put_back.keys) as helpr:
        await arrived(helpr, put_back.world.organisation)
        await _scheduler(helpr.house).get_job("tombstones").func()
        head, store = await helpr.house.reader.head(), key_store(put_back.keys)
        await store.open()
        followed = await store.followed()
        await store.close()
    assert followed
    assert followed.position == head


async def test_the_next_start_has_nothing_left_to_do(put_back: PutBack) -> None:
    with capture_logs() as said:
        for _ in range(2):
            async with running(put_back.database, put_back.folder, keys_url=put_back.keys) as helpr:
                assert await helpr.house.tombstones.put_back() == 0
    assert [line["facts"] for line in said if line["event"] == "keys were destroyed again"] == [2]
