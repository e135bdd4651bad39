"""Routes get the parts they ask for when the house opens."""

from typing import Any

import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from api.binding import bound
from tests.house import Helpr


@get("/page/{number:int}")
async def page(
    number: FromPath[int], part: NamedDependency[list[str]], first: NamedDependency[str], size: FromQuery[int] = 10
) -> Any:
    return [number, part, first, size]


@get("/now", sync_to_thread=False)
def now(part: NamedDependency[list[str]]) -> Any:
    return part


@pytest.fixture
def seen() -> list[str]:
    """The looks, in the order in which they were taken."""
    return []


@pytest.fixture
def app(seen: list[str]) -> Litestar:
    async def first(request: Any) -> str:
        seen.append("first")
        return str(request.url.path)

    async def second(_: Any) -> str:
        seen.append("second")
        return ""

    return Litestar(bound([page, now], {"part": ["shelf"]}, {"second": second, "first": first}))


def test_parts_are_given_looks_are_taken_and_the_rest_is_the_clients(app: Litestar, seen: list[str]) -> None:
    with TestClient(app) as client:
        assert client.get("/page/7?size=3").json() == [7, ["shelf"], "/page/7", 3]
        assert client.get("/page/x").status_code == 404
        assert client.get("/now").json() == ["shelf"]
    assert seen == ["first"]


def test_the_openapi_file_knows_the_clients_parameters_only(app: Litestar) -> None:
    paths = app.openapi_schema.to_schema()["paths"]
    assert {p["name"] for p in paths["/page/{number}"]["get"]["parameters"]} == {"number", "size"}


async def test_no_route_of_ours_has_anything_looked_up_by_litestar(helpr: Helpr) -> None:
    from api.main import application

    for route in application(helpr.house).routes:
        if isinstance(route, HTTPRoute):
            for handler, _ in route.route_handler_map.values():
                assert not handler.resolve_dependencies(), handler
                assert not handler.resolve_guards(), handler
