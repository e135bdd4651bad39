"""From open to resolved, and back."""

import msgspec

from application.ports import Asked, EventStore, Receipt
from domain.conversations import lifecycle
from domain.conversations.conversation import Conversation, Status
from domain.shared.ids import ConversationId


class SetStatus(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    status: Status


async def set_status(command: SetStatus, *, asked: Asked, events: EventStore) -> Receipt:
    """Resolves or reopens a conversation."""
    decide = lifecycle.resolve if command.status is Status.RESOLVED else lifecycle.reopen
    return await events.change(Conversation, command.conversation, decide, asked=asked)
