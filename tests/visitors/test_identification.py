"""Saying who one is."""

from uuid import UUID

import pytest

from domain.shared.ids import VisitorId
from domain.shared.refusal import Malformed
from domain.visitors.arrival import VisitorIsUnknown
from domain.visitors.events import VisitorArrived, VisitorForgotten, VisitorIdentified
from domain.visitors.identification import LONGEST, identify
from domain.visitors.visitor import Visitor
from tests.spec import given

vera = VisitorId(UUID(int=1))
arrived = VisitorArrived(visitor=vera, secret=b"digest", device={}, place={}, page={})
silence = {"name": None, "email": None, "phone": None}


def test_a_visitor_says_their_name_and_address() -> None:
    said = silence | {"name": " Vera ", "email": "vera@example.org"}
    given(Visitor, arrived).when(identify, **said).then(
        VisitorIdentified(visitor=vera, name="Vera", email="vera@example.org")
    )


def test_saying_nothing_says_nothing() -> None:
    given(Visitor, arrived).when(identify, **silence).then()


@pytest.mark.parametrize("history", [(), (arrived, VisitorForgotten(visitor=vera))])
def test_only_known_visitors_say_who_they_are(history: tuple[VisitorArrived, ...]) -> None:
    given(Visitor, *history).when(identify, **silence | {"name": "Vera"}).refuses(VisitorIsUnknown)


@pytest.mark.parametrize("email", ["vera", "@example.org", "vera@", "ve ra@example.org"])
def test_what_is_no_address_is_malformed(email: str) -> None:
    given(Visitor, arrived).when(identify, **silence | {"email": email}).refuses(Malformed)


def test_the_blanks_around_an_address_are_none_of_it() -> None:
    given(Visitor, arrived).when(identify, **silence | {"email": " vera@example.org "}).then(
        VisitorIdentified(visitor=vera, email="vera@example.org")
    )


@pytest.mark.parametrize("name", ["  ", "two\nlines", "x" * (LONGEST + 1)])
def test_what_is_no_name_is_malformed(name: str) -> None:
    given(Visitor, arrived).when(identify, **silence | {"name": name}).refuses(Malformed)
