"""Who has seen what."""

from domain.conversations.conversation import Conversation
from domain.conversations.events import MessagesRead, Party
from domain.conversations.messaging import ConversationIsUnknown, visitor_of
from domain.shared.event import Facts
from domain.shared.ids import VisitorId
from domain.shared.refusal import Malformed, Refusal


class ConversationIsNotThatFar(Refusal):
    """So much has not happened in this conversation yet."""


def read_as_agent(conversation: Conversation, *, up_to: int) -> Facts:
    """An agent has seen everything up to this version; going back says nothing."""
    visitor_of(conversation)
    return _read(conversation, Party.AGENT, conversation.read_by_agents, up_to)


def read_as_visitor(conversation: Conversation, *, visitor: VisitorId, up_to: int) -> Facts:
    """The visitor has seen everything up to this version of their own conversation."""
    if visitor_of(conversation) != visitor:
        raise ConversationIsUnknown
    return _read(conversation, Party.VISITOR, conversation.read_by_visitor, up_to)


def _read(conversation: Conversation, reader: Party, before: int, up_to: int) -> Facts:
    if up_to < 1:
        raise Malformed("sequence", "must be at least 1")
    if up_to > conversation.version:
        raise ConversationIsNotThatFar
    return () if up_to <= before else MessagesRead(reader=reader, up_to=up_to)
