"""What happened in a conversation, change by change."""

from functools import partial
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
from domain.shared.recorded import Actor, ActorKind
from infrastructure.event_log.reading import LogReader
from projections.conversations import thread
from projections.conversations.thread import change, changes, receipts
from tests.conversations.talk import (
    agent_notes,
    agent_says,
    anna,
    in_conversation,
    one,
    started,
    two,
    vera,
    victor,
    visitor_says,
)
from tests.shown import Shown, forgotten

pytestmark = pytest.mark.requirement("R-CON-1")
VIEW = thread


async def told(shown: Shown, conversation: UUID = one, **how: Any) -> list[Any]:
    """The changes of a page."""
    found, _ = await shown.asked(changes, conversation, **{"limit": 50} | how)
    return list(found)


async def test_words_are_told_with_their_author_and_in_their_order(shown: Shown) -> None:
    by_anna = Actor(ActorKind.AGENT, anna)
    await shown.given(in_conversation(one, started(), visitor_says("Hello"), by=Actor(ActorKind.VISITOR, vera)))
    await shown.given(in_conversation(one, agent_says("Good day"), agent_notes("New customer"), by=by_anna))
    begun, hello, good_day, note = await told(shown)
    assert [each.sequence for each in (begun, hello, good_day, note)] == [1, 2, 3, 4]
    assert (begun.kind, begun.actor_kind, begun.actor, begun.text) == ("started", "visitor", vera, None)
    assert (hello.kind, hello.text, hello.author_kind, hello.author) == ("message", "Hello", "visitor", vera)
    assert (good_day.kind, good_day.text, good_day.author_kind, good_day.actor) == (
        "message",
        "Good day",
        "agent",
        anna,
    )
    assert (note.kind, note.text, note.author, note.id) == ("note", "New customer", anna, UUID(int=7))
    assert begun.at == hello.at < good_day.at == note.at


@pytest.mark.requirement("R-CON-5")
async def test_what_agents_did_is_told_as_well(shown: Shown) -> None:
    done = (
        ConversationAssigned(agent=anna),
        ConversationAssigned(agent=None),
        ConversationPrioritised(priority=Priority.URGENT),
        ConversationResolved(),
        ConversationReopened(),
    )
    await shown.given(in_conversation(one, started(), *done))
    _, hers, nobodys, urgent, *ends = await told(shown)
    assert (hers.kind, hers.assignee, nobodys.kind, nobodys.assignee) == ("assigned", anna, "assigned", None)
    assert (urgent.kind, urgent.priority) == ("prioritised", "urgent")
    assert [end.kind for end in ends] == ["resolved", "reopened"]


async def test_reading_is_no_change_but_a_receipt_of_each_side(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    assert await sides(shown) == (0, 0)
    await shown.given(in_conversation(one, MessagesRead(reader=Party.AGENT, up_to=2)))
    assert await sides(shown) == (0, 2)
    await shown.given(in_conversation(one, agent_says("Hi"), MessagesRead(reader=Party.VISITOR, up_to=4)))
    assert await sides(shown) == (4, 2)
    assert [each.sequence for each in await told(shown)] == [1, 2, 4]


async def sides(shown: Shown) -> tuple[int, int]:
    """How far the visitor and the agents have read."""
    read = await shown.asked(partial(_receipts, shown))
    return read.visitor, read.agent


async def _receipts(shown: Shown, db: Any, tenant: UUID) -> Any:
    return await receipts(db, tenant, one)


async def test_the_last_page_comes_first_and_older_ones_on_demand(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), *(visitor_says(str(n)) for n in range(2, 8))))
    last, has_more = await shown.asked(changes, one, limit=3)
    assert ([each.sequence for each in last], has_more) == ([5, 6, 7], True)
    middle, has_more = await shown.asked(changes, one, before=5, limit=3)
    assert ([each.sequence for each in middle], has_more) == ([2, 3, 4], True)
    first, has_more = await shown.asked(changes, one, before=2, limit=3)
    assert ([each.sequence for each in first], has_more) == ([1], False)
    assert await shown.asked(changes, one, before=0, limit=3) == ([], False)


async def test_who_was_away_is_told_what_they_missed_from_the_first_on(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), *(visitor_says(str(n)) for n in range(2, 8))))
    missed, has_more = await shown.asked(changes, one, after=2, limit=3)
    assert ([each.text for each in missed], has_more) == (["3", "4", "5"], True)
    rest, has_more = await shown.asked(changes, one, after=5, limit=3)
    assert ([each.text for each in rest], has_more) == (["6", "7"], False)
    assert await shown.asked(changes, one, after=7, limit=3) == ([], False)


async def test_each_conversation_tells_its_own(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    await shown.given(in_conversation(two, started(victor), visitor_says("Hi", victor)))
    assert [each.text for each in await told(shown, two)] == [None, "Hi"]
    assert await told(shown, UUID(int=99)) == []


async def test_live_tells_the_same_as_a_page(shown: Shown) -> None:
    priority, read = ConversationPrioritised(priority=Priority.HIGH), MessagesRead(reader=Party.AGENT, up_to=2)
    said = (visitor_says("Hello"), agent_says("Hi"), agent_notes("Hm"), ConversationAssigned(agent=anna), priority)
    await shown.given(in_conversation(one, started(), *said, read, ConversationResolved(), ConversationReopened()))
    facts = await LogReader(shown.pool).stream(shown.acme, "conversation", one)
    live = [await shown.opened(change(fact)) for fact in facts if fact.version != 7]
    assert live == await told(shown)
    assert len(live) == 8


@pytest.mark.requirement("R-PRI-2")
async def test_of_a_forgotten_visitor_everything_stays_but_the_words(shown: Shown) -> None:
    said = (visitor_says("Hello"), agent_says("Good day, Vera"), agent_notes("It is Vera"), ConversationResolved())
    await shown.given(in_conversation(one, started(), *said))
    await shown.given(in_conversation(two, started(victor), visitor_says("Hi", victor)))
    before = await told(shown)
    await shown.given(forgotten(vera))
    after = await told(shown)
    assert after == [
        msgspec.structs.replace(each, text=None, is_erased=each.kind in ("message", "note")) for each in before
    ]
    assert [(each.text, each.is_erased) for each in await told(shown, two)] == [(None, False), ("Hi", False)]


@pytest.mark.requirement("R-PRI-2")
async def test_what_comes_after_the_forgetting_has_no_words(shown: Shown) -> None:
    await shown.given(in_conversation(one, started()), forgotten(vera))
    await shown.given(in_conversation(one, visitor_says("me again"), agent_notes("It is Vera")))
    assert [(each.text, each.is_erased) for each in await told(shown)] == [(None, False), (None, True), (None, True)]
