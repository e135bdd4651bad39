"""The short way of writes: the same doors, rules and answers as the long one."""

import pytest
from litestar import Litestar

from api.main import application
from tests.api.routes import ROUTES, Route, World
from tests.house import Helpr

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-CON-1")]
LONG = {"Content-Type": "application/json; charset=utf-8"}
"""The same kind of content in other words: nothing else differs, and the short way does not take it."""
NOT_COMPARED = {"date", "helpr-request-id", "ratelimit", "ratelimit-policy"}


@pytest.fixture
def litestar_is_asked(helpr: Helpr, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that went the long way."""
    paths: list[str] = []
    long_way = Litestar.__call__

    async def noted(self: Litestar, scope: object, receive: object, send: object) -> None:
        paths.append(scope["path"])  # type: ignore[index]
        await long_way(self, scope, receive, send)  # type: ignore[arg-type]

    monkeypatch.setattr(Litestar, "__call__", noted)
    return paths


def short(helpr: Helpr) -> list[Route]:
    """The routes that have a short way."""
    from api.express import Express

    known = Express(application(helpr.house)).routes
    return [route for route in ROUTES if (route.method, route.path) in known]


def told(answer: object) -> tuple[object, object, object]:
    """All of an answer but what names this very request."""
    headers = {name: value for name, value in answer.headers.items() if name not in NOT_COMPARED}  # type: ignore[attr-defined]
    return answer.status_code, headers, answer.content  # type: ignore[attr-defined]


async def test_every_write_with_ids_and_a_body_has_a_short_way(helpr: Helpr) -> None:
    assert {route.name for route in short(helpr)} == {
        "sendMessage", "leaveNote", "assign", "prioritise", "setStatus", "markRead",
        "startConversation", "sendMyMessage", "markMineRead", "identifyMyself", "eraseVisitor",
    }  # fmt: skip


async def test_both_ways_give_the_same_answer_to_the_same_request(
    world: World, helpr: Helpr, litestar_is_asked: list[str]
) -> None:
    # What is answered of an erasure is how far it is by now.
    for route in [route for route in short(helpr) if route.name != "eraseVisitor"]:
        asked = world.good(route)
        one = await world.client(route).request(**asked)
        assert litestar_is_asked == [], route.name
        other = await world.client(route).request(**asked | {"headers": asked["headers"] | LONG})
        assert litestar_is_asked == [asked["url"]], route.name
        assert one.is_success, one.text
        assert told(one) == told(other), route.name
        litestar_is_asked.clear()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"headers": {"Idempotency-Key": "k" * 201}}, 422),
        ({"headers": {"Helpr-Min-Position": "soon"}}, 422),
        ({"content": b'{"text": "a\\u0000b"}'}, 422),
        ({"url": "01a21490-1e96-79f1-ab0c-85ce793690cc"}, 404),
        ({"cookies": ""}, 401),
    ],
    ids=["a key too long", "no position", "NUL", "not there", "nobody"],
)
async def test_both_ways_refuse_with_the_same_problem(
    world: World, helpr: Helpr, litestar_is_asked: list[str], wrong: dict[str, object], status: int
) -> None:
    (route,) = [route for route in short(helpr) if route.name == "sendMessage"]
    asked = world.good(route)
    headers = asked["headers"] | wrong.get("headers", {})
    if "url" in wrong:
        asked["url"] = asked["url"].replace(str(world.visitor.conversation), wrong["url"])
    if "content" in wrong:
        asked["content"] = wrong["content"]
        del asked["json"]
        headers["Content-Type"] = "application/json"
    if "cookies" in wrong:
        headers["Cookie"] = ""
    one = await world.client(route).request(**asked | {"headers": headers})
    assert litestar_is_asked == []
    other = await world.client(route).request(**asked | {"headers": headers | LONG})
    assert one.status_code == status, one.text
    assert told(one) == told(other)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"text": 5}', b'{"text": "a", "more": 1}', b"\xff", b"[" * 100_000]
)
async def test_what_does_not_fit_goes_the_long_way_and_hears_what_is_wrong(
    world: World, helpr: Helpr, litestar_is_asked: list[str], content: bytes
) -> None:
    (route,) = [route for route in short(helpr) if route.name == "sendMessage"]
    asked = world.good(route) | {"content": content}
    del asked["json"]
    answer = await world.client(route).request(**asked | {"headers": {"Content-Type": "application/json"}})
    assert litestar_is_asked == [asked["url"]]
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"]
