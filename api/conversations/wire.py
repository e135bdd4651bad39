"""What goes out of a conversation: rows of the inbox and changes of a thread, opened. Pages and live show the same."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from api.opening import is_damaged, is_erased, opened, shown
from application.ports import Damaged, Keyring
from domain.shared.event import Erased
from projections.conversations import thread
from projections.conversations.inbox_queries import InboxRow, Status
from projections.conversations.thread import Kind, Priority, Side
from projections.rows import ActorKind


class Who(msgspec.Struct, frozen=True):
    """A visitor, an agent or the system."""

    kind: ActorKind
    id: UUID


class Author(msgspec.Struct, frozen=True):
    """Who wrote it."""

    kind: Side
    id: UUID


class Guest(msgspec.Struct, frozen=True):
    """The visitor of a conversation; the name is what they said of themselves. ``damaged``: it cannot be shown, for
    somebody changed what was stored."""

    id: UUID
    name: str | None
    erased: bool
    damaged: bool


class Preview(msgspec.Struct, frozen=True):
    """The last words; text is null once they are erased, and while they are damaged."""

    author: Side
    text: str | None
    erased: bool
    damaged: bool


class Row(msgspec.Struct, frozen=True):
    """A conversation in the inbox. ``sequence`` counts what happened in it; ``waiting_since`` is the time of the first
    words that no agent has answered yet."""

    id: UUID
    visitor: Guest
    status: Status
    priority: Priority
    assignee: UUID | None
    started_at: datetime
    last_at: datetime
    waiting_since: datetime | None
    unread: int
    sequence: int
    preview: Preview | None


class Change(msgspec.Struct, frozen=True):
    """One thing that happened in a conversation. Words that are ``damaged`` are not shown: somebody changed them."""

    sequence: int
    at: datetime
    kind: Kind
    actor: Who
    id: UUID | None
    author: Author | None
    text: str | None
    erased: bool
    damaged: bool
    assignee: UUID | None
    priority: Priority | None
    reader: Side | None
    up_to: int | None


class Receipts(msgspec.Struct, frozen=True):
    """The sequence up to which each side has seen the conversation."""

    visitor: int
    agent: int


async def rows(keyring: Keyring, tenant: UUID, found: Sequence[InboxRow]) -> list[Row]:
    """Rows of the inbox with names and previews opened."""
    words = await opened(keyring, tenant, [field for row in found for field in (row.name, row.preview)])
    return [_row(row, words[2 * n], words[2 * n + 1]) for n, row in enumerate(found)]


async def changes(keyring: Keyring, tenant: UUID, found: Sequence[thread.Change]) -> list[Change]:
    """Changes of threads with their texts opened."""
    texts = await opened(keyring, tenant, [change.text for change in found])
    return [_change(change, text) for change, text in zip(found, texts, strict=True)]


def _row(row: InboxRow, name: str | Erased | Damaged | None, text: str | Erased | Damaged | None) -> Row:
    is_gone = row.is_erased or is_erased(text)
    preview = Preview(row.preview_author, shown(text), is_gone, is_damaged(text)) if row.preview_author else None
    return Row(
        id=row.conversation,
        visitor=Guest(row.visitor, shown(name), is_gone or is_erased(name), is_damaged(name)),
        status=row.status,
        priority=row.priority,
        assignee=row.assignee,
        started_at=row.started_at,
        last_at=row.last_at,
        waiting_since=row.waiting_since,
        unread=row.unread,
        sequence=row.sequence,
        preview=preview,
    )


def _change(change: thread.Change, text: str | Erased | Damaged | None) -> Change:
    return Change(
        sequence=change.sequence,
        at=change.at,
        kind=change.kind,
        actor=Who(change.actor_kind, change.actor),
        id=change.id,
        author=Author(change.author_kind, change.author) if change.author_kind and change.author else None,
        text=shown(text),
        erased=change.is_erased or is_erased(text),
        damaged=is_damaged(text),
        assignee=change.assignee,
        priority=change.priority,
        reader=change.reader,
        up_to=change.up_to,
    )
