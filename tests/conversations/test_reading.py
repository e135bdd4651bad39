"""Who has seen what."""

from uuid import UUID

import pytest

from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationResolved, ConversationStarted, MessagesRead, Party
from domain.conversations.messaging import ConversationIsUnknown
from domain.conversations.reading import ConversationIsNotThatFar, read_as_agent, read_as_visitor
from domain.shared.ids import VisitorId
from domain.shared.refusal import Malformed
from tests.spec import given

vera, victor = VisitorId(UUID(int=1)), VisitorId(UUID(int=2))
two_facts = (ConversationStarted(visitor=vera), ConversationResolved())
agents_read = MessagesRead(reader=Party.AGENT, up_to=2)


def test_both_sides_read_apart() -> None:
    visitor_read = MessagesRead(reader=Party.VISITOR, up_to=2)
    given(Conversation, *two_facts).when(read_as_agent, up_to=2).then(agents_read)
    given(Conversation, *two_facts, agents_read).when(read_as_visitor, visitor=vera, up_to=2).then(visitor_read)


def test_reading_the_same_again_or_going_back_says_nothing() -> None:
    given(Conversation, *two_facts, agents_read).when(read_as_agent, up_to=2).then()
    given(Conversation, *two_facts, agents_read).when(read_as_agent, up_to=1).then()


@pytest.mark.parametrize("up_to", [-1, 0])
def test_nobody_reads_what_comes_before_the_first(up_to: int) -> None:
    given(Conversation, *two_facts).when(read_as_agent, up_to=up_to).refuses(Malformed)


def test_nobody_reads_what_was_not_written_yet() -> None:
    given(Conversation, *two_facts).when(read_as_agent, up_to=3).refuses(ConversationIsNotThatFar)


def test_a_visitor_reads_only_their_own_conversations() -> None:
    given(Conversation, *two_facts).when(read_as_visitor, visitor=victor, up_to=1).refuses(ConversationIsUnknown)
    given(Conversation).when(read_as_agent, up_to=1).refuses(ConversationIsUnknown)
