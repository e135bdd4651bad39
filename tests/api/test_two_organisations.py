"""Two organisations on one Helpr: what belongs to the other is as if it were not there."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.access import Object
from domain.accounts.events import Role
from tests.api.quiet import nothing_happens
from tests.api.routes import ROUTES, Route, World, founded_world
from tests.house import Helpr, Organisation, arrived, listening_to

pytestmark = pytest.mark.usefixtures("unhurried")
BY_ID = [route for route in ROUTES if route.named("path")]
READS = [route for route in ROUTES if route.method == "GET" and route.path.startswith(("/v1/", "/widget/"))]
LISTS = [route for route in READS if route.name in ("listConversations", "listVisitors")]


@pytest.fixture(scope="module")
async def strangers(helpr: Helpr, other: Organisation) -> World:
    """The other organisation: its people, and a conversation with a bit of everything in it."""
    theirs = await founded_world(helpr, other)
    for name in ("sendMessage", "leaveNote", "assign", "prioritise", "identifyMyself", "sendMyMessage", "markMineRead"):
        (route,) = [route for route in ROUTES if route.name == name]
        said = {"name": "A stranger", "email": "stranger@example.org"} if name == "identifyMyself" else {}
        request = theirs.good(route, text="Words of strangers")
        assert (await theirs.client(route).request(**request | ({"json": said} if said else {}))).is_success
    return theirs


async def signs_of(theirs: World) -> set[str]:
    """Everything by which one would recognise what is the other's."""
    agent = theirs.agents[Role.OWNER]
    shown = (await agent.get(f"/v1/conversations/{theirs.visitor.conversation}")).json()
    ids = {change["id"] for change in shown["changes"] if change["id"]}
    agents = {str(agent) for agent in theirs.organisation.agents.values()}
    names = {"stranger", "Strangers", "Words of", "other.example", theirs.organisation.slug.title()}
    return {*ids, *agents, *names, str(theirs.organisation.id), str(theirs.visitor.id), shown["conversation"]["id"]}


def of(theirs: World, route: Route) -> dict[str, str]:
    """What is the other's, in the places where the route takes an id."""
    names = {parameter["name"] for parameter in route.named("path")}
    return {name: theirs.values()[name] for name in names}


@pytest.mark.parametrize("route", BY_ID, ids=[route.name for route in BY_ID])
async def test_a_foreign_id_is_answered_like_one_that_nobody_has(world: World, strangers: World, route: Route) -> None:
    neighbour = await arrived(world.helpr, world.organisation)
    await neighbour.says("Between me and them")
    foreign = of(strangers, route)
    answers = []
    async with nothing_happens(world.helpr):
        for ids in (foreign, dict.fromkeys(foreign, str(uuid4())), dict.fromkeys(foreign, str(UUID(int=0)))):
            answers.append(await world.ask(route, **ids))
        if Object.OWN_CONVERSATION in route.access.objects:
            answers.append(await world.ask(route, conversation=str(neighbour.conversation)))
    assert [said(answer) for answer in answers] == [said(answers[0])] * len(answers)
    assert answers[0].status_code == 404 or answers[0].json() == {"conversations": []}


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """Everything but the name of the request and the hour."""
    own = ("date", "helpr-request-id", "ratelimit", "helpr-position")
    return (
        answer.status_code,
        answer.content,
        {name: value for name, value in answer.headers.items() if name not in own},
    )


async def test_a_foreign_agent_is_nobody_to_assign_to(world: World, strangers: World) -> None:
    (route,) = [route for route in ROUTES if route.name == "assign"]
    async with nothing_happens(world.helpr):
        agents = [str(strangers.organisation.agents[Role.AGENT]), str(uuid4()), str(strangers.visitor.id)]
        answers = [await world.ask(route, agent=agent) for agent in agents]
    assert [said(answer) for answer in answers] == [said(answers[0])] * 3
    assert answers[0].json()["errors"] == [{"field": "agent", "problem": "is not an agent of your organisation"}]


async def test_a_foreign_visitor_comes_as_somebody_new(world: World, strangers: World) -> None:
    """Also when they show the secret that is good in the other organisation."""
    there = {"visitor": str(strangers.visitor.id), "secret": strangers.visitor.secret}
    begun = (
        await world.anybody.post("/widget/v1/session", json={"organisation": str(world.organisation.id), **there})
    ).json()
    assert (begun["resumed"], begun["conversation"], begun["identity"]) == (False, None, None)
    assert begun["visitor"] != there["visitor"]


