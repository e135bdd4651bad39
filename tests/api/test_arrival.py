"""What is known of a visitor who has just come: device, place and page, and never the address they came from."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.accounts.events import Role
from domain.visitors.events import VisitorArrived
from tests.api.routes import ROUTES, Route, World
from tests.conftest import Database
from tests.house import arrived, running

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-VIS-2")]
ADDRESS = "203.0.113.77"
EDGE = {"CF-IPCity": "Graz", "CF-Region": "Styria", "CF-IPCountry": "AT"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {SAFARI}"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {SAFARI}"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
PIXEL = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME}"


async def known_of(world: World, headers: dict[str, str], page: dict[str, str] | None = None) -> dict[str, Any]:
    """What agents are shown of somebody who comes like this."""
    said = {"organisation": str(world.organisation.id), "page": page or {}}
    begun = await world.helpr.client().post("/widget/v1/session", json=said, headers=headers)
    seen = {"Helpr-Min-Position": begun.headers["Helpr-Position"]}
    path = f"/v1/visitors/{begun.json()['visitor']}"
    shown: dict[str, Any] = (await world.agents[Role.AGENT].get(path, headers=seen)).json()
    return shown


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, {"browser": "Firefox 130", "os": "Linux", "type": "desktop"}),
        (IPHONE, {"browser": "Mobile Safari 17", "os": "iOS 17", "type": "phone"}),
        (IPAD, {"browser": "Mobile Safari 17", "os": "iOS 16", "type": "tablet"}),
        (PIXEL, {"browser": "Chrome Mobile 126", "os": "Android 14", "type": "phone"}),
        ("", {"type": "desktop"}),
        ("x" * 5000, {"type": "desktop"}),
    ],
    ids=["Firefox", "iPhone", "iPad", "Pixel", "nothing", "nonsense"],
)
async def test_browser_system_and_kind_of_device_come_from_the_user_agent(
    world: World, agent: str, device: dict[str, str]
) -> None:
    assert (await known_of(world, {"User-Agent": agent}))["device"] == device


async def test_a_place_is_what_the_edge_says(world: World) -> None:
    assert (await known_of(world, EDGE))["place"] == {"city": "Graz", "region": "Styria", "country": "AT"}
    assert (await known_of(world, {}))["place"] == {}


async def test_a_page_is_kept_and_of_its_referrer_the_domain_only(world: World) -> None:
    page = {
        "url": "https://shop.example/kettles?size=2",
        "referrer": "https://search.example/find?q=somebody@example.org",
        "utm_source": "letter",
        "utm_term": "kettle",
    }
    assert (await known_of(world, {}, page))["page"] == page | {"referrer": "search.example"}
    for odd in ("nonsense", "https://[", "javascript:alert(1)", "//"):
        assert (await known_of(world, {}, {"referrer": odd}))["page"] == {}


async def test_an_address_is_kept_nowhere_with_a_visitor(world: World) -> None:
    """Not even sealed."""
    await known_of(world, {"X-Forwarded-For": ADDRESS, "CF-Connecting-IP": ADDRESS, "X-Real-IP": ADDRESS, **EDGE})
    facts = await world.helpr.house.reader.after(0, most=100_000)
    (*_, fact) = [recorded.fact for recorded in facts if isinstance(recorded.fact, VisitorArrived)]
    sealed: list[Any] = [fact.device, fact.place, fact.page]
    opened = await world.helpr.house.keyring.open(world.organisation.id, sealed)
    assert b"Graz" in (opened[1] or b"")
    assert [part for part in opened if ADDRESS.encode() in (part or b"")] == []


@pytest.mark.requirement("R-CON-1")
async def test_whoever_comes_back_under_a_key_of_something_else_hears_so_and_is_nobody_new(world: World) -> None:
    vera = await arrived(world.helpr, world.organisation)
    key = {"Idempotency-Key": "once"}
    said: dict[str, Any] = {
        "organisation": str(world.organisation.id), "visitor": str(vera.id), "secret": vera.secret,
    }  # fmt: skip
    for _ in range(2):
        begun = await world.helpr.client().post("/widget/v1/session", json=said, headers=key)
        assert (begun.status_code, begun.json()["resumed"]) == (201, True)
    other = said | {"page": {"url": "https://shop.example/kettles"}}
    answer = await world.helpr.client().post("/widget/v1/session", json=other, headers=key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.requirement("R-CON-1")
def test_a_key_is_offered_for_what_has_one_effect_and_the_first_answer_only() -> None:
    """A session of somebody new and a token are new each time."""
    without = {route.name for route in ROUTES if route.is_write and "Idempotency-Key" not in names(route)}
    assert without == {"signIn", "beginWidgetSession", "liveToken", "widgetLiveToken"}


def names(route: Route) -> set[str]:
    """The headers that a route describes."""
    return {parameter["name"] for parameter in route.named("header")}


async def test_a_place_that_somebody_claims_is_not_believed(
    world: World, module_database: Database, folder: Path
) -> None:
    """Where no proxy of ours stands before Helpr, nobody says where they are."""
    async with running(module_database, folder, trusted_proxies=()) as alone:
        client = httpx.AsyncClient(base_url=alone.url)
        begun = await client.post("/widget/v1/session", json={"organisation": str(world.organisation.id)}, headers=EDGE)
        await client.aclose()
    seen = {"Helpr-Min-Position": begun.headers["Helpr-Position"]}
    path = f"/v1/visitors/{begun.json()['visitor']}"
    assert (await world.agents[Role.AGENT].get(path, headers=seen)).json()["place"] == {}
