"""Saying what one has seen, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.conversations.changed import Changed, changed
from application.conversations import reading
from application.ports import Asked, EventStore
from domain.shared.ids import ConversationId
from domain.shared.permission import Permission


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sequence of the last change that was seen."""

    sequence: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


@put("/conversations/{conversation:uuid}/read", operation_id="markRead", opt={"permission": Permission.CONVERSE})
async def mark_read(
    conversation: FromPath[UUID],
    data: JSONBody[Seen],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[Changed]:
    """The agents have seen everything up to here."""
    command = reading.Read(conversation=ConversationId(conversation), up_to=data.sequence)
    return changed(conversation, await reading.read(command, asked=asked, events=events))
