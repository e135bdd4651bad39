"""Who may do what: the list of all routes and frames is the router's and the OpenAPI file's, and every role is held to
it."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, get

from api import access
from api.access import ROUTES, Audience, RegistryIsWrong
from api.main import application
from domain.accounts.events import Role
from domain.accounts.permission import GRANTED
from tests.api.quiet import nothing_happens
from tests.api.routes import DESCRIPTION, Route, World
from tests.api.routes import ROUTES as OPERATIONS
from tests.house import Helpr, listening_to

pytestmark = pytest.mark.usefixtures("unhurried")
OF_AGENTS = [route for route in OPERATIONS if route.access.audience is Audience.AGENT]
OF_VISITORS = [route for route in OPERATIONS if route.access.audience is Audience.VISITOR]
FOR_WHOEVER_IS_SIGNED_IN = {"whoAmI", "signOut", "liveToken", "listAgents"}


def named(routes: list[Route]) -> pytest.MarkDecorator:
    """A test for each route, under its name."""
    return pytest.mark.parametrize("route", routes, ids=[route.name for route in routes])


def test_the_list_is_that_of_the_openapi_file() -> None:
    """Whose door an operation is behind, too."""
    schemes: dict[Audience, list[Any]] = {
        Audience.EVERYBODY: [],
        Audience.AGENT: [{"session": []}],
        Audience.VISITOR: [{"visitor": []}],
    }
    listed = {
        f"{method.upper()} {path}": operation.get("security", [])
        for path, operations in DESCRIPTION["paths"].items()
        for method, operation in operations.items()
    }
    doors = {
        name for name in ROUTES if name.split(" ")[1].startswith(("/v1/", "/widget/v1/")) and "openapi" not in name
    }
    assert {name: schemes[ROUTES[name].audience] for name in doors} == {
        name: found for name, found in listed.items() if not name.endswith("z")
    }


async def test_what_is_not_in_the_list_does_not_start(helpr: Helpr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(access.ROUTES, "GET /v1/agents")
    monkeypatch.delitem(access.FRAMES, "/v1/live typing")
    with pytest.raises(RegistryIsWrong, match="/v1/live typing, GET /v1/agents"):
        application(helpr.house)


async def test_a_route_that_asks_for_another_permission_does_not_start(helpr: Helpr) -> None:
    @get("/v1/erasures", sync_to_thread=False)
    def careless() -> None: ...

    with pytest.raises(RegistryIsWrong, match="GET /v1/erasures"):
        access.check(Litestar([careless], openapi_config=None))


def test_what_needs_no_permission_is_known() -> None:
    assert {route.name for route in OF_AGENTS if route.access.permission is None} == FOR_WHOEVER_IS_SIGNED_IN


@pytest.mark.requirement("R-ACC-3")
@pytest.mark.parametrize("role", Role)
@named(OF_AGENTS)
async def test_a_role_may_do_what_it_is_granted_and_nothing_else(world: World, route: Route, role: Role) -> None:
    if route.name == "signOut":
        return
    needed = route.access.permission
    asked = world.good(route, visitor=world.values()["nobody"]) if route.name == "eraseVisitor" else world.good(route)
    if needed is None or needed in GRANTED[role]:
        answer = await world.agents[role].request(**asked)
        assert answer.is_success or answer.status_code == 404, answer.text
        return
    async with nothing_happens(world.helpr):
        answer = await world.agents[role].request(**asked)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Your role does not allow this.")


@named([*OF_AGENTS, *OF_VISITORS])
@pytest.mark.parametrize("credentials", ["none", "garbage", "those of the other door"])
async def test_nobody_gets_in_without_being_known(world: World, route: Route, credentials: str) -> None:
    headers = {"Helpr-Request": "console"}
    if credentials == "garbage":
        headers |= {"Cookie": "helpr_session=" + "a" * 64 + "." + "b" * 43, "Authorization": "Bearer a.b.c"}
    elif route in OF_AGENTS:
        headers["Authorization"] = world.visitor.client.headers["Authorization"]
    else:
        headers["Cookie"] = f"helpr_session={world.agents[Role.OWNER].cookies['helpr_session']}"
    asked = world.good(route)
    asked["headers"] = asked.get("headers", {}) | headers
    async with nothing_happens(world.helpr), httpx.AsyncClient(base_url=world.helpr.url) as nobody:
        answer = await nobody.request(**asked)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@named([route for route in OF_AGENTS if route.is_write])
async def test_other_sites_change_nothing(world: World, route: Route) -> None:
    """A browser sends the cookie along; it cannot send the header."""
    cookies = {"helpr_session": world.agents[Role.OWNER].cookies["helpr_session"]}
    async with nothing_happens(world.helpr), httpx.AsyncClient(base_url=world.helpr.url, cookies=cookies) as elsewhere:
        answer = await elsewhere.request(**world.good(route))
    assert answer.status_code == 403
    assert "Helpr-Request" in answer.json()["detail"]


@pytest.mark.requirement("R-ACC-10")
async def test_whoever_may_not_read_hears_nothing(world: World) -> None:
    with pytest.raises(Exception, match="4401"):
        async with listening_to(world.helpr, world.agents[Role.ANALYST]):
            pass


async def test_whoever_may_not_write_does_not_seem_to(world: World) -> None:
    """A compliance officer reads along; to the visitor nobody is typing."""
    here = {"conversation": world.visitor.conversation}
    async with (
        listening_to(world.helpr, world.visitor.client) as ears,
        listening_to(world.helpr, world.agents[Role.COMPLIANCE]) as officer,
        listening_to(world.helpr, world.agents[Role.AGENT]) as agent,
    ):
        for each in (ears, officer, agent):
            await each.say("watch", **here, after=1)
            await each.until(lambda frame: frame["type"] == "change")
        await officer.say("typing", **here, on=True)
        await officer.say("nonsense")
        await officer.until(lambda frame: frame["type"] == "problem")
        await agent.say("typing", **here, on=True)
        heard = await ears.until(lambda frame: frame["type"] == "typing")
    assert heard["who"]["id"] == str(world.organisation.agents[Role.AGENT])
