"""Whose conversation it is and how much it hurries, over HTTP."""

from uuid import UUID

import msgspec
from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.conversations.changed import Changed, changed
from application.conversations import assignment
from application.conversations.assignment import Assign, Prioritise
from application.ports import Asked, EventStore, Knows
from domain.conversations.events import Priority
from domain.shared.ids import AgentId, ConversationId
from domain.shared.permission import Permission


class Assignee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A colleague, or null for nobody."""

    agent: UUID | None


class Urgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    priority: Priority


@put("/conversations/{conversation:uuid}/assignee", operation_id="assign", opt={"permission": Permission.CONVERSE})
async def assign(
    conversation: FromPath[UUID],
    data: JSONBody[Assignee],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    colleagues: NamedDependency[Knows],
) -> Response[Changed]:
    """Gives the conversation to a colleague, or back to everybody."""
    command = Assign(conversation=ConversationId(conversation), agent=AgentId(data.agent) if data.agent else None)
    return changed(conversation, await assignment.assign(command, asked=asked, events=events, colleagues=colleagues))


@put("/conversations/{conversation:uuid}/priority", operation_id="prioritise", opt={"permission": Permission.CONVERSE})
async def prioritise(
    conversation: FromPath[UUID],
    data: JSONBody[Urgency],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[Changed]:
    """Says how much the conversation hurries."""
    command = Prioritise(conversation=ConversationId(conversation), priority=data.priority)
    return changed(conversation, await assignment.prioritise(command, asked=asked, events=events))