async def test_what_lets_one_in_there_lets_nobody_in_here(world: World, strangers: World) -> None:
    visitor, organisation = strangers.visitor, world.organisation.id
    bearer = {"Authorization": f"Bearer {organisation}.{visitor.id}.{visitor.secret}"}
    cookie = strangers.agents[Role.OWNER].cookies["helpr_session"]
    moved = {"Cookie": f"helpr_session={organisation.hex}.{cookie.split('.')[1]}"}
    async with nothing_happens(world.helpr), httpx.AsyncClient(base_url=world.helpr.url) as nobody:
        assert (await nobody.post("/widget/v1/live-token", json={}, headers=bearer)).status_code == 401
        assert (await nobody.get("/v1/session", headers=moved)).status_code == 401


@pytest.mark.parametrize("route", READS, ids=[route.name for route in READS])
async def test_nothing_of_the_other_is_shown_or_counted(world: World, strangers: World, route: Route) -> None:
    before = await world.ask(route)
    newcomer = await arrived(world.helpr, strangers.organisation)
    await newcomer.says("Words of strangers")
    note = await strangers.agents[Role.AGENT].put(
        f"/v1/conversations/{newcomer.conversation}/status", json={"status": "resolved"}
    )
    position = {"Helpr-Min-Position": note.headers["Helpr-Position"]}
    after = await world.client(route).request(**world.good(route) | {"headers": position})
    assert after.content == before.content
    assert [sign for sign in await signs_of(strangers) if sign in after.text] == []


@pytest.mark.parametrize("route", LISTS, ids=[route.name for route in LISTS])
@pytest.mark.parametrize("sort", ["newest", "oldest", "priority"])
async def test_a_cursor_of_the_other_opens_nothing(world: World, strangers: World, route: Route, sort: str) -> None:
    for _ in range(2):
        await (await arrived(world.helpr, strangers.organisation)).says("Words of strangers")
    query = {"sort": sort, "status": "all"} if route.name == "listConversations" else {}
    first = await strangers.agents[Role.OWNER].get(route.path, params=query | {"limit": 1})
    answer = await world.agents[Role.OWNER].get(route.path, params=query | {"after": first.json()["next"]})
    assert answer.status_code in (200, 422)
    assert [sign for sign in await signs_of(strangers) if sign in answer.text] == []


async def test_a_filter_finds_nothing_of_the_other(world: World, strangers: World) -> None:
    agent = strangers.organisation.agents[Role.AGENT]
    assert (await strangers.agents[Role.OWNER].get("/v1/conversations", params={"assignee": str(agent)})).json()[
        "conversations"
    ]
    for unknown in (agent, uuid4()):
        answer = await world.agents[Role.OWNER].get(
            "/v1/conversations", params={"assignee": str(unknown), "status": "all"}
        )
        assert answer.json() == {"conversations": [], "next": None}


async def test_nothing_of_the_other_is_heard(world: World, strangers: World) -> None:
    """Neither news of their inbox, nor changes, nor who writes, nor whom they have forgotten."""
    theirs = await arrived(world.helpr, strangers.organisation)
    await theirs.says("Words of strangers")
    agent = strangers.agents[Role.OWNER]
    async with (
        listening_to(world.helpr, world.agents[Role.OWNER]) as ears,
        listening_to(world.helpr, world.visitor.client) as visitors,
        listening_to(world.helpr, agent) as over_there,
    ):
        await ears.say("inbox", after=0)
        for each in (ears, visitors, over_there):
            await each.say("watch", conversation=theirs.conversation, after=0)
        await over_there.say("inbox", after=0)
        await theirs.says("Words of strangers")
        await over_there.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == 3)
        await over_there.say("typing", conversation=theirs.conversation, on=True)
        assert (await agent.post(f"/v1/visitors/{theirs.id}/erasure", json={"reason": "requested"})).is_success
        await over_there.until(lambda frame: frame["type"] == "erased")
        sequence = (await world.visitor.says("The last words")).json()["sequence"]
        for each in (ears, visitors):
            await each.say("watch", conversation=world.visitor.conversation, after=0)
            await each.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == sequence)
        await ears.until(lambda frame: frame["type"] == "inbox" and "The last words" in str(frame["rows"]))
    heard = str([*ears.heard, *visitors.heard])
    assert [
        sign for sign in {*await signs_of(strangers), str(theirs.id), str(theirs.conversation)} if sign in heard
    ] == []
    assert {"erased", "typing"}.isdisjoint(frame["type"] for frame in ears.heard)


async def test_the_same_key_in_two_organisations_is_two_requests(world: World, strangers: World) -> None:
    key = {"Idempotency-Key": "the same"}
    made = []
    for each in (world, strangers):
        path = f"/v1/conversations/{each.visitor.conversation}/messages"
        made.append((await each.agents[Role.OWNER].post(path, json={"text": "Hello"}, headers=key)).json()["id"])
    assert made[0] != made[1]
