"""What the crowd of the demo says and does."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from api.run.demo.dialogues import OURS, DialoguesAreUnreadable, file_of_dialogues, read_dialogues
from api.run.demo.story import Dialogue, Story, Words, story

AGENTS = [UUID(int=1), UUID(int=2)]
DIALOGUE = Dialogue("one", [Words("visitor", "Hi"), Words("agent", "Hello"), Words("visitor", "Bye")])


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    """The same dialogue on a thousand days."""
    return [story(Dialogue(str(day), DIALOGUE.messages), AGENTS, "http://shop") for day in range(1000)]


def test_a_story_is_the_same_whenever_it_is_told() -> None:
    """So that who tells it again says nothing new."""
    assert story(DIALOGUE, AGENTS, "http://shop") == story(DIALOGUE, AGENTS, "http://shop")


def test_the_dialogue_is_said_in_order_and_whole(stories: list[Story]) -> None:
    for told in stories:
        said = [(move.side, move.content["text"]) for move in told.moves if move.what == "messages"]
        assert (told.words, *said[:2]) == ("Hi", ("agent", "Hello"), ("visitor", "Bye"))


def test_conversations_end_in_different_ways(stories: list[Story]) -> None:
    last = Counter(next((m.content["status"] for m in told.moves[::-1] if m.what == "status"), "") for told in stories)
    assert last["resolved"] > last[""] > last["open"] > 0
    assert {move.what for told in stories for move in told.moves} == {
        "messages", "notes", "read", "assignee", "priority", "status", "visitor"
    }  # fmt: skip
    assert {told.agent for told in stories} == set(AGENTS)


@pytest.mark.requirement("R-VIS-2")
def test_everybody_comes_from_an_address_that_is_nobodys(stories: list[Story]) -> None:
    addresses = [told.visitor.headers["x-forwarded-for"] for told in stories]
    assert all(address.startswith(("198.18.", "198.19.", "2001:db8:")) for address in addresses)
    assert len(set(addresses)) > 990


@pytest.mark.requirement("R-VIS-3")
def test_some_introduce_themselves_with_addresses_of_examples(stories: list[Story]) -> None:
    said = [(told.visitor.identity or {}).get("email", "") for told in stories]
    said = [email for email in said if email]
    ends = {email.split("@")[1].split(".")[-1 if email.endswith("example") else -2] for email in said}
    assert 300 < len(said) < 700
    assert ends == {"example"}


def test_our_own_dialogues_can_be_read() -> None:
    assert len(read_dialogues(OURS)) == 40
    assert file_of_dialogues({"HELPR_DEMO_DATA": "/elsewhere"})[0] == Path("/elsewhere")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"id": "one", "messages": []}', "Line 1 of .* does not begin with a visitor"),
        (b'{"id": "one", "messages": [{"from": "agent", "text": "Hi"}]}', "Line 1 of .* does not begin with a visitor"),
        (b'{"id": "one", "messages": [{"from": "cat", "text": "Hi"}]}', "Line 1 of .* is not a dialogue"),
        (b"\xff\xfe", "Line 1 of .* is not a dialogue"),
    ],
)
def test_a_file_of_another_form_is_refused_by_line(tmp_path: Path, text: bytes, why: str) -> None:
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(text)
    with pytest.raises(DialoguesAreUnreadable, match=why):
        read_dialogues(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DialoguesAreUnreadable, match="nowhere"):
        read_dialogues(tmp_path / "nowhere")
