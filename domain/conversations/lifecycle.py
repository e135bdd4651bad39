"""From open to resolved, and back."""

from domain.conversations.conversation import Conversation, Status
from domain.conversations.events import ConversationReopened, ConversationResolved
from domain.conversations.messaging import visitor_of
from domain.shared.event import Facts


def resolve(conversation: Conversation) -> Facts:
    """The question is answered. Nothing happens if it is so already."""
    visitor_of(conversation)
    return () if conversation.status is Status.RESOLVED else ConversationResolved()


def reopen(conversation: Conversation) -> Facts:
    """The question is open again. Nothing happens if it is so already."""
    visitor_of(conversation)
    return () if conversation.status is Status.OPEN else ConversationReopened()
