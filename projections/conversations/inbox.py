"""The inbox: one row for each conversation, as agents see it in their list."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.compliance.events import ErasureDecided
from domain.conversations.events import (
    ConversationAssigned,
    ConversationPrioritised,
    ConversationReopened,
    ConversationResolved,
    ConversationStarted,
    MessageSent,
    MessagesRead,
    NoteLeft,
    Party,
    Priority,
)
from domain.shared.event import Sealed
from domain.shared.recorded import Recorded
from domain.visitors.events import VisitorIdentified
from projections.conversations import thread
from projections.rows import Key, forgotten_among, load, remember_forgotten, write
from projections.view import Batch, Database

NAME = "inbox"
VERSION = 2
CONVERSATION = (
    ConversationStarted,
    MessageSent,
    NoteLeft,
    MessagesRead,
    ConversationAssigned,
    ConversationPrioritised,
    ConversationResolved,
    ConversationReopened,
)
LISTENS = (*CONVERSATION, VisitorIdentified, ErasureDecided)

PRIORITIES: tuple[thread.Priority, ...] = ("low", "normal", "high", "urgent")
"""By their rank, which is what the table keeps: so the most urgent are found in order."""
MOST_UNREAD = 100
"""More unread messages than these are not told apart."""


class Line(msgspec.Struct, frozen=True):
    """A row of the table, column by column."""

    tenant_id: UUID
    conversation_id: UUID
    visitor_id: UUID
    status: str
    priority: int
    assignee_id: UUID | None
    started_at: datetime
    last_at: datetime
    waiting_since: datetime | None
    unread: list[int]
    sequence: int
    preview_author: str | None = None
    preview: bytes | None = None
    preview_event: UUID | None = None
    preview_version: int | None = None
    is_erased: bool = False


class Person(msgspec.Struct, frozen=True):
    tenant_id: UUID
    visitor_id: UUID
    name: bytes | None
    name_event: UUID | None
    name_version: int | None


def after(line: Line, recorded: Recorded[Any]) -> Line:
    """The row once this fact, too, has happened."""
    line = replace(line, sequence=recorded.version)
    match recorded.fact:
        case MessageSent() as sent:
            return _with_message(line, recorded, sent)
        case MessagesRead(reader=Party.AGENT, up_to=up_to):
            return replace(line, unread=[version for version in line.unread if version > up_to])
        case ConversationAssigned(agent=agent):
            return replace(line, assignee_id=agent)
        case ConversationPrioritised(priority=priority):
            return replace(line, priority=_rank(priority))
        case ConversationResolved():
            return replace(line, status="resolved", waiting_since=None)
        case ConversationReopened():
            return replace(line, status="open")
        case _:
            return line


def _rank(priority: Priority) -> int:
    return PRIORITIES.index(priority.value)


def _with_message(line: Line, recorded: Recorded[Any], sent: MessageSent) -> Line:
    line = replace(line, last_at=recorded.at, preview_author=sent.author.kind.value)
    if isinstance(sent.text, Sealed) and not line.is_erased:
        line = replace(
            line, preview=sent.text.ciphertext, preview_event=recorded.event_id, preview_version=recorded.version
        )
    if sent.author.kind is Party.AGENT:
        return replace(line, waiting_since=None)
    unread = [*line.unread, recorded.version][-MOST_UNREAD:]
    return replace(line, waiting_since=line.waiting_since or recorded.at, unread=unread)


def fold(batch: Batch, db: Database) -> None:
    """Loads the rows that the batch touches, folds, writes them back. Who is forgotten in the batch is forgotten at its
    end, with all that it said of them."""
    lines = load(db, "inbox", Line, {(r.tenant, r.stream) for r in batch if isinstance(r.fact, CONVERSATION)})
    people: dict[Key, Person] = {}
    about = {(r.tenant, r.fact.visitor) for r in batch if isinstance(r.fact, ConversationStarted | VisitorIdentified)}
    forgotten = forgotten_among(db, "inbox_forgotten", about)
    for recorded in batch:
        key = (recorded.tenant, recorded.stream)
        match recorded.fact:
            case ErasureDecided():
                pass
            case VisitorIdentified(visitor=visitor, name=name):
                if isinstance(name, Sealed) and (recorded.tenant, visitor) not in forgotten:
                    place = (recorded.event_id, recorded.version)
                    people[recorded.tenant, visitor] = Person(recorded.tenant, visitor, name.ciphertext, *place)
            case ConversationStarted(visitor=visitor):
                is_erased = (recorded.tenant, visitor) in forgotten
                lines[key] = Line(
                    *key, visitor, "open", _rank(Priority.NORMAL), None, recorded.at, recorded.at, None, [],
                    recorded.version, is_erased=is_erased,
                )  # fmt: skip
            case _:
                lines[key] = after(lines[key], recorded)
    write(db, "inbox", list(lines.values()))
    write(db, "inbox_people", list(people.values()))
    _forget(db, [(r.tenant, r.fact.subject) for r in batch if isinstance(r.fact, ErasureDecided)])


def _forget(db: Database, people: list[Key]) -> None:
    if not people:
        return
    remember_forgotten(db, "inbox_forgotten", people)
    whom = ([tenant for tenant, _ in people], [subject for _, subject in people])
    db.execute(
        """update inbox i set preview = null, preview_event = null, preview_version = null, is_erased = true
        from unnest(%s::uuid[], %s::uuid[]) w (a, b) where i.tenant_id = w.a and i.visitor_id = w.b""",
        whom,
    )
    db.execute(
        """delete from inbox_people p using unnest(%s::uuid[], %s::uuid[]) w (a, b)
        where p.tenant_id = w.a and p.visitor_id = w.b""",
        whom,
    )
