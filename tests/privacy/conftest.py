"""A visitor who is known well, copies of everything that was known, and then the visitor is forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from domain.accounts.events import Role
from infrastructure.database.embedded import EmbeddedPostgres
from tests.api.routes import ROUTES, World, founded_world
from tests.conftest import Database, fresh_database
from tests.house import Ears, Helpr, arrived, founded, listening_to, running
from tests.privacy.copies import copy_of_files, dump

BIRD = "zqmeise5"
PHONE = "5512093847756"
READS = [route for route in ROUTES if route.method == "GET" and route.path.startswith(("/v1/", "/widget/"))]
WRAPPED = "select wrapped from scope_keys where tenant = ? and scope = ?"


class Forgotten(msgspec.Struct, frozen=True):
    """What was known before, what was heard meanwhile, and where the old copies are."""

    helpr: Helpr
    world: World
    folder: Path
    database: Database
    before: dict[str, Any]
    moment: str
    wrapped: bytes
    key_files_before: bytes
    agent: Ears
    visitor: Ears
    dumped: Path
    copied: EmbeddedPostgres

    @property
    def person(self) -> UUID:
        return self.world.visitor.id


@pytest.fixture(scope="package")
async def forgotten(cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Forgotten]:
    folder = tmp_path_factory.mktemp("helpr")
    async with AsyncExitStack() as held:
        # PostgreSQL's user, when we are root, may not enter pytest's own folders.
        copies = Path(held.enter_context(TemporaryDirectory(prefix="helpr-copies-")))
        database = held.enter_context(fresh_database(cluster))
        helpr = await held.enter_async_context(running(database, folder))
        world = await founded_world(helpr, await founded(helpr, "acme"))
        await talked(world)
        agent = await held.enter_async_context(listening_to(helpr, world.agents[Role.AGENT]))
        visitor = await held.enter_async_context(listening_to(helpr, world.visitor.client))
        for ears in (agent, visitor):
            await ears.say("watch", conversation=world.visitor.conversation, after=0)
            await ears.until(lambda frame: BIRD in str(frame))
        moment = datetime.now(UTC).isoformat()
        before = await everything(world)
        copied = copy_of_files(cluster, copies)
        dumped = dump(database.owner, copies / "old.sql")
        wrapped = wrapped_key(folder, world)
        files = key_files(folder)
        await forget(world)
        yield Forgotten(
            helpr, world, folder, database, before, moment, wrapped, files, agent, visitor, dumped, copied
        )  # fmt: skip


async def talked(world: World) -> None:
    """A bit of everything, all of it with the bird in it."""
    vera, agent = world.visitor, world.agents[Role.AGENT]
    identity = {"name": f"Vera {BIRD}", "email": f"vera@{BIRD}.example", "phone": f"+43 {PHONE}"}
    assert (await vera.client.put("/widget/v1/visitor", json=identity)).is_success
    page = {"url": f"https://shop.example/{BIRD}", "referrer": f"https://{BIRD}.example", "utm_source": BIRD}
    known = {"organisation": str(world.organisation.id), "visitor": str(vera.id), "secret": vera.secret}
    assert (await vera.client.post("/widget/v1/session", json={**known, "page": page})).is_success
    await vera.says(f"My {BIRD} has flown")
    path = f"/v1/conversations/{vera.conversation}"
    for method, place, said in (
        ("POST", "messages", {"text": f"We look for the {BIRD}"}),
        ("POST", "notes", {"text": f"It is the third {BIRD} this week"}),
        ("PUT", "assignee", {"agent": str(world.organisation.agents[Role.AGENT])}),
        ("PUT", "priority", {"priority": "high"}),
        ("PUT", "read", {"sequence": 3}),
        ("PUT", "status", {"status": "resolved"}),
    ):
        assert (await agent.request(method, f"{path}/{place}", json=said)).is_success
    await vera.says(f"Call me about the {BIRD}: {PHONE}")
    walter = await arrived(world.helpr, world.organisation)
    await walter.says("And what about me?")


async def everything(world: World, **changed: Any) -> dict[str, Any]:
    """What every route shows, as soon as the views are there."""
    head = {"Helpr-Min-Position": str(await world.helpr.house.reader.head())}
    found = {}
    for route in READS:
        answer: httpx.Response = await world.client(route).request(**world.good(route, **changed) | {"headers": head})
        found[route.name] = answer
    return found


async def forget(world: World) -> None:
    """Until it is proved that nothing is left."""
    path = f"/v1/visitors/{world.visitor.id}/erasure"
    officer = world.agents[Role.COMPLIANCE]
    assert (await officer.post(path, json={"reason": "requested"})).status_code == 202
    await proved(officer, path)


async def proved(officer: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """An erasure, once it is proved; fails when that does not come to be."""
    for _ in range(500):
        found: dict[str, Any] = (await officer.get(path)).json()
        if found["state"] == "proved":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


def wrapped_key(folder: Path, world: World) -> bytes:
    """The visitor's key as the store keeps it."""
    keys = sqlite3.connect(folder / "keys" / "keys.sqlite")
    ((wrapped,),) = keys.execute(WRAPPED, (world.organisation.id.bytes, f"subject:{world.visitor.id}")).fetchall()
    keys.close()
    assert wrapped
    return bytes(wrapped)


def key_files(folder: Path) -> bytes:
    """Every byte of every file of the key store."""
    return b"".join(file.read_bytes() for file in sorted((folder / "keys").iterdir()))
