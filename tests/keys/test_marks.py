"""Marks on facts: what is personal is seen wherever it can be sealed, and refused wherever it could not."""

import typing
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pytest

from api import main
from domain.shared import event
from domain.shared.event import Event, Personal
from infrastructure.keys.marks import check_all, marks_of
from tests.keys.sample_facts import MailRead, MailReceived

T = TypeVar("T")


class Nested(msgspec.Struct, frozen=True):
    name: Personal[str]


class Deeper(msgspec.Struct, frozen=True):
    nested: list[Nested]


class Box(msgspec.Struct, Generic[T], frozen=True):
    name: Personal[str]
    content: T


class Chain(msgspec.Struct, frozen=True):
    link: "Chain | None"
    number: int


class Pair(NamedTuple):
    name: Personal[str]
    number: int


class Row(TypedDict):
    name: Personal[str]


@dataclass
class Data:
    name: Personal[str]


new_type: Any = NewType
personal: Any = Personal
Named = new_type("Named", Nested)
Hidden = new_type("Hidden", personal[str])
Plain = new_type("Plain", UUID)


def fact(hint: str, *, whose: bool = True, **defaults: Any) -> type[Event]:
    """A fact with one field of this kind, and usually somebody whose it is."""
    hints = {"field": hint} | ({"whose": "DataSubject[Plain]"} if whose else {})
    words = {**vars(typing), **vars(event), **globals()}
    kind: Any = type(Event)
    content = {"__annotations__": {name: eval(hint, words) for name, hint in hints.items()}, **defaults}
    made: type[Event] = kind("Sample", (Event,), content, frozen=True, kw_only=True)
    return made


def test_each_kind_of_mark_is_seen() -> None:
    marks = marks_of(MailReceived)
    assert marks.personal == {
        "line": str,
        "body": str,
        "cc": tuple[str, ...],
        "headers": dict[str, list[str]],
    }
    assert marks.scopes == {"sender": "subject", "channel": "channel"}
    assert set(marks.clear) == {"sender", "channel", "size"}
    assert marks_of(MailRead).personal == {}


@pytest.mark.requirement("R-PRI-7")
@pytest.mark.parametrize(
    ("hint", "plain"),
    [
        ("Personal[str]", str),
        ("Personal[str] | None", str),
        ("Optional[Personal[str]]", str),
        ("None | Personal[dict[str, str]]", dict[str, str]),
        ("tuple[Personal[str], ...]", tuple[str, ...]),
        ("Annotated[Personal[str], msgspec.Meta(max_length=3)]", str),
        ("Personal[str | None]", str | None),
    ],
)
def test_a_personal_field_is_seen_in_every_form_that_can_be_sealed(hint: str, plain: Any) -> None:
    assert marks_of(fact(hint)).personal == {"field": plain}


@pytest.mark.requirement("R-PRI-7")
@pytest.mark.parametrize(
    "hint",
    [
        "list[Personal[str]]",
        "set[Personal[str]]",
        "frozenset[Personal[str]]",
        "dict[str, Personal[str]]",
        "dict[Personal[str], int]",
        "tuple[Personal[str], Personal[str]]",
        "tuple[Personal[str]]",
        "tuple[tuple[Personal[str], ...], ...]",
        "tuple[Personal[str] | None, ...]",
        "tuple[Personal[str], ...] | None",
        "Personal[list[Personal[str]]]",
        "Personal[Nested]",
        "Personal[str] | int",
        "Personal[str] | Personal[int]",
        "Personal[str] | int | None",
        "Nested",
        "Nested | None",
        "list[Nested]",
        "Deeper",
        "dict[str, tuple[Deeper, ...]]",
        "Box[int]",
        "Pair",
        "Row",
        "Data",
        "Named",
        "Hidden",
        "Annotated[list[Personal[str]], msgspec.Meta(max_length=3)]",
        "ClassVar[Personal[str]]",
        "ClassVar[dict[str, Personal[str]]]",
        "type[Nested]",
        "list[DataSubject[UUID]]",
        "DataSubject[UUID] | None",
        "DataSubject[list[DayBucket[str]]]",
        "Annotated[Personal[str], ScopeMark('subject')]",
    ],
)
def test_a_mark_that_would_not_be_seen_is_refused(hint: str) -> None:
    with pytest.raises(TypeError, match="field"):
        marks_of(fact(hint))


@pytest.mark.parametrize("hint", ["Chain", "list[Chain]", "Plain", "dict[str, Plain]", "Any", "int | str | None"])
def test_what_holds_no_mark_is_no_trouble(hint: str) -> None:
    assert set(marks_of(fact(hint)).clear) == {"field", "whose"}


@pytest.mark.parametrize("hint", ["Personal[str]", "Personal[str] | None", "tuple[Personal[str], ...]"])
def test_personal_data_without_somebody_whose_it_is_is_refused(hint: str) -> None:
    with pytest.raises(TypeError, match="whose"):
        marks_of(fact(hint, whose=False))


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        ("Personal[str]", ""),
        ("Personal[str] | None", "unknown"),
        ("tuple[Personal[str], ...]", ()),
        ("Personal[dict[str, str]]", msgspec.field(default_factory=dict)),
    ],
)
def test_a_personal_field_that_came_later_can_only_be_missing(hint: str, default: Any) -> None:
    """What older facts do not have would be taken for ciphertext."""
    with pytest.raises(TypeError, match="default"):
        marks_of(fact(hint, field=default))
    assert marks_of(fact("Personal[str] | None", field=None)).personal == {"field": str}


@pytest.mark.requirement("R-PRI-7")
def test_the_marks_of_every_fact_of_the_product_can_be_sealed() -> None:
    """All of them: whatever the product can record is imported by what wires it together."""
    assert main
    assert check_all() == len(Event.named) > 20
    assert {name.split(".")[0] for name in Event.named} >= {"accounts", "visitors", "conversations", "compliance"}
