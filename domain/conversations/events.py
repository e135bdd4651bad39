"""What can happen in a conversation."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from domain.shared.event import DataSubject, Event, Personal
from domain.shared.ids import AgentId, MessageId, VisitorId


class Party(StrEnum):
    VISITOR = "visitor"
    AGENT = "agent"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Author(msgspec.Struct, frozen=True):
    """Who wrote: an id and what kind of person it names."""

    kind: Party
    id: VisitorId | AgentId


class ConversationStarted(Event, frozen=True, kw_only=True):
    """A visitor turned to the organisation."""

    NAME: ClassVar = "conversations.ConversationStarted"
    visitor: DataSubject[VisitorId]


class MessageSent(Event, frozen=True, kw_only=True):
    """Somebody wrote in the conversation. An agent's words too are the visitor's to have erased."""

    NAME: ClassVar = "conversations.MessageSent"
    visitor: DataSubject[VisitorId]
    author: Author
    message: MessageId
    text: Personal[str]


class NoteLeft(Event, frozen=True, kw_only=True):
    """An agent wrote something that only agents see."""

    NAME: ClassVar = "conversations.NoteLeft"
    visitor: DataSubject[VisitorId]
    agent: AgentId
    message: MessageId
    text: Personal[str]


class MessagesRead(Event, frozen=True, kw_only=True):
    """One side has seen everything up to this version of the conversation."""

    NAME: ClassVar = "conversations.MessagesRead"
    reader: Party
    up_to: int


class ConversationAssigned(Event, frozen=True, kw_only=True):
    """The conversation is somebody's to answer, or nobody's again."""

    NAME: ClassVar = "conversations.ConversationAssigned"
    agent: AgentId | None


class ConversationPrioritised(Event, frozen=True, kw_only=True):
    """How much it hurries was decided."""

    NAME: ClassVar = "conversations.ConversationPrioritised"
    priority: Priority


class ConversationResolved(Event, frozen=True, kw_only=True):
    """An agent considers the question answered."""

    NAME: ClassVar = "conversations.ConversationResolved"


class ConversationReopened(Event, frozen=True, kw_only=True):
    """The question was not answered after all."""

    NAME: ClassVar = "conversations.ConversationReopened"


ConversationEvent = (
    ConversationStarted
    | MessageSent
    | NoteLeft
    | MessagesRead
    | ConversationAssigned
    | ConversationPrioritised
    | ConversationResolved
    | ConversationReopened
)
