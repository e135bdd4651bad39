"""Who may write, and when."""

from uuid import UUID

import pytest

from domain.conversations.conversation import Conversation
from domain.conversations.events import (
    Author,
    ConversationReopened,
    ConversationResolved,
    ConversationStarted,
    MessageSent,
    NoteLeft,
    Party,
)
from domain.conversations.messaging import (
    LONGEST,
    ConversationHasStarted,
    ConversationIsUnknown,
    leave_note,
    send_message,
    start_conversation,
)
from domain.shared.ids import AgentId, MessageId, VisitorId
from domain.shared.refusal import Malformed
from tests.spec import given

vera, victor, anna = VisitorId(UUID(int=1)), VisitorId(UUID(int=2)), AgentId(UUID(int=3))
message = MessageId(UUID(int=4))
by_vera, by_victor, by_anna = Author(Party.VISITOR, vera), Author(Party.VISITOR, victor), Author(Party.AGENT, anna)
started, resolved = ConversationStarted(visitor=vera), ConversationResolved()


def said(author: Author, text: str = "Hello") -> MessageSent:
    return MessageSent(visitor=vera, author=author, message=message, text=text)


def test_a_visitor_starts_with_their_first_words() -> None:
    first = given(Conversation).when(start_conversation, visitor=vera, message=message, text="Hello")
    first.then(started, said(by_vera))


def test_a_conversation_starts_once() -> None:
    again = given(Conversation, started).when(start_conversation, visitor=vera, message=message, text="Hello")
    again.refuses(ConversationHasStarted)


def test_nobody_writes_where_nothing_has_started() -> None:
    given(Conversation).when(send_message, author=by_anna, message=message, text="Hello").refuses(ConversationIsUnknown)
    given(Conversation).when(leave_note, agent=anna, message=message, text="Hello").refuses(ConversationIsUnknown)


@pytest.mark.parametrize("author", [by_vera, by_anna])
def test_both_sides_write(author: Author) -> None:
    given(Conversation, started).when(send_message, author=author, message=message, text="Hello").then(said(author))


def test_a_visitor_finds_only_their_own_conversations() -> None:
    foreign = given(Conversation, started).when(send_message, author=by_victor, message=message, text="Hello")
    foreign.refuses(ConversationIsUnknown)


def test_a_visitors_words_reopen_a_resolved_conversation() -> None:
    late = given(Conversation, started, resolved).when(send_message, author=by_vera, message=message, text="Hello")
    late.then(ConversationReopened(), said(by_vera))


def test_an_agents_words_leave_it_resolved() -> None:
    late = given(Conversation, started, resolved).when(send_message, author=by_anna, message=message, text="Bye")
    late.then(said(by_anna, "Bye"))


def test_agents_leave_notes_also_after_the_end() -> None:
    late = given(Conversation, started, resolved).when(leave_note, agent=anna, message=message, text="Called back")
    late.then(NoteLeft(visitor=vera, agent=anna, message=message, text="Called back"))


def test_space_around_the_words_is_not_kept() -> None:
    given(Conversation, started).when(send_message, author=by_vera, message=message, text="\n Hello ").then(
        said(by_vera)
    )


@pytest.mark.parametrize("text", ["", " \n\t", "a\x00b", "\ud800", "x" * (LONGEST + 1)])
def test_words_that_nobody_could_read_are_malformed(text: str) -> None:
    refusal = given(Conversation, started).when(send_message, author=by_vera, message=message, text=text)
    assert "text" in str(refusal.refuses(Malformed))


def test_the_longest_message_is_still_taken() -> None:
    given(Conversation, started).when(send_message, author=by_vera, message=message, text="x" * LONGEST).then(
        said(by_vera, "x" * LONGEST)
    )
