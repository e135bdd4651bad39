"""Personal data says whose it is, and what is stored in the clear was looked at once by a person."""

from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest

from domain.shared.event import DataSubject, Event, Personal, PersonalMark
from infrastructure.keys.marks import marks_of
from tests.architecture.words import facts, memories

NAMES = """account address avatar bank birth birthday body browser card city comment content country device email
firstname gender headers iban ip language lastname latitude location longitude mail name nickname note number page
password path phone photo place postcode query recipient referrer region sender signature street subject surname text
title token url user username website words"""
SMELLS = frozenset(NAMES.split())
"""Words in the names of fields that are mostly about a person."""

HARMLESS = (int, bool, float, UUID, date, datetime, NoneType)
"""Types that hold no words."""

IN_THE_CLEAR = {
    "accounts.OrganisationRegistered.name": "an organisation's name, not a person's",
    "accounts.OrganisationRegistered.slug": "a part of public addresses",
    "accounts.SessionStarted.day": "a date: it names the key under which the rest is sealed",
    "accounts.SessionStarted.method": "how one signed in: password",
    "compliance.DamageFound.fact": "the stored name of a kind of fact",
    "compliance.DamageFound.field": "the name of a field of that kind of fact",
    "compliance.ErasureDecided.subject": "an id that says nothing about anybody",
    "compliance.ErasureProved.places": "names of tables and how many rows were seen",
    "compliance.ErasureProved.subject": "an id that says nothing about anybody",
    "compliance.KeysDestroyed.subject": "an id that says nothing about anybody",
    "visitors.VisitorArrived.secret": "the SHA-256 of 256 random bits",
}
"""Everything in a fact that smells of personal data, or could hold words, and is stored readable all the same."""

REMEMBERED = {
    "Agent.email": "sealed, as it is in the log; opened to show it",
    "Agent.name": "sealed, as it is in the log; opened to show it",
    "Agent.password": "sealed, as it is in the log; opened to check a password",
    "Damage.known": "ids of events, each with the name of a field",
    "Organisation.name": "an organisation's name, not a person's",
    "Organisation.slug": "a part of public addresses",
    "Visitor.secret": "the SHA-256 of 256 random bits",
}
"""Everything in a memory that is personal, smells of it, or could hold words."""


def readable(prefix: str, fields: dict[str, Any]) -> Iterator[str]:
    """The fields whose name smells of personal data or whose type could hold words."""
    for name, hint in fields.items():
        kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from readable(f"{prefix}.{name}", _fields(kind))
        elif SMELLS & {name, *name.split("_")} or _holds_words(kind):
            yield f"{prefix}.{name}"


def _holds_words(kind: Any) -> bool:
    if inner := get_args(kind):
        return any(_holds_words(part) for part in inner if part is not Ellipsis)
    kind = getattr(kind, "__supertype__", kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return any(readable("", _fields(kind)))
    return not (isinstance(kind, type) and issubclass(kind, (*HARMLESS, Enum)))


def _fields(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True).items()
    return {name: hint for name, hint in hints if hint is not ClassVar and get_origin(hint) is not ClassVar}


def _is_personal(hint: Any) -> bool:
    marks = getattr(hint, "__metadata__", ())
    return any(isinstance(mark, PersonalMark) for mark in marks) or any(map(_is_personal, get_args(hint)))


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("name", facts())
def test_personal_data_says_whose_it_is(name: str) -> None:
    marks = marks_of(facts()[name])
    whose = [field for field, scope in marks.scopes.items() if scope == "subject"]
    assert len(whose) == 1 if marks.personal else len(whose) <= 1


@pytest.mark.requirement("R-PRI-7")
def test_what_a_fact_stores_in_the_clear_is_on_the_list_with_a_reason() -> None:
    found = {path for name, kind in facts().items() for path in readable(name, marks_of(kind).clear)}
    assert found == set(IN_THE_CLEAR)


@pytest.mark.requirement("R-PRI-7")
def test_what_a_memory_remembers_of_people_is_on_the_list_with_a_reason() -> None:
    found = {
        path
        for memory in memories()
        for name, hint in _fields(memory).items()
        for path in ([f"{memory.__name__}.{name}"] if _is_personal(hint) else readable(memory.__name__, {name: hint}))
    }
    assert found == set(REMEMBERED)


class Written(Event, frozen=True, kw_only=True):
    """A fact that forgets to say whose the words are."""

    text: Personal[str]


class Address(msgspec.Struct, frozen=True):
    street: str
    floor: int


class Moved(Event, frozen=True, kw_only=True):
    """A fact with much in the clear."""

    visitor: DataSubject[UUID]
    new_phone: int
    home: Address
    hobbies: tuple[str, ...]
    rooms: dict[str, int]
    likes: str | None = None
    floors: int = 0


def test_a_fact_that_does_not_say_whose_the_data_are_is_refused() -> None:
    with pytest.raises(TypeError, match="no field says whose"):
        marks_of(Written)


def test_a_nose_for_personal_data() -> None:
    smelt = {"m.new_phone", "m.home.street", "m.hobbies", "m.rooms", "m.likes"}
    assert set(readable("m", marks_of(Moved).clear)) == smelt
