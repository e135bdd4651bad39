"""Who has seen what."""

from functools import partial

import msgspec

from application.ports import Asked, EventStore, Receipt
from domain.conversations import reading
from domain.conversations.conversation import Conversation
from domain.shared.ids import ConversationId, VisitorId


class Read(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    up_to: int
    visitor: VisitorId | None = None


async def read(command: Read, *, asked: Asked, events: EventStore) -> Receipt:
    """The visitor, or else the agents, have seen everything up to this version."""
    if command.visitor is None:
        decide = partial(reading.read_as_agent, up_to=command.up_to)
    else:
        decide = partial(reading.read_as_visitor, visitor=command.visitor, up_to=command.up_to)
    return await events.change(Conversation, command.conversation, decide, asked=asked)
