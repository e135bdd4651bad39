"""Who may write, and when."""

from domain.conversations.conversation import Conversation, Status
from domain.conversations.events import (
    Author,
    ConversationReopened,
    ConversationStarted,
    MessageSent,
    NoteLeft,
    Party,
)
from domain.shared.event import Facts
from domain.shared.ids import AgentId, MessageId, VisitorId
from domain.shared.refusal import Absent, Malformed, Refusal

LONGEST = 10_000
"""Characters of one message; longer texts belong in an attachment."""


class ConversationIsUnknown(Absent):
    """There is no such conversation."""


class ConversationHasStarted(Refusal):
    """This conversation has already started."""


def readable(text: str) -> str:
    """The text as it will be kept, or Malformed: blank, too long, or with characters that nothing can store."""
    if not text.strip():
        raise Malformed("text", "must not be blank")
    if len(text) > LONGEST:
        raise Malformed("text", f"must be at most {LONGEST} characters")
    if "\x00" in text:
        raise Malformed("text", "must not contain NUL characters")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("text", "must be valid Unicode")
    return text.strip()


def visitor_of(conversation: Conversation) -> VisitorId:
    """Whose conversation it is; ConversationIsUnknown when nobody has started it."""
    if conversation.visitor is None:
        raise ConversationIsUnknown
    return conversation.visitor


def start_conversation(conversation: Conversation, *, visitor: VisitorId, message: MessageId, text: str) -> Facts:
    """A visitor's first words."""
    if conversation.visitor is not None:
        raise ConversationHasStarted
    author = Author(Party.VISITOR, visitor)
    return (
        ConversationStarted(visitor=visitor),
        MessageSent(visitor=visitor, author=author, message=message, text=readable(text)),
    )


def send_message(conversation: Conversation, *, author: Author, message: MessageId, text: str) -> Facts:
    """Words for both sides. A visitor sees only their own conversations; their words reopen a resolved one."""
    visitor = visitor_of(conversation)
    if author.kind is Party.VISITOR and author.id != visitor:
        raise ConversationIsUnknown
    sent = MessageSent(visitor=visitor, author=author, message=message, text=readable(text))
    if author.kind is Party.VISITOR and conversation.status is Status.RESOLVED:
        return ConversationReopened(), sent
    return sent


def leave_note(conversation: Conversation, *, agent: AgentId, message: MessageId, text: str) -> Facts:
    """Words for agents only; allowed at any time, also after the end."""
    visitor = visitor_of(conversation)
    return NoteLeft(visitor=visitor, agent=agent, message=message, text=readable(text))
