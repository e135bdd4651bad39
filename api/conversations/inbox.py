"""The inbox, over HTTP: the list, and how many conversations each folder holds."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from api.asking import page
from api.caller import Caller
from api.conversations import wire
from api.conversations.wire import Row
from application.ports import Keyring
from domain.shared.permission import Permission
from domain.shared.refusal import Malformed
from projections.conversations import inbox_queries
from projections.conversations.inbox_queries import Counts, Sort, StatusFilter
from projections.view import Reads


class InboxPage(msgspec.Struct, frozen=True):
    """``next`` is what to pass as ``after`` for the next page; null at the end."""

    conversations: list[Row]
    next: str | None


@get("/conversations", operation_id="listConversations", opt={"permission": Permission.READ})
async def read_inbox(
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
    status: FromQuery[StatusFilter] = StatusFilter.OPEN,
    sort: FromQuery[Sort] = Sort.NEWEST,
    assignee: Annotated[str | None, QueryParameter(description="me, none or the id of an agent")] = None,
    after: Annotated[str | None, QueryParameter(description="the cursor of the last page", max_length=200)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Response[InboxPage]:
    """A page of the inbox, equally fast however deep."""
    position = reads.position(caller.tenant, "inbox")
    async with reads(caller.tenant, "inbox", at_least=at_least) as db:
        found, following = await inbox_queries.page(
            db,
            caller.tenant,
            status=status,
            assignee=_assignee(assignee, caller),
            is_unassigned=assignee == "none",
            sort=sort,
            after=after,
            limit=limit,
        )
    return page(InboxPage(await wire.rows(keyring, caller.tenant, found), following), position)


@get("/conversations/counts", operation_id="countConversations", opt={"permission": Permission.READ})
async def count_inbox(
    caller: NamedDependency[Caller], reads: NamedDependency[Reads], at_least: NamedDependency[int]
) -> Response[Counts]:
    """How many conversations are open, mine, unassigned and resolved."""
    position = reads.position(caller.tenant, "inbox")
    async with reads(caller.tenant, "inbox", at_least=at_least) as db:
        counts: Any = await inbox_queries.counts(db, caller.tenant, agent=caller.agent)
    return page(counts, position)


class VisitorsConversations(msgspec.Struct, frozen=True):
    """The newest first, a hundred at most."""

    conversations: list[Row]


@get(
    "/visitors/{visitor:uuid}/conversations",
    operation_id="listVisitorsConversations",
    opt={"permission": Permission.READ},
)
async def read_conversations_of(
    visitor: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
) -> Response[VisitorsConversations]:
    """The conversations of one visitor."""
    position = reads.position(caller.tenant, "inbox")
    async with reads(caller.tenant, "inbox", at_least=at_least) as db:
        found = await inbox_queries.rows_of_visitors(db, caller.tenant, [visitor], limit=100)
    return page(VisitorsConversations(await wire.rows(keyring, caller.tenant, found)), position)


def _assignee(text: str | None, caller: Caller) -> UUID | None:
    if text in (None, "none"):
        return None
    if text == "me":
        return caller.agent
    try:
        return UUID(text)
    except ValueError:
        raise Malformed("assignee", "must be me, none or the id of an agent") from None
