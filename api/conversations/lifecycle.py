"""Resolving and reopening, over HTTP."""

from uuid import UUID

import msgspec
from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.conversations.changed import Changed, changed
from application.conversations import lifecycle
from application.ports import Asked, EventStore
from domain.conversations.conversation import Status
from domain.shared.ids import ConversationId
from domain.shared.permission import Permission


class StatusWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: Status


@put("/conversations/{conversation:uuid}/status", operation_id="setStatus", opt={"permission": Permission.CONVERSE})
async def set_status(
    conversation: FromPath[UUID],
    data: JSONBody[StatusWanted],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[Changed]:
    """Resolves the conversation, or opens it again."""
    command = lifecycle.SetStatus(conversation=ConversationId(conversation), status=data.status)
    return changed(conversation, await lifecycle.set_status(command, asked=asked, events=events))
