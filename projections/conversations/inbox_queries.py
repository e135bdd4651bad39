"""Questions to the inbox: pages that are as fast deep down as at the top, one row, counts."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from domain.conversations.events import MessageSent
from domain.shared.event import Place, Sealed
from domain.shared.refusal import Malformed
from domain.visitors.events import VisitorIdentified
from projections.conversations.inbox import PRIORITIES
from projections.conversations.thread import Priority, Side
from projections.cursor import Moment, from_text, to_text

Status = Literal["open", "resolved"]
COLUMNS = """i.conversation_id, i.visitor_id, i.status, i.priority, i.assignee_id, i.started_at, i.last_at,
    i.waiting_since, cardinality(i.unread), i.sequence, i.preview_author, i.preview, i.preview_event,
    i.preview_version, i.is_erased, p.name, p.name_event, p.name_version, i.tenant_id"""
FROM = """from read.inbox i
    left join read.inbox_people p on p.tenant_id = i.tenant_id and p.visitor_id = i.visitor_id"""


class StatusFilter(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    PRIORITY = "priority"


ORDERS = {
    Sort.NEWEST: ("(i.last_at, i.conversation_id) < ({}, {})", "i.last_at desc, i.conversation_id desc"),
    Sort.OLDEST: ("(i.last_at, i.conversation_id) > ({}, {})", "i.last_at, i.conversation_id"),
    Sort.PRIORITY: (
        "(i.priority, i.last_at, i.conversation_id) < ({}, {}, {})",
        "i.priority desc, i.last_at desc, i.conversation_id desc",
    ),
}


class InboxRow(msgspec.Struct, frozen=True):
    """A conversation in the list; name and preview are still sealed."""

    conversation: UUID
    visitor: UUID
    status: Status
    priority: Priority
    assignee: UUID | None
    started_at: datetime
    last_at: datetime
    waiting_since: datetime | None
    unread: int
    sequence: int
    preview_author: Side | None
    preview: Sealed | None
    name: Sealed | None
    is_erased: bool


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort
    priority: Annotated[int, msgspec.Meta(ge=0, lt=len(PRIORITIES))]
    last_at: Moment
    conversation: UUID


async def page(
    db: Any,
    tenant: UUID,
    *,
    status: StatusFilter,
    assignee: UUID | None,
    is_unassigned: bool,
    sort: Sort,
    after: str | None,
    limit: int,
) -> tuple[list[InboxRow], str | None]:
    """A page of the inbox and the cursor of the next; None at the end. Malformed for a foreign cursor or one of another
    order."""
    conditions, values = ["i.tenant_id = $1"], [tenant]
    if status is not StatusFilter.ALL:
        conditions.append(f"i.status = ${_add(values, status.value)}")
    if is_unassigned:
        conditions.append("i.assignee_id is null")
    elif assignee is not None:
        conditions.append(f"i.assignee_id = ${_add(values, assignee)}")
    behind, order = ORDERS[sort]
    if after is not None:
        cursor = from_text(after, Cursor)
        if cursor.sort is not sort:
            raise Malformed("after", "is a cursor of another order")
        keys: list[Any] = [cursor.last_at, cursor.conversation]
        keys = [cursor.priority, *keys] if sort is Sort.PRIORITY else keys
        conditions.append(behind.format(*(f"${_add(values, key)}" for key in keys)))
    query = f"select {COLUMNS} {FROM} where {' and '.join(conditions)} order by {order} limit {limit + 1}"
    found = await db.fetch(query, *values)
    rows = [_row(row) for row in found[:limit]]
    if len(found) <= limit:
        return rows, None
    last = found[limit - 1]
    return rows, to_text(Cursor(sort, last[3], last[6], last[0]))


async def rows(db: Any, tenant: UUID, conversations: Iterable[UUID]) -> list[InboxRow]:
    """The rows of these conversations, as far as there are any."""
    query = f"select {COLUMNS} {FROM} where i.tenant_id = $1 and i.conversation_id = any($2)"
    return [_row(row) for row in await db.fetch(query, tenant, list(conversations))]


async def rows_of_visitors(db: Any, tenant: UUID, visitors: Iterable[UUID], *, limit: int) -> list[InboxRow]:
    """The rows of these visitors' conversations, the newest first, at most so many."""
    query = f"""select {COLUMNS} {FROM} where i.tenant_id = $1 and i.visitor_id = any($2)
        order by i.last_at desc, i.conversation_id desc limit $3"""
    return [_row(row) for row in await db.fetch(query, tenant, list(visitors), limit)]


class Counts(msgspec.Struct, frozen=True):
    open: int
    mine: int
    unassigned: int
    resolved: int


async def counts(db: Any, tenant: UUID, *, agent: UUID) -> Counts:
    """How many conversations each folder of the inbox holds."""
    row = await db.fetchrow(
        """select count(*) filter (where status = 'open'),
            count(*) filter (where status = 'open' and assignee_id = $2),
            count(*) filter (where status = 'open' and assignee_id is null),
            count(*) filter (where status = 'resolved')
        from read.inbox where tenant_id = $1""",
        tenant,
        agent,
    )
    return Counts(*row)


def _add(values: list[Any], value: Any) -> int:
    values.append(value)
    return len(values)


def _row(row: Any) -> InboxRow:
    (
        conversation, visitor, status, priority, assignee, started, last, waiting, unread, sequence,
        author, preview, preview_event, preview_version, is_erased, name, name_event, name_version, tenant,
    ) = row  # fmt: skip
    said_at = Place(tenant, conversation, preview_version, preview_event, MessageSent.NAME, "text")
    # Words that are neither there nor erased were taken away by somebody: nothing opens as nothing.
    is_silent = preview is None and (author is None or is_erased)
    named_at = Place(tenant, visitor, name_version, name_event, VisitorIdentified.NAME, "name")
    return InboxRow(
        conversation=conversation,
        visitor=visitor,
        status=status,
        priority=PRIORITIES[priority],
        assignee=assignee,
        started_at=started,
        last_at=last,
        waiting_since=waiting,
        unread=unread,
        sequence=sequence,
        preview_author=author,
        preview=None if is_silent else Sealed(preview or b"", said_at),
        name=None if name is None else Sealed(name, named_at),
        is_erased=is_erased,
    )
