"""Whose conversation it is to answer, and how much it hurries."""

from functools import partial

import msgspec

from application.ports import Asked, EventStore, Knows, Receipt
from domain.conversations import assignment
from domain.conversations.conversation import Conversation
from domain.conversations.events import Priority
from domain.shared.ids import AgentId, ConversationId


class Assign(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId | None


class Prioritise(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    priority: Priority


async def assign(command: Assign, *, asked: Asked, events: EventStore, colleagues: Knows) -> Receipt:
    """Gives a conversation to a colleague or back to everybody; AssigneeIsUnknown for anybody else."""
    if command.agent is not None and not await colleagues(asked.tenant, command.agent):
        raise assignment.AssigneeIsUnknown
    decide = partial(assignment.assign, agent=command.agent)
    return await events.change(Conversation, command.conversation, decide, asked=asked)


async def prioritise(command: Prioritise, *, asked: Asked, events: EventStore) -> Receipt:
    """Says how much a conversation hurries."""
    decide = partial(assignment.prioritise, priority=command.priority)
    return await events.change(Conversation, command.conversation, decide, asked=asked)
