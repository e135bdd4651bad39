"""Whose conversation it is to answer, and how much it hurries."""

from uuid import UUID

from domain.conversations.assignment import assign, prioritise
from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationAssigned, ConversationPrioritised, ConversationStarted, Priority
from domain.conversations.messaging import ConversationIsUnknown
from domain.shared.ids import AgentId, VisitorId
from tests.spec import given

anna, ben = AgentId(UUID(int=3)), AgentId(UUID(int=4))
started = ConversationStarted(visitor=VisitorId(UUID(int=1)))
annas = ConversationAssigned(agent=anna)


def test_an_agent_takes_it_another_takes_over_and_it_is_everybodys_again() -> None:
    given(Conversation, started).when(assign, agent=anna).then(annas)
    given(Conversation, started, annas).when(assign, agent=ben).then(ConversationAssigned(agent=ben))
    given(Conversation, started, annas).when(assign, agent=None).then(ConversationAssigned(agent=None))


def test_nothing_happens_when_it_is_theirs_already() -> None:
    given(Conversation, started, annas).when(assign, agent=anna).then()
    given(Conversation, started).when(assign, agent=None).then()


def test_it_hurries_as_somebody_says() -> None:
    urgent = ConversationPrioritised(priority=Priority.URGENT)
    given(Conversation, started).when(prioritise, priority=Priority.URGENT).then(urgent)
    given(Conversation, started, urgent).when(prioritise, priority=Priority.URGENT).then()
    given(Conversation, started).when(prioritise, priority=Priority.NORMAL).then()


def test_what_has_not_started_is_nobodys() -> None:
    given(Conversation).when(assign, agent=anna).refuses(ConversationIsUnknown)
    given(Conversation).when(prioritise, priority=Priority.LOW).refuses(ConversationIsUnknown)
