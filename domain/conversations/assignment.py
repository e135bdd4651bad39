"""Whose conversation it is to answer, and how much it hurries."""

from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationAssigned, ConversationPrioritised, Priority
from domain.conversations.messaging import visitor_of
from domain.shared.event import Facts
from domain.shared.ids import AgentId
from domain.shared.refusal import Malformed


class AssigneeIsUnknown(Malformed):
    """There is no such agent in your organisation."""

    def __init__(self) -> None:
        super().__init__("agent", "is not an agent of your organisation")


def assign(conversation: Conversation, *, agent: AgentId | None) -> Facts:
    """Gives the conversation to an agent, or back to everybody. Nothing happens if it is so already."""
    visitor_of(conversation)
    return () if conversation.assignee == agent else ConversationAssigned(agent=agent)


def prioritise(conversation: Conversation, *, priority: Priority) -> Facts:
    """Says how much it hurries. Nothing happens if it is so already."""
    visitor_of(conversation)
    return () if conversation.priority is priority else ConversationPrioritised(priority=priority)
