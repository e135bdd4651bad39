"""Coming, coming back, and being forgotten."""

from uuid import UUID

from domain.shared.ids import VisitorId
from domain.visitors.arrival import VisitorHasArrived, VisitorIsUnknown, arrive, come_back
from domain.visitors.events import VisitorArrived, VisitorForgotten, VisitorReturned
from domain.visitors.forgetting import forget
from domain.visitors.visitor import Visitor
from tests.spec import given

vera = VisitorId(UUID(int=1))
visit = {"device": {"browser": "Firefox"}, "place": {"city": "Bern"}, "page": {"url": "https://shop.example/"}}
arrived = VisitorArrived(visitor=vera, secret=b"digest", **visit)
forgotten = VisitorForgotten(visitor=vera)


def test_a_visitor_arrives_once() -> None:
    given(Visitor).when(arrive, id=vera, secret=b"digest", **visit).then(arrived)
    given(Visitor, arrived).when(arrive, id=vera, secret=b"digest", **visit).refuses(VisitorHasArrived)


def test_a_visitor_comes_back() -> None:
    given(Visitor, arrived).when(come_back, **visit).then(VisitorReturned(visitor=vera, **visit))
    given(Visitor).when(come_back, **visit).refuses(VisitorIsUnknown)


def test_whoever_was_forgotten_does_not_come_back() -> None:
    given(Visitor, arrived, forgotten).when(come_back, **visit).refuses(VisitorIsUnknown)


def test_a_visitor_is_forgotten_once() -> None:
    given(Visitor, arrived).when(forget).then(forgotten)
    given(Visitor, arrived, forgotten).when(forget).then()
    given(Visitor).when(forget).refuses(VisitorIsUnknown)


def test_the_secret_of_a_forgotten_visitor_is_not_remembered() -> None:
    assert given(Visitor, arrived, forgotten).memory.secret == b""
