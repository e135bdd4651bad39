"""What the pages believe of the API is what the API says of itself, in the words of the domain."""

import json
import re
from enum import StrEnum
from pathlib import Path

import pytest

from api.main import description
from api.web.build import WEB, run
from domain.accounts.events import Role
from domain.compliance.erasure import State
from domain.compliance.events import ErasureReason
from domain.conversations.conversation import Status
from domain.conversations.events import Party, Priority
from domain.shared.permission import Permission
from domain.shared.recorded import ActorKind

DESCRIPTION = Path(WEB, "openapi.json")
WIRES = ("console/shared/wire.ts", "widget/wire.ts")
NAME = re.compile(
    r'export type \w+ = \w+(\["\w+"\])+;|import type .*;|type Given = components\["schemas"\];|/\*\* .* \*/|'
)


def test_the_pages_know_the_api_as_it_is() -> None:
    now = json.dumps(description(), indent=2, sort_keys=True) + "\n"
    assert DESCRIPTION.read_text() == now, "Run: helpr openapi > api/web/openapi.json; python api/web/build.py client"


def test_the_types_of_the_api_are_made_from_its_description() -> None:
    run("client", "--check")


@pytest.mark.parametrize("file", WIRES)
def test_the_pages_name_the_types_of_the_api_and_write_none_by_hand(file: str) -> None:
    assert [line for line in Path(WEB, file).read_text().splitlines() if not NAME.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("AgentShown.role", Role),
        ("Author.kind", Party),
        ("Change.priority", Priority),
        ("Change.reader", Party),
        ("ErasureShown.reason", ErasureReason),
        ("MomentShown.priority", Priority),
        ("MomentShown.status", Status),
        ("MyConversation.status", Status),
        ("Preview.author", Party),
        ("Row.priority", Priority),
        ("Row.status", Status),
        ("TrailActor.kind", ActorKind),
        ("Who.kind", ActorKind),
    ],
)
def test_the_api_says_the_words_of_the_domain(field: str, words: type[StrEnum]) -> None:
    assert words_of(field) == set(words)


def test_an_erasure_that_is_shown_was_decided() -> None:
    assert words_of("ErasureShown.state") == set(State) - {State.NONE}


def test_what_may_be_done_is_said_in_the_words_of_the_domain() -> None:
    assert words_of("Me.permissions") == set(Permission)


def words_of(field: str) -> set[str]:
    """The words that a field of an answer can have, as the description says."""
    schemas = description()["components"]["schemas"]
    struct, name = field.split(".")
    said = schemas[struct]["properties"][name]
    said = said.get("items", said)
    if "$ref" in said:
        said = schemas[said["$ref"].rpartition("/")[2]]
    return {word for word in said["enum"] if word is not None}
