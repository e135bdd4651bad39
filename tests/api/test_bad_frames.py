"""Whatever comes in on a live connection, it is answered or let go, and nobody else notices."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets

from api import live
from domain.accounts.events import Role
from infrastructure.keys.live_tokens import LiveTokens
from tests.api.quiet import nothing_happens
from tests.api.routes import World
from tests.house import Ears, Organisation, arrived, listening_to, signed_in

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-ACC-10")]
DOORS = ("/v1", "/widget/v1")
UNREADABLE = [
    "", " ", "hello", "{", "}{", "null", "[]", "7", '"hello"', "{}", "[" * 4096, '{"type":' * 500,
    '{"type": 1}', '{"type": null}', '{"type": "nonsense"}', '{"type": "pong", "surprise": 1}',
    '{"type": "hello"}', '{"type": "hello", "token": null}',
    '{"type": "watch"}', '{"type": "unwatch"}', '{"type": "typing", "on": true}', '{"type": "inbox"}',
    '{"type": "typing", "conversation": "ID", "on": 1}',
    *(f'{{"type": "watch", "conversation": {no}, "after": 0}}' for no in ("null", '"?"', '"\\ud800"', '"\\u0000"')),
    *(f'{{"type": "watch", "conversation": "ID", "after": {no}}}' for no in (-1, '"0"', 1.5, 2**31, "1e999", "NaN")),
    *(f'{{"type": "inbox", "after": {no}}}' for no in (-1, 2**63, 10**30)),
]  # fmt: skip


def client(world: World, door: str) -> httpx.AsyncClient:
    """An agent or a visitor, whoever goes through this door."""
    return world.visitor.client if door == "/widget/v1" else world.agents[Role.AGENT]


@asynccontextmanager
async def connected(world: World, door: str) -> AsyncIterator[Ears]:
    """A live connection that has not said hello."""
    async with websockets.connect(world.helpr.url.replace("http", "ws") + f"{door}/live") as socket:
        yield Ears(socket)


async def token_of(world: World, door: str) -> str:
    path = f"{door}/live-token" if door == "/widget/v1" else f"{door}/session/live-token"
    token: str = (await client(world, door).post(path, json={})).json()["token"]
    return token


async def let_go(ears: Ears) -> int:
    """Hears until the server closes; the code it gives."""
    with contextlib.suppress(websockets.ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                ears.heard.append(json.loads(await ears.socket.recv()))
    return ears.socket.close_code or 0


@pytest.mark.parametrize("door", DOORS)
async def test_what_cannot_be_read_is_answered_with_a_problem(world: World, door: str) -> None:
    async with nothing_happens(world.helpr), listening_to(world.helpr, client(world, door)) as ears:
        for text in UNREADABLE:
            await ears.socket.send(text.replace("ID", str(world.visitor.conversation)))
            answer = await ears.until(lambda frame: frame["type"] != "ping")
            assert (answer["type"], answer["detail"][:27]) == ("problem", "This frame cannot be read: "), text
        await ears.say("watch", conversation=world.visitor.conversation, after=0)
        assert (await ears.until(lambda frame: frame["type"] == "change"))["change"]["sequence"] == 1


@pytest.mark.parametrize("door", DOORS)
async def test_a_problem_names_the_field(world: World, door: str) -> None:
    async with listening_to(world.helpr, client(world, door)) as ears:
        await ears.say("watch", conversation="nothing", after=0)
        assert "$.conversation" in (await ears.until(lambda frame: frame["type"] == "problem"))["detail"]
        await ears.say("watch", conversation=uuid4(), after=0, surprise=1)
        assert "surprise" in (await ears.until(lambda frame: frame["type"] == "problem"))["detail"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("size", [4097, 10 * 2**20])
async def test_who_says_too_much_at_once_is_let_go(world: World, door: str, size: int) -> None:
    async with nothing_happens(world.helpr), listening_to(world.helpr, client(world, door)) as ears:
        await ears.socket.send("x" * size)
        assert await let_go(ears) == 1009


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("content", [b"\x00\xff", b"\xff" * 5000])
async def test_bytes_are_no_frame(world: World, door: str, content: bytes) -> None:
    async with nothing_happens(world.helpr), listening_to(world.helpr, client(world, door)) as ears:
        await ears.socket.send(content)
        await ears.until(lambda frame: frame["type"] == "problem")


@pytest.mark.parametrize("door", DOORS)
async def test_who_has_not_said_hello_is_not_heard(world: World, door: str) -> None:
    said: dict[str, dict[str, Any]] = {
        "watch": {"conversation": world.visitor.conversation, "after": 0},
        "unwatch": {"conversation": world.visitor.conversation},
        "typing": {"conversation": world.visitor.conversation, "on": True},
        "inbox": {"after": 0},
    }
    for type, content in said.items():
        if (door, type) != ("/widget/v1", "inbox"):
            async with nothing_happens(world.helpr), connected(world, door) as ears:
                await ears.say(type, **content)
                assert (await let_go(ears), ears.heard) == (4401, [])


def damaged(good: str, kind: str, world: World) -> str:
    """A token of which something is wrong."""
    body, mac = good.split(".")
    ours = LiveTokens(world.helpr.house.keyring.master("live tokens"))
    claims = ours.check(good, "agent")
    tenant, agent, session = claims.tenant, claims.id, claims.session
    tokens = {
        "empty": "",
        "another text": "a.b.c \u00e9\x00",
        "another signature": f"{body}.{mac[::-1]}",
        "another person": f"{ours.issue('agent', tenant, uuid4(), session)[0].split('.')[0]}.{mac}",
        "another cell's": LiveTokens(bytes(32)).issue("agent", tenant, agent, session)[0],
        "an hour old": in_the_past(world, 3601).issue("agent", tenant, agent, session)[0],
        "another organisation's": ours.issue("agent", uuid4(), agent, session)[0],
        "without a session": ours.issue("agent", tenant, agent)[0],
        "another session's": ours.issue("agent", tenant, agent, uuid4())[0],
    }
    return tokens[kind]


def in_the_past(world: World, seconds: int) -> LiveTokens:
    """What issues tokens as they were issued so long ago."""
    return LiveTokens(world.helpr.house.keyring.master("live tokens"), clock=lambda: time.time() - seconds)


WRONG = (
    "empty", "another text", "another signature", "another person", "another cell's", "an hour old",
    "another organisation's", "without a session", "another session's",
)  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
async def test_a_token_that_is_not_good_opens_nothing(world: World, kind: str) -> None:
    token = damaged(await token_of(world, "/v1"), kind, world)
    async with nothing_happens(world.helpr), connected(world, "/v1") as ears:
        await ears.say("hello", token=token)
        assert (await let_go(ears), ears.heard) == (4401, [])


async def test_a_connection_outlives_its_token_only_if_it_says_hello_again(world: World) -> None:
    """A fresh token is pushed before the old one ends."""
    claims = world.helpr.house.tokens.check(await token_of(world, "/v1"), "agent")
    old, _ = in_the_past(world, 3598).issue("agent", claims.tenant, claims.id, claims.session)
    async with connected(world, "/v1") as lazy, connected(world, "/v1") as ears:
        await lazy.say("hello", token=old)
        await ears.say("hello", token=old)
        await ears.say("hello", token=(await ears.until(lambda frame: frame["type"] == "token"))["token"])
        assert await let_go(lazy) == 4401
        await ears.say("watch", conversation=world.visitor.conversation, after=0)
        await ears.until(lambda frame: frame["type"] == "change")


async def test_a_token_is_good_at_its_own_door_only(world: World) -> None:
    for door, other in (DOORS, DOORS[::-1]):
        async with nothing_happens(world.helpr), connected(world, door) as ears:
            await ears.say("hello", token=await token_of(world, other))
            assert (await let_go(ears), ears.heard) == (4401, [])


async def test_nobody_becomes_somebody_else(world: World, other: Organisation) -> None:
    """Neither a colleague nor another visitor: a second hello is of the same person."""
    stranger = await arrived(world.helpr, other)
    colleague = world.agents[Role.OWNER]
    tokens = {
        "/v1": (await colleague.post("/v1/session/live-token")).json()["token"],
        "/widget/v1": (await stranger.client.post("/widget/v1/live-token")).json()["token"],
    }
    for door, token in tokens.items():
        async with listening_to(world.helpr, client(world, door)) as ears:
            await ears.say("hello", token=await token_of(world, door))
            await ears.say("hello", token=token)
            assert await let_go(ears) == 4401


async def test_a_foreign_conversation_is_as_if_it_were_not_there(world: World, other: Organisation) -> None:
    stranger = await arrived(world.helpr, other)
    await stranger.says("Not for you")
    neighbour = await arrived(world.helpr, world.organisation)
    await neighbour.says("Not for you either")
    missing = uuid4()
    async with listening_to(world.helpr, world.visitor.client) as ears:
        answers = []
        for conversation in (missing, stranger.conversation, neighbour.conversation):
            await ears.say("watch", conversation=conversation, after=0)
            answers.append(await ears.until(lambda frame: frame["type"] != "ping"))
        assert answers == [{"type": "problem", "detail": "There is no such conversation."}] * 3
    agent = await signed_in(world.helpr, world.organisation)
    async with listening_to(world.helpr, agent) as ears, listening_to(world.helpr, stranger.client) as theirs:
        for conversation in (missing, stranger.conversation):
            await ears.say("watch", conversation=conversation, after=0)
            await ears.say("typing", conversation=conversation, on=True)
        await theirs.say("watch", conversation=stranger.conversation, after=0)
        await stranger.says("Still not for you")
        await theirs.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == 3)
        await ears.say("watch", conversation=neighbour.conversation, after=0)
        await ears.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == 2)
    assert {frame.get("conversation") for frame in ears.heard} == {None, str(neighbour.conversation)}
    assert "typing" not in [frame["type"] for frame in theirs.heard]


async def test_who_says_more_than_anybody_has_to_say_is_let_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_FRAMES", 20)
    for door in DOORS:
        async with listening_to(world.helpr, client(world, door)) as ears:
            for _ in range(20):
                await ears.say("unwatch", conversation=uuid4())
            assert await let_go(ears) == 4429


async def test_another_site_opens_no_agents_connection(world: World) -> None:
    url = world.helpr.url.replace("http", "ws")
    elsewhere: Any = {"additional_headers": {"Origin": "https://elsewhere.example"}}
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with websockets.connect(f"{url}/v1/live", **elsewhere):
            pass
    async with websockets.connect(f"{url}/widget/v1/live", **elsewhere):
        pass


async def test_who_leaves_in_the_middle_leaves_nothing_behind(world: World) -> None:
    """Cut without a goodbye, while everything is being asked for."""
    async with nothing_happens(world.helpr):
        for door in DOORS * 5:
            async with listening_to(world.helpr, client(world, door)) as ears:
                await ears.say("watch", conversation=world.visitor.conversation, after=0)
                await ears.say("inbox", after=0)
                ears.socket.transport.abort()
