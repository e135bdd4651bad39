"""What a conversation looked like at an earlier moment, over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.caller import Caller
from api.conversations import wire
from api.conversations.wire import Change, Receipts
from application.conversations.history import as_it_was
from application.ports import History, Keyring
from domain.conversations.conversation import Status
from domain.conversations.events import MessagesRead, Priority
from domain.shared.permission import Permission
from domain.shared.refusal import Malformed
from projections.conversations import thread


class MomentShown(msgspec.Struct, frozen=True):
    """A conversation as it was: folded from the log up to a moment, not from any view."""

    at: datetime
    status: Status
    priority: Priority
    assignee: UUID | None
    changes: list[Change]
    receipts: Receipts


@get("/conversations/{conversation:uuid}/moment", operation_id="readMoment", opt={"permission": Permission.AUDIT})
async def read_moment(
    conversation: FromPath[UUID],
    at: Annotated[datetime, QueryParameter(description="RFC 3339, with a time zone")],
    caller: NamedDependency[Caller],
    history: NamedDependency[History],
    keyring: NamedDependency[Keyring],
) -> MomentShown:
    """The conversation at that moment; what was erased since is erased here, too."""
    if at.tzinfo is None:
        raise Malformed("at", "must say its time zone, as in 2026-11-03T10:00:00Z")
    moment = await as_it_was(caller.tenant, conversation, at, history=history)
    found = [change for recorded in moment.facts if (change := thread.change(recorded)) is not None]
    said = [
        change for change, recorded in zip(found, moment.facts, strict=True) if type(recorded.fact) is not MessagesRead
    ]
    known = moment.conversation
    return MomentShown(
        at=at,
        status=known.status,
        priority=known.priority,
        assignee=known.assignee,
        changes=await wire.changes(keyring, caller.tenant, said),
        receipts=Receipts(known.read_by_visitor, known.read_by_agents),
    )
