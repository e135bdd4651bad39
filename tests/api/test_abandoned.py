"""Whoever goes away in the middle of a request: nothing half is stored, and nothing goes on for nobody."""

import asyncio
import contextlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api import body
from api.run import serve
from domain.accounts.events import Role
from tests.api.quiet import RUNNING, no_query_is_left, nothing_happens
from tests.api.raw import raw, said
from tests.api.routes import ROUTES, Route, World
from tests.conftest import Database
from tests.event_log.waiting import eventually
from tests.house import running

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-OPS-1")]
WRITES = [route for route in ROUTES if route.body is not None]
READS = [
    route for route in ROUTES if route.method == "GET" and route.path.startswith("/v1/") and route.access.permission
]
OF_THE_API = RUNNING + " and application_name = 'helpr helpr_app'"
AS_LONG_AS_A_QUERY_MAY_TAKE = 20


async def more_than(number: int, watching: Any) -> bool:
    """Whether the API asks so many questions at the same time."""
    return len(await watching.fetch(OF_THE_API)) > number


@pytest.mark.parametrize("route", WRITES, ids=[route.name for route in WRITES])
async def test_half_a_body_is_no_request(world: World, route: Route) -> None:
    body = json.dumps(world.good(route)["json"]).encode()
    half = body[: len(body) // 2]
    chunk = f"{len(half):x}\r\n".encode() + half + b"\r\n"
    requests = [
        raw(world, route, b"", length=f"Content-Length: {len(body)}"),
        raw(world, route, half, length=f"Content-Length: {len(body)}"),
        raw(world, route, body, length=f"Content-Length: {len(body) + 1}"),
        raw(world, route, half, length="Content-Length: 105000000"),
        raw(world, route, chunk, length="Transfer-Encoding: chunked"),
    ]
    async with nothing_happens(world.helpr):
        for request in requests:
            async with said(world, request):
                await asyncio.sleep(0.01)
        for request in requests:
            async with said(world, request):
                pass


async def test_a_whole_request_is_kept_though_nobody_waits_for_the_answer(world: World) -> None:
    (route,) = [route for route in ROUTES if route.name == "sendMessage"]
    before = await world.helpr.house.reader.head()
    body = json.dumps({"text": "I am gone already"}).encode()

    async def is_kept() -> bool:
        return await world.helpr.house.reader.head() > before

    async with said(world, raw(world, route, body, length=f"Content-Length: {len(body)}")):
        await eventually(is_kept)
    await no_query_is_left(world.helpr)
    assert await world.helpr.house.reader.head() == before + 1


async def test_a_query_whose_asker_is_gone_does_not_go_on(world: World) -> None:
    """Everything that is read waits behind a lock; who asked goes away."""
    owner, watching = [await asyncpg.connect(world.helpr.settings.owner_url) for _ in range(2)]
    tables = await owner.fetch("select schemaname, tablename from pg_tables where tablename in ('inbox', 'thread')")
    async with contextlib.AsyncExitStack() as locked:
        locked.push_async_callback(owner.close)
        locked.push_async_callback(watching.close)
        await locked.enter_async_context(owner.transaction())
        for schema, table in tables:
            await owner.execute(f'lock table "{schema}"."{table}" in access exclusive mode')
        for route in READS[:4]:
            before = len(await watching.fetch(OF_THE_API))
            async with said(world, raw(world, route, b"", length="Accept: */*")):
                await eventually(partial(more_than, before, watching))
        for _ in range(AS_LONG_AS_A_QUERY_MAY_TAKE * 10):
            if not (found := await watching.fetch(OF_THE_API)):
                break
            await asyncio.sleep(0.1)
        assert [dict(row) for row in found] == []
    assert (await world.agents[Role.AGENT].get("/v1/conversations")).is_success


@pytest.mark.parametrize("name", ["sendMessage", "signIn"], ids=["the short way", "the long way"])
@pytest.mark.parametrize("length", ["Content-Length: 100", "Content-Length: 105000000", "Transfer-Encoding: chunked"])
async def test_who_says_half_and_stays_is_told_and_let_go(
    world: World, monkeypatch: pytest.MonkeyPatch, length: str, name: str
) -> None:
    monkeypatch.setattr(body, "SLOWEST", 0.2)
    (route,) = [route for route in ROUTES if route.name == name]
    half = b'2\r\n{"\r\n' if "chunked" in length else b'{"'
    async with nothing_happens(world.helpr), said(world, raw(world, route, half, length=length)) as answer:
        async with asyncio.timeout(10):
            told = await answer.read()
    assert told.startswith(b"HTTP/1.1 408")
    assert b"content-type: application/problem+json" in told
    assert b'"field":"body"' in told


async def test_nobody_who_says_half_and_stays_keeps_helpr_from_stopping(
    module_database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "DRAIN", 0.5)
    async with asyncio.timeout(15), running(module_database, folder) as helpr:
        _, writer = await asyncio.open_connection(*helpr.url.removeprefix("http://").split(":"))
        writer.write(b"POST /v1/session HTTP/1.1\r\nHost: helpr.example\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.transport.abort()


async def test_who_is_slow_with_everything_keeps_nobody_else_waiting(world: World) -> None:
    """Two hundred connections that say half a request and stay."""
    (route,) = [route for route in ROUTES if route.name == "sendMessage"]
    half = raw(world, route, b'{"te', length="Content-Length: 100")
    async with nothing_happens(world.helpr):
        writers = []
        for _ in range(200):
            _, writer = await asyncio.open_connection(*world.helpr.url.removeprefix("http://").split(":"))
            writer.write(half)
            writers.append(writer)
        answer = await world.agents[Role.AGENT].get("/v1/conversations", timeout=5)
        assert answer.is_success
        for writer in writers:
            writer.transport.abort()
