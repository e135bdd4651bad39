"""The list of conversations, as agents see it."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.conversations.events import (
    ConversationAssigned,
    ConversationPrioritised,
    ConversationReopened,
    ConversationResolved,
    MessagesRead,
    Party,
    Priority,
)
from domain.shared.refusal import Malformed
from domain.visitors.events import VisitorIdentified
from domain.visitors.visitor import Visitor
from projections.conversations import inbox
from projections.conversations.inbox import MOST_UNREAD, PRIORITIES
from projections.conversations.inbox_queries import Counts, Cursor, Sort, StatusFilter, counts, page, rows
from projections.cursor import from_text
from tests.conversations.talk import (
    agent_notes,
    agent_says,
    anna,
    ben,
    in_conversation,
    one,
    started,
    three,
    two,
    vera,
    victor,
    visitor_says,
)
from tests.shown import Shown, forgotten, happened

pytestmark = pytest.mark.requirement("R-CON-5")
VIEW = inbox


async def row(shown: Shown, conversation: UUID = one) -> Any:
    """The row of a conversation."""
    (found,) = await shown.asked(rows, [conversation])
    return found


async def listed(shown: Shown, **how: Any) -> list[UUID]:
    """The conversations of the first page."""
    found, _ = await shown.asked(page, **{"after": None, "limit": 50} | EVERYTHING | how)
    return [each.conversation for each in found]


EVERYTHING: dict[str, Any] = {
    "status": StatusFilter.ALL,
    "assignee": None,
    "is_unassigned": False,
    "sort": Sort.NEWEST,
}


async def test_a_new_conversation_is_open_unread_waiting_and_nobodys(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    new = await row(shown)
    assert (new.visitor, new.status, new.priority, new.assignee) == (vera, "open", "normal", None)
    assert (new.unread, new.sequence, new.preview, new.preview_author) == (1, 2, "Hello", "visitor")
    assert new.waiting_since == new.last_at == new.started_at
    assert not new.is_erased


async def test_who_asked_first_waits_since_then_until_an_agent_answers(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    first = (await row(shown)).last_at
    await shown.given(in_conversation(one, visitor_says("Anybody there?")))
    assert (await row(shown)).waiting_since == first
    await shown.given(in_conversation(one, agent_says("Good day")))
    assert (await row(shown)).waiting_since is None
    await shown.given(in_conversation(one, visitor_says("At last")))
    assert (await row(shown)).waiting_since == (await row(shown)).last_at > first


async def test_nobody_waits_in_what_is_resolved_and_whoever_writes_again_waits_from_then_on(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello"), ConversationResolved()))
    assert ((await row(shown)).status, (await row(shown)).waiting_since) == ("resolved", None)
    await shown.given(in_conversation(one, ConversationReopened(), visitor_says("Still broken")))
    assert ((await row(shown)).status, (await row(shown)).waiting_since) == ("open", (await row(shown)).last_at)


@pytest.mark.requirement("R-CON-1")
async def test_what_visitors_wrote_is_unread_until_an_agent_has_read_it(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("a"), visitor_says("b"), agent_says("c")))
    assert (await row(shown)).unread == 2
    await shown.given(in_conversation(one, MessagesRead(reader=Party.VISITOR, up_to=4)))
    assert (await row(shown)).unread == 2
    await shown.given(in_conversation(one, MessagesRead(reader=Party.AGENT, up_to=2)))
    assert (await row(shown)).unread == 1
    await shown.given(in_conversation(one, MessagesRead(reader=Party.AGENT, up_to=4)))
    assert (await row(shown)).unread == 0


async def test_more_unread_messages_than_anybody_counts_are_not_told_apart(shown: Shown) -> None:
    many = [visitor_says("and another thing")] * (MOST_UNREAD + 5)
    await shown.given(in_conversation(one, started(), *many))
    assert (await row(shown)).unread == MOST_UNREAD
    await shown.given(in_conversation(one, MessagesRead(reader=Party.AGENT, up_to=len(many))))
    assert (await row(shown)).unread == 1


async def test_the_last_words_of_either_side_are_the_preview_a_note_is_not(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello"), agent_says("Good day")))
    answered = await row(shown)
    assert (answered.preview, answered.preview_author) == ("Good day", "agent")
    await shown.given(in_conversation(one, agent_notes("Sounds upset")))
    noted = await row(shown)
    assert (noted.preview, noted.last_at, noted.sequence) == ("Good day", answered.last_at, 4)


async def test_the_name_is_what_the_visitor_said_last(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    assert (await row(shown)).name is None
    await shown.given(happened(Visitor, vera, VisitorIdentified(visitor=vera, name="Vera")))
    await shown.given(happened(Visitor, vera, VisitorIdentified(visitor=vera, email="v@example.org")))
    assert (await row(shown)).name == "Vera"
    await shown.given(happened(Visitor, vera, VisitorIdentified(visitor=vera, name="Vera Novak")))
    assert (await row(shown)).name == "Vera Novak"


async def test_the_newest_the_oldest_and_the_most_urgent_come_first(shown: Shown) -> None:
    await shown.given(*(in_conversation(each, started(), visitor_says("Hello")) for each in (one, two, three)))
    await shown.given(in_conversation(one, visitor_says("me again")))
    assert await listed(shown) == [one, three, two]
    assert await listed(shown, sort=Sort.OLDEST) == [two, three, one]
    await shown.given(in_conversation(two, ConversationPrioritised(priority=Priority.URGENT)))
    await shown.given(in_conversation(one, ConversationPrioritised(priority=Priority.LOW)))
    assert await listed(shown, sort=Sort.PRIORITY) == [two, three, one]
    assert [(await row(shown, each)).priority for each in (one, two, three)] == ["low", "urgent", "normal"]


async def test_folders_show_what_is_open_mine_unassigned_and_resolved_and_count_it(shown: Shown) -> None:
    await shown.given(*(in_conversation(each, started(), visitor_says("Hello")) for each in (one, two, three)))
    await shown.given(in_conversation(one, ConversationAssigned(agent=anna)))
    await shown.given(in_conversation(two, ConversationAssigned(agent=ben), ConversationAssigned(agent=None)))
    await shown.given(in_conversation(three, ConversationAssigned(agent=anna), ConversationResolved()))
    opened, resolved = {"status": StatusFilter.OPEN}, {"status": StatusFilter.RESOLVED}
    assert await listed(shown, **opened) == [two, one]
    assert await listed(shown, **resolved) == [three]
    assert await listed(shown, assignee=anna) == [three, one]
    assert await listed(shown, assignee=anna, **opened) == [one]
    assert await listed(shown, is_unassigned=True) == [two]
    assert await listed(shown, assignee=ben) == []
    assert await shown.asked(counts, agent=anna) == Counts(open=2, mine=1, unassigned=1, resolved=1)


def test_each_priority_has_its_rank() -> None:
    assert tuple(priority.value for priority in Priority) == PRIORITIES


@pytest.mark.parametrize("sort", Sort)
async def test_page_after_page_loses_nothing_and_repeats_nothing(shown: Shown, sort: Sort) -> None:
    many = [UUID(int=100 + number) for number in range(11)]
    at_once = datetime(2026, 11, 3, 10, tzinfo=UTC)
    for number, each in enumerate(many):
        ranked = ConversationPrioritised(priority=list(Priority)[number % 3])
        at = at_once if number < 8 else None
        await shown.given(in_conversation(each, started(), visitor_says("Hello"), ranked, at=at))
    whole = await listed(shown, sort=sort)
    assert sorted(whole) == many
    seen, after = [], None
    while True:
        found, after = await shown.asked(page, **EVERYTHING | {"sort": sort}, after=after, limit=3)
        seen += [each.conversation for each in found]
        if after is None:
            break
        assert len(found) == 3
    assert seen == whole


async def test_a_page_that_holds_all_there_is_has_no_next_one(shown: Shown) -> None:
    assert await shown.asked(page, **EVERYTHING, after=None, limit=2) == ([], None)
    await shown.given(*(in_conversation(each, started(), visitor_says("Hello")) for each in (one, two)))
    assert (await shown.asked(page, **EVERYTHING, after=None, limit=2))[1] is None
    assert (await shown.asked(page, **EVERYTHING, after=None, limit=1))[1] is not None


MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
FOREIGN = {
    "of another list": (MOMENT, one),
    "with an unknown order": ("loudest", 1, MOMENT, one),
    "with a priority there is not": ("newest", 9_999_999, MOMENT, one),
    "with a time of no zone": ("newest", 1, "2026-11-03T10:00:00", one),
    "with a time that is none in UTC": ("newest", 1, "0001-01-01T00:00:00+14:00", one),
    "with an id that is none": ("newest", 1, MOMENT, "one"),
}


@pytest.mark.parametrize("cursor", [*FOREIGN.values(), None, {}], ids=[*FOREIGN, "of nothing", "of a map"])
def test_a_foreign_cursor_is_malformed(cursor: object) -> None:
    text = urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")
    with pytest.raises(Malformed, match="is not a cursor of this list"):
        from_text(text, Cursor)


@pytest.mark.parametrize("text", ["", "x", "nonsense", "ünicode", "=" * 5, "A" * 200])
def test_words_are_no_cursor(text: str) -> None:
    with pytest.raises(Malformed, match="is not a cursor of this list"):
        from_text(text, Cursor)


async def test_a_cursor_of_another_order_is_malformed(shown: Shown) -> None:
    await shown.given(*(in_conversation(each, started(), visitor_says("Hello")) for each in (one, two)))
    _, after = await shown.asked(page, **EVERYTHING, after=None, limit=1)
    with pytest.raises(Malformed, match="is a cursor of another order"):
        await shown.asked(page, **EVERYTHING | {"sort": Sort.OLDEST}, after=after, limit=1)


@pytest.mark.requirement("R-PRI-2")
async def test_a_forgotten_visitors_conversations_keep_their_place_but_no_word_and_no_name(shown: Shown) -> None:
    await shown.given(happened(Visitor, vera, VisitorIdentified(visitor=vera, name="Vera")))
    await shown.given(in_conversation(one, started(), visitor_says("Hello"), agent_says("Good day, Vera")))
    await shown.given(in_conversation(two, started(victor), visitor_says("Hi", victor)))
    before = await row(shown)
    await shown.given(forgotten(vera))
    erased = msgspec.structs.replace(before, preview=None, name=None, is_erased=True)
    assert await row(shown) == erased
    assert ((await row(shown, two)).preview, (await row(shown, two)).is_erased) == ("Hi", False)
    assert await listed(shown) == [two, one]


@pytest.mark.requirement("R-PRI-2")
async def test_what_comes_after_the_forgetting_moves_the_conversation_but_shows_no_word(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")), forgotten(vera))
    await shown.given(in_conversation(one, agent_says("Too late, Vera")), in_conversation(two, started()))
    await shown.given(in_conversation(two, visitor_says("me again")))
    await shown.given(happened(Visitor, vera, VisitorIdentified(visitor=vera, name="Vera")))
    for late in (await row(shown), await row(shown, two)):
        assert (late.preview, late.name, late.is_erased) == (None, None, True)
    assert (await row(shown)).preview_author == "agent"
    assert (await row(shown, two)).unread == 1
