"""A conversation, over HTTP: what was said and done in it, page by page."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.asking import page
from api.caller import Caller
from api.conversations import wire
from api.conversations.wire import Change, Receipts, Row
from api.people import VisitorShown, people
from application.ports import Keyring, Unavailable
from domain.conversations.messaging import ConversationIsUnknown
from domain.shared.permission import Permission
from projections.conversations import inbox_queries, thread
from projections.view import Reads

LARGEST = 2**31 - 1
Limit = Annotated[int, QueryParameter(ge=1, le=200)]


class ChangesPage(msgspec.Struct, frozen=True):
    """Changes in ascending order; ``has_more`` says whether there are more in the direction asked for."""

    changes: list[Change]
    has_more: bool
    receipts: Receipts


class ConversationPage(msgspec.Struct, frozen=True):
    """A conversation as it opens: its row, its visitor, its last changes."""

    conversation: Row
    visitor: VisitorShown
    changes: list[Change]
    has_more: bool
    receipts: Receipts


@get("/conversations/{conversation:uuid}", operation_id="readConversation", opt={"permission": Permission.READ})
async def open_conversation(
    conversation: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
    limit: Limit = 100,
) -> Response[ConversationPage]:
    """Everything that is needed to show a conversation."""
    tenant, position = caller.tenant, reads.position(caller.tenant, "thread")
    async with reads(tenant, "thread", at_least=at_least) as db:
        changes, has_more = await thread.changes(db, tenant, conversation, limit=limit)
        receipts = await thread.receipts(db, tenant, conversation)
    last = max(at_least, position) if changes else at_least
    async with reads(tenant, "inbox", at_least=last) as db:
        found = await inbox_queries.rows(db, tenant, [conversation])
    if not found:
        raise ConversationIsUnknown
    visitors = await people(tenant, [found[0].visitor], reads=reads, keyring=keyring, at_least=last)
    if not visitors:
        raise Unavailable
    (row,) = await wire.rows(keyring, tenant, found)
    shown = ConversationPage(
        conversation=row,
        visitor=visitors[0],
        changes=await wire.changes(keyring, tenant, changes),
        has_more=has_more,
        receipts=Receipts(receipts.visitor, receipts.agent),
    )
    return page(shown, position)


@get("/conversations/{conversation:uuid}/changes", operation_id="readChanges", opt={"permission": Permission.READ})
async def read_changes(
    conversation: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
    before: Annotated[int | None, QueryParameter(ge=1, le=LARGEST)] = None,
    after: Annotated[int, QueryParameter(ge=0, le=LARGEST)] = 0,
    limit: Limit = 100,
) -> Response[ChangesPage]:
    """The last changes before a sequence, or the first after one."""
    tenant, position = caller.tenant, reads.position(caller.tenant, "thread")
    async with reads(tenant, "thread", at_least=at_least) as db:
        changes, has_more = await thread.changes(db, tenant, conversation, before=before, after=after, limit=limit)
        receipts: Any = await thread.receipts(db, tenant, conversation)
    if not changes and not after and before is None:
        raise ConversationIsUnknown
    shown = await wire.changes(keyring, tenant, changes)
    return page(ChangesPage(shown, has_more, Receipts(receipts.visitor, receipts.agent)), position)
