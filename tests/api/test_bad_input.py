"""Whatever is wrong with a request, the answer is a problem that names it, and nothing happens."""

import json
from typing import Any

import httpx
import pytest

from api.access import ROUTES as REGISTRY
from tests.api import mistakes
from tests.api.mistakes import Mistake
from tests.api.quiet import nothing_happens
from tests.api.routes import ROUTES, Route, World

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-OPS-1")]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "PURGE")
NOWHERE = (
    "/nothing", "/v1/nothing", "/widget/v1/nothing", "/widget", "/v1/visitors/{id}/x", "/assets/../../pyproject.toml",
    "/assets/%2e%2e/%2e%2e/index.html", "/assets/nothing.js", "/assets/%00", "/docs/%00", "/docs/../main.py",
    "/" + "x" * 5000, "/%FF", "/v1/conversations/%0d%0aSet-Cookie:x=1", "/assets/" + "x" * 300,
)  # fmt: skip
WRITES = [route for route in ROUTES if route.body is not None]
BEHIND_DOORS = [route for route in ROUTES if route.path.startswith(("/v1/", "/widget/"))]


def named(routes: list[Route]) -> pytest.MarkDecorator:
    """A test for each route, under its name."""
    return pytest.mark.parametrize("route", routes, ids=[route.name for route in routes])


@named(ROUTES)
async def test_every_route_takes_a_good_request(world: World, route: Route) -> None:
    """So that what is refused below is refused for what is wrong with it."""
    if route.name not in ("signOut", "eraseVisitor", "readErasure"):
        answer = await world.ask(route)
        assert answer.is_success, answer.text


@named(BEHIND_DOORS)
async def test_whatever_is_wrong_is_named_and_nothing_happens(world: World, route: Route) -> None:
    async with nothing_happens(world.helpr):
        good = world.good(route).get("json", {})
        answers = [await tried(world, route, mistake) for mistake in mistakes.of(route, good)]
    assert [answer for answer in answers if answer] == []


async def tried(world: World, route: Route, mistake: Mistake) -> str:
    """Makes a mistake; says what is wrong with the answer, "" if nothing is."""
    asked = with_mistake(world, route, mistake)
    try:
        answer = await world.client(route).request(**asked)
    except httpx.HTTPError as error:
        return f"{mistake.what}: {error!r}"
    expected = "" if route.name == "signIn" and mistake.what in ("email is empty", "email is blank") else mistake.field
    return f"{mistake.what}: {answer.status_code} {answer.text}" if is_wrong(answer, expected) else ""


def with_mistake(world: World, route: Route, mistake: Mistake) -> dict[str, Any]:
    """What httpx is to send: a good request but for the mistake."""
    asked = world.good(route)
    asked["headers"] = asked.get("headers", {}) | mistake.asked.get("headers", {})
    query = asked["params"] | mistake.asked.get("params", {})
    asked["params"] = {name: value for name, value in query.items() if value is not None}
    if "path" in mistake.asked:
        asked["url"] = route.path.format(**world.values() | mistake.asked["path"])
    if "json" in mistake.asked:
        asked["json"] = mistake.asked["json"]
    if "content" in mistake.asked:
        del asked["json"]
        asked["content"] = mistake.asked["content"]
    if "json" in asked:
        # httpx leaves out null, and does not write half characters.
        asked["content"] = json.dumps(asked.pop("json")).encode()
        asked["headers"] |= {"Content-Type": "application/json"}
    return asked


def is_wrong(answer: httpx.Response, field: str) -> bool:
    """Whether this is not a problem document (RFC 9457) of 4xx that names the field."""
    if not 400 <= answer.status_code < 500 or answer.headers["content-type"] != "application/problem+json":
        return True
    problem = answer.json()
    fields = [error["field"] for error in problem.get("errors", ())]
    return problem["status"] != answer.status_code or not problem["title"] or bool(field and field not in fields)


@pytest.mark.parametrize("path", sorted({route.path for route in BEHIND_DOORS}))
async def test_other_methods_are_refused_and_the_right_ones_named(world: World, path: str) -> None:
    """``Allow`` says what could be done here."""
    mine = {name.split(" ")[0] for name in REGISTRY if name.split(" ")[1] == path}
    url = path.format(conversation=world.visitor.conversation, visitor=world.visitor.id)
    async with nothing_happens(world.helpr):
        for method in set(METHODS) - mine:
            answer = await world.anybody.request(method, url)
            assert (answer.status_code, is_wrong(answer, "")) == (405, False), answer.text
            assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == mine
        answer = await world.anybody.options(url)
    assert answer.status_code == 204
    assert path.startswith("/widget/") or set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == mine


@pytest.mark.parametrize("path", NOWHERE, ids=[path[:30] for path in NOWHERE])
async def test_an_unknown_path_is_nowhere(world: World, path: str) -> None:
    async with nothing_happens(world.helpr):
        answer = await world.anybody.get(path)
    assert answer.status_code in (401, 404)
    assert not is_wrong(answer, "")
    assert "set-cookie" not in answer.headers


@named(WRITES)
async def test_ten_megabytes_are_too_much_with_and_without_a_length(world: World, route: Route) -> None:
    megabyte = b" " * 2**20

    async def parts() -> Any:
        for _ in range(10):
            yield megabyte

    async with nothing_happens(world.helpr):
        for content in (megabyte * 10, parts()):
            answer = await world.client(route).request(route.method, world.good(route)["url"], content=content)
            assert (answer.status_code, is_wrong(answer, "body")) == (413, False), answer.text


@pytest.mark.parametrize("name", ["sendMessage", "sendMyMessage", "signIn"])
async def test_a_hundred_and_five_megabytes_are_too_much(world: World, name: str) -> None:
    (route,) = [route for route in ROUTES if route.name == name]
    async with nothing_happens(world.helpr):
        answer = await world.client(route).request(route.method, world.good(route)["url"], content=b"x" * 105_000_000)
        assert (answer.status_code, is_wrong(answer, "body")) == (413, False), answer.text
