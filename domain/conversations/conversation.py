"""What a conversation remembers in order to decide."""

from enum import StrEnum
from typing import ClassVar, Self, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.conversations.events import (
    ConversationAssigned,
    ConversationEvent,
    ConversationPrioritised,
    ConversationReopened,
    ConversationResolved,
    ConversationStarted,
    MessageSent,
    MessagesRead,
    NoteLeft,
    Party,
    Priority,
)
from domain.shared.ids import AgentId, VisitorId


class Status(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Conversation(Struct, frozen=True):
    STREAM: ClassVar = "conversation"

    visitor: VisitorId | None = None
    status: Status = Status.OPEN
    priority: Priority = Priority.NORMAL
    assignee: AgentId | None = None
    version: int = 0
    read_by_visitor: int = 0
    read_by_agents: int = 0

    def after(self, event: ConversationEvent) -> Self:
        """The memory once this fact, too, has happened."""
        seen = replace(self, version=self.version + 1)
        match event:
            case ConversationStarted():
                return replace(seen, visitor=event.visitor)
            case ConversationAssigned():
                return replace(seen, assignee=event.agent)
            case ConversationPrioritised():
                return replace(seen, priority=event.priority)
            case ConversationResolved():
                return replace(seen, status=Status.RESOLVED)
            case ConversationReopened():
                return replace(seen, status=Status.OPEN)
            case MessagesRead(reader=Party.VISITOR):
                return replace(seen, read_by_visitor=event.up_to)
            case MessagesRead():
                return replace(seen, read_by_agents=event.up_to)
            case MessageSent() | NoteLeft():
                return seen
            case _:
                assert_never(event)
