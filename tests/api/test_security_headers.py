"""What every answer says to browsers, also when it says no; who may ask from elsewhere; what mistakes of ours tell."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from domain.accounts.events import Role
from tests.api.routes import ROUTES, World
from tests.conftest import Database
from tests.house import PASSWORD, Helpr, running

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-OPS-1")]
PAGES = (
    "/",
    "/inbox",
    "/inbox/1",
    "/people",
    "/privacy",
    "/reports",
    "/sign-in",
    "/docs",
    "/demo",
    "/widget.js",
    "/nothing",
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
POLICY = ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")
CORS = "access-control-allow-"
WHY = "the words of a mistake, with somebody@example.org in them"


@pytest.fixture(scope="module")
async def secure(helpr: Helpr, module_database: Database, folder: Path) -> AsyncIterator[Helpr]:
    """The same Helpr, as people reach it by https."""
    async with running(module_database, folder, public_url="https://helpr.example") as started:
        yield started


def is_guarded(answer: httpx.Response) -> bool:
    """Whether an answer says all that it has to."""
    policy = answer.headers["content-security-policy"].split("; ")
    return (
        all(answer.headers[name] == value for name, value in ALWAYS.items())
        and all(part in policy for part in POLICY)
        and "unsafe" not in answer.headers["content-security-policy"]
        and bool(answer.headers["helpr-request-id"])
        and answer.headers["permissions-policy"].startswith("camera=()")
    )


async def answers(world: World) -> dict[str, httpx.Response]:
    """One answer of each kind."""
    agent, anybody, visitor = world.agents[Role.AGENT], world.anybody, world.visitor
    conversation = f"/v1/conversations/{visitor.conversation}"
    return {
        "200": await agent.get(conversation),
        "201": await agent.post(f"{conversation}/messages", json={"text": "Hello"}),
        "400": await agent.post(f"{conversation}/messages", content=b"{", headers={"Content-Type": "application/json"}),
        "401": await anybody.get(conversation),
        "403": await agent.get("/v1/erasures"),
        "404": await agent.get("/v1/conversations/nothing"),
        "404 nowhere": await anybody.get("/v1/nothing"),
        "405": await anybody.put("/v1/agents"),
        "413": await agent.post(f"{conversation}/messages", content=b"x" * 1_000_000),
        "415": await agent.post(f"{conversation}/messages", content=b"x"),
        "422": await agent.get("/v1/conversations", params={"status": "surprise"}),
        "widget 201": await visitor.client.post("/widget/v1/live-token", json={}),
        "widget 401": await anybody.post("/widget/v1/live-token", json={}),
        "widget 404": await anybody.get("/widget/v1/nothing"),
        "widget 405": await anybody.get("/widget/v1/session"),
        "widget 413": await anybody.post("/widget/v1/session", content=b"x" * 1_000_000),
        "widget 422": await anybody.post("/widget/v1/session", json={}),
        "alive": await anybody.get("/healthz"),
        "openapi": await anybody.get("/v1/openapi.json"),
        "options": await anybody.request("OPTIONS", "/v1/agents"),
    }


async def test_every_answer_is_guarded(world: World) -> None:
    found = await answers(world)
    for kind, answer in found.items():
        assert str(answer.status_code) in kind or kind[0].isalpha(), (kind, answer.text)
        assert is_guarded(answer), kind
    assert len({answer.headers["helpr-request-id"] for answer in found.values()}) == len(found)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_guarded(world: World, path: str) -> None:
    """Whether the pages are built or not."""
    answer = await world.anybody.get(path)
    assert is_guarded(answer)
    assert "helpr-request-id" in answer.headers


async def test_browsers_come_back_by_https_only(world: World, secure: Helpr) -> None:
    """Said where people come by https, and nowhere else."""
    for path in ("/healthz", "/v1/session", "/nothing", "/", "/widget/v1/session"):
        assert "max-age=63072000" in (await secure.client().get(path)).headers["strict-transport-security"]
        assert "strict-transport-security" not in (await world.anybody.get(path)).headers


async def test_only_the_widget_is_asked_from_other_sites(world: World) -> None:
    """And never with cookies."""
    found = await answers(world)
    for kind, answer in found.items():
        told = {name: value for name, value in answer.headers.items() if name.startswith(CORS)}
        assert told == ({f"{CORS}origin": "*"} if kind.startswith("widget") else {}), kind
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    widget = await world.anybody.request("OPTIONS", "/widget/v1/session", headers=asks)
    assert (widget.status_code, widget.headers[f"{CORS}methods"]) == (204, "GET, POST, PUT")
    assert "authorization" in widget.headers[f"{CORS}headers"]
    assert f"{CORS}credentials" not in widget.headers
    console = await world.anybody.request("OPTIONS", "/v1/session", headers=asks)
    assert [name for name in console.headers if name.startswith(CORS)] == []


async def test_what_agents_see_stays_in_no_cache(world: World) -> None:
    for route in ROUTES:
        if route.method == "GET" and route.path.startswith(("/v1/", "/widget/")):
            answer = await world.ask(route)
            assert answer.headers.get("cache-control") == "no-store", route.name


async def test_a_mistake_of_ours_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to whoever asked, nor in our log: the words of an error may hold what somebody wrote."""

    async def fails(*_: Any) -> bool:
        raise RuntimeError(WHY)

    monkeypatch.setattr(world.helpr.house.passwords, "verify", fails)
    said = {"email": world.organisation.email(Role.AGENT), "password": PASSWORD}
    with capture_logs() as log:
        answer = await world.anybody.post("/v1/session", json=said)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert is_guarded(answer)
    assert answer.json() == {"title": "Something went wrong on our side", "status": 500}
    assert [(line["event"], line.get("error")) for line in log] == [
        ("broken", "RuntimeError"),
        ("a request failed", None),
    ]
    assert WHY not in str(log)
    assert "example" not in str(log)


async def test_a_part_that_is_away_is_a_503_that_says_when(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> bool:
        raise OSError(WHY)

    monkeypatch.setattr(world.helpr.house.passwords, "verify", fails)
    said = {"email": world.organisation.email(Role.AGENT), "password": PASSWORD}
    with capture_logs() as log:
        answer = await world.anybody.post("/v1/session", json=said)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert is_guarded(answer)
    assert int(answer.headers["retry-after"]) > 0
    assert WHY not in answer.text + str(log)
