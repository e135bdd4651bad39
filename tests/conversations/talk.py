"""A conversation, told in a line: who starts it, who says what."""

from functools import partial
from uuid import UUID

from domain.conversations.conversation import Conversation
from domain.conversations.events import Author, ConversationStarted, MessageSent, NoteLeft, Party
from domain.shared.ids import AgentId, MessageId, VisitorId
from tests.shown import happened

vera, victor = VisitorId(UUID(int=1)), VisitorId(UUID(int=2))
anna, ben = AgentId(UUID(int=3)), AgentId(UUID(int=4))
one, two, three = UUID(int=11), UUID(int=12), UUID(int=13)

in_conversation = partial(happened, Conversation)


def started(visitor: VisitorId = vera) -> ConversationStarted:
    return ConversationStarted(visitor=visitor)


def visitor_says(text: str, visitor: VisitorId = vera) -> MessageSent:
    return MessageSent(
        visitor=visitor, author=Author(Party.VISITOR, visitor), message=MessageId(UUID(int=5)), text=text
    )


def agent_says(text: str, visitor: VisitorId = vera, agent: AgentId = anna) -> MessageSent:
    return MessageSent(visitor=visitor, author=Author(Party.AGENT, agent), message=MessageId(UUID(int=6)), text=text)


def agent_notes(text: str, visitor: VisitorId = vera, agent: AgentId = anna) -> NoteLeft:
    return NoteLeft(visitor=visitor, agent=agent, message=MessageId(UUID(int=7)), text=text)
