"""The same request again is the same request: one effect, and the first answer."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from domain.accounts.events import Role
from tests.api.routes import ROUTES, Route, World
from tests.house import Helpr, arrived

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-CON-1")]
BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "startConversation": ({"text": "Where is my parcel?"}, {"text": "Something else"}),
    "sendMyMessage": ({"text": "Hello?"}, {"text": "Something else"}),
    "markMineRead": ({"sequence": 2}, {"sequence": 1}),
    "identifyMyself": ({"name": "Vera"}, {"name": "Wera"}),
    "sendMessage": ({"text": "We look into it"}, {"text": "Something else"}),
    "leaveNote": ({"text": "She called, too"}, {"text": "Something else"}),
    "assign": ({"agent": "AGENT"}, {"agent": None}),
    "prioritise": ({"priority": "high"}, {"priority": "low"}),
    "setStatus": ({"status": "resolved"}, {"status": "open"}),
    "markRead": ({"sequence": 2}, {"sequence": 1}),
    "eraseVisitor": ({"reason": "requested"}, {"reason": "child"}),
}
"""What each write says, and something else that it could say."""
WRITES = [route for route in ROUTES if route.body is not None and route.name not in ("signIn", "beginWidgetSession")]


class Asking(msgspec.Struct, frozen=True):
    """A write, ready to be made again and again, by the one who makes it."""

    client: httpx.AsyncClient
    request: dict[str, Any]
    other: dict[str, Any]

    async def again(self, *, at: Helpr | None = None, **changed: Any) -> httpx.Response:
        """The same request, perhaps at another process."""
        request = self.request | changed
        if at is not None:
            request["url"] = at.url + request["url"]
        return await self.client.request(**request)


async def asking(world: World, route: Route) -> Asking:
    """This write, for a visitor and a conversation of its own."""
    visitor = await arrived(world.helpr, world.organisation)
    await visitor.says("The first words")
    body, other = BODIES[route.name]
    if body.get("agent") == "AGENT":
        body = {"agent": str(world.organisation.agents[Role.AGENT])}
    request = world.good(route, conversation=str(visitor.conversation), visitor=str(visitor.id))
    client = visitor.client if route.path.startswith("/widget") else world.agents[Role.OWNER]
    return Asking(client, request | {"json": body}, other)


async def facts(world: World) -> int:
    """How much has happened so far, but for the reactions that come of themselves."""
    found = await world.helpr.house.reader.after(0, most=100_000)
    return len([recorded for recorded in found if recorded.actor.kind != "system"])


def effect(route: Route) -> int:
    """How many facts one such write makes: a conversation begins with a message."""
    return 2 if route.name == "startConversation" else 1


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """What an answer says. How far an erasure is by now is no part of it."""
    content = {name: value for name, value in answer.json().items() if name not in MOVING}
    return answer.status_code, answer.headers["helpr-position"], content


MOVING = ("state", "shredded_at", "proved_at", "keys")


def test_every_write_is_here() -> None:
    assert {route.name for route in WRITES} == set(BODIES)


@pytest.mark.parametrize("route", WRITES, ids=[route.name for route in WRITES])
async def test_fifty_at_once_have_one_effect_and_one_answer(world: World, route: Route) -> None:
    write = await asking(world, route)
    before = await facts(world)
    answers = await asyncio.gather(*(write.again() for _ in range(50)))
    answers.append(await write.again())
    assert [said(answer) for answer in answers] == [said(answers[0])] * 51
    assert answers[0].is_success
    assert await facts(world) - before == effect(route)


@pytest.mark.parametrize("route", WRITES, ids=[route.name for route in WRITES])
async def test_two_processes_have_one_effect_and_one_answer(world: World, second: Helpr, route: Route) -> None:
    write = await asking(world, route)
    before = await facts(world)
    answers = await asyncio.gather(*(write.again(at=at) for at in (world.helpr, second) * 10))
    assert [said(answer) for answer in answers] == [said(answers[0])] * 20
    assert answers[0].is_success
    assert await facts(world) - before == effect(route)


@pytest.mark.parametrize("route", WRITES, ids=[route.name for route in WRITES])
async def test_the_same_key_for_something_else_is_refused(world: World, second: Helpr, route: Route) -> None:
    write = await asking(world, route)
    assert (await write.again()).is_success
    before = await facts(world)
    for at in (world.helpr, second):
        answer = await write.again(at=at, json=write.other)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert await facts(world) == before


@pytest.mark.parametrize("name", ["sendMessage", "leaveNote"])
async def test_another_actor_with_the_same_key_has_an_effect_of_their_own(world: World, name: str) -> None:
    (route,) = [route for route in WRITES if route.name == name]
    write = await asking(world, route)
    answers = [await write.again()]
    answers += [await world.agents[role].request(**write.request) for role in (Role.ADMIN, Role.AGENT)]
    assert [answer.json()["sequence"] for answer in answers] == [3, 4, 5]
    assert len({answer.json()["id"] for answer in answers}) == 3


async def test_the_same_key_of_a_neighbour_has_an_effect_of_its_own(world: World) -> None:
    (route,) = [route for route in WRITES if route.name == "startConversation"]
    vera, walter = await asking(world, route), await asking(world, route)
    conversations = {
        (await one.again(headers={"Idempotency-Key": "k"})).json()["conversation"] for one in (vera, walter)
    }
    assert len(conversations) == 2


async def test_the_id_that_the_writer_chose_is_kept(world: World) -> None:
    """So that a page recognises its own message when live tells of it first."""
    for name in ("startConversation", "sendMyMessage", "sendMessage", "leaveNote"):
        (route,) = [route for route in WRITES if route.name == name]
        write = await asking(world, route)
        chosen = str(uuid4())
        for _ in range(2):
            answer = await write.again(json={"text": "Mine", "id": chosen})
            assert answer.json()["id"] == chosen
