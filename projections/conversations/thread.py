"""The thread: everything that happened in a conversation, change by change, and how far each side has read."""

from datetime import datetime
from typing import Any, Literal
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
)
from domain.shared.event import Place, Sealed
from domain.shared.recorded import Recorded
from projections.rows import ActorKind, Key, forgotten_among, load, remember_forgotten, write
from projections.view import Batch, Database

NAME = "thread"
VERSION = 2
LISTENS = (
    ConversationStarted,
    MessageSent,
    NoteLeft,
    MessagesRead,
    ConversationAssigned,
    ConversationPrioritised,
    ConversationResolved,
    ConversationReopened,
    ErasureDecided,
)
Kind = Literal["started", "message", "note", "read", "assigned", "prioritised", "resolved", "reopened"]
Side = Literal["visitor", "agent"]
Priority = Literal["low", "normal", "high", "urgent"]
KINDS: dict[type[Any], Kind] = {
    ConversationStarted: "started",
    MessageSent: "message",
    NoteLeft: "note",
    MessagesRead: "read",
    ConversationAssigned: "assigned",
    ConversationPrioritised: "prioritised",
    ConversationResolved: "resolved",
    ConversationReopened: "reopened",
}


class Change(msgspec.Struct, frozen=True):
    """One thing that happened in a conversation; live streams and pages show the same. ``text`` is still sealed."""

    conversation: UUID
    sequence: int
    kind: Kind
    at: datetime
    actor_kind: ActorKind
    actor: UUID
    id: UUID | None = None
    author_kind: Side | None = None
    author: UUID | None = None
    text: Sealed | None = None
    is_erased: bool = False
    assignee: UUID | None = None
    priority: Priority | None = None
    reader: Side | None = None
    up_to: int | None = None


def change(recorded: Recorded[Any]) -> Change | None:
    """What a fact changes in its thread; None for facts that threads do not show."""
    kind = KINDS.get(type(recorded.fact))
    if kind is None:
        return None
    shown = Change(recorded.stream, recorded.version, kind, recorded.at, recorded.actor.kind.value, recorded.actor.id)
    match recorded.fact:
        case MessageSent(message=id, author=author, text=text):
            return replace(shown, id=id, author_kind=author.kind.value, author=author.id, text=_sealed(text))
        case NoteLeft(message=id, agent=agent, text=text):
            return replace(shown, id=id, author_kind="agent", author=agent, text=_sealed(text))
        case MessagesRead(reader=reader, up_to=up_to):
            return replace(shown, reader=reader.value, up_to=up_to)
        case ConversationAssigned(agent=assignee):
            return replace(shown, assignee=assignee)
        case ConversationPrioritised(priority=priority):
            return replace(shown, priority=priority.value)
        case _:
            return shown


def _sealed(text: Any) -> Sealed | None:
    return text if isinstance(text, Sealed) else None


class Line(msgspec.Struct, frozen=True):
    """A row of the table, column by column."""

    tenant_id: UUID
    conversation_id: UUID
    sequence: int
    kind: Kind
    at: datetime
    event_id: UUID
    actor_kind: ActorKind
    actor_id: UUID
    visitor_id: UUID | None
    message_id: UUID | None
    author_kind: Side | None
    author_id: UUID | None
    text: bytes | None
    is_erased: bool
    assignee_id: UUID | None
    priority: Priority | None


class Receipts(msgspec.Struct, frozen=True):
    tenant_id: UUID
    conversation_id: UUID
    visitor: int = 0
    agent: int = 0


def fold(batch: Batch, db: Database) -> None:
    """New changes are inserted, receipts replaced."""
    forgotten = forgotten_among(db, "thread_forgotten", {(r.tenant, r.fact.visitor) for r in batch if _is_said(r)})
    erasures = [(r.tenant, r.fact.subject) for r in batch if isinstance(r.fact, ErasureDecided)]
    reads = [r for r in batch if isinstance(r.fact, MessagesRead)]
    lines = [_line(r, forgotten) for r in batch if type(r.fact) in KINDS and not isinstance(r.fact, MessagesRead)]
    write(db, "thread", lines, key=3)
    _receive(reads, db)
    if erasures:
        _forget(erasures, db)


def _is_said(recorded: Recorded[Any]) -> bool:
    return isinstance(recorded.fact, MessageSent | NoteLeft)


def _line(recorded: Recorded[Any], forgotten: set[Key]) -> Line:
    shown = change(recorded)
    assert shown is not None
    visitor = recorded.fact.visitor if _is_said(recorded) else None
    is_erased = (recorded.tenant, visitor) in forgotten
    return Line(
        recorded.tenant, recorded.stream, recorded.version, shown.kind, recorded.at, recorded.event_id,
        shown.actor_kind, shown.actor, visitor, shown.id, shown.author_kind, shown.author,
        shown.text.ciphertext if shown.text and not is_erased else None, is_erased, shown.assignee, shown.priority,
    )  # fmt: skip


def _receive(reads: list[Recorded[Any]], db: Database) -> None:
    receipts = load(db, "thread_receipts", Receipts, {(r.tenant, r.stream) for r in reads})
    for recorded in reads:
        key = (recorded.tenant, recorded.stream)
        known = receipts.get(key) or Receipts(*key)
        if recorded.fact.reader is Party.VISITOR:
            receipts[key] = replace(known, visitor=recorded.fact.up_to)
        else:
            receipts[key] = replace(known, agent=recorded.fact.up_to)
    write(db, "thread_receipts", list(receipts.values()))


def _forget(people: list[Key], db: Database) -> None:
    remember_forgotten(db, "thread_forgotten", people)
    db.execute(
        """update thread t set text = null, is_erased = true from unnest(%s::uuid[], %s::uuid[]) w (a, b)
        where t.tenant_id = w.a and t.visitor_id = w.b""",
        ([tenant for tenant, _ in people], [subject for _, subject in people]),
    )


SPOKEN = ("message", "note")
SHOWN = """conversation_id, sequence, kind, at, actor_kind, actor_id, message_id, author_kind, author_id, text,
    is_erased, assignee_id, priority, event_id, tenant_id"""


async def changes(
    db: Any, tenant: UUID, conversation: UUID, *, before: int | None = None, after: int = 0, limit: int
) -> tuple[list[Change], bool]:
    """The last changes before a sequence, or the first after one, ascending; and whether there are more."""
    newest_first = after == 0
    query = f"""select {SHOWN} from read.thread
        where tenant_id = $1 and conversation_id = $2 and sequence > $3 and sequence < $4
        order by sequence {"desc" if newest_first else ""} limit $5"""  # noqa: S608
    found = await db.fetch(query, tenant, conversation, after, 2**31 - 1 if before is None else before, limit + 1)
    shown = [_shown(row) for row in found[:limit]]
    return shown[::-1] if newest_first else shown, len(found) > limit


async def receipts(db: Any, tenant: UUID, conversation: UUID) -> Receipts:
    """How far each side has read; zeros when nobody has."""
    query = "select visitor, agent from read.thread_receipts where tenant_id = $1 and conversation_id = $2"
    row = await db.fetchrow(query, tenant, conversation)
    return Receipts(tenant, conversation, *(row or (0, 0)))


def _shown(row: Any) -> Change:
    conversation, sequence, kind, at, actor_kind, actor, id, author_kind, author, text, is_erased, *rest = row
    assignee, priority, event_id, tenant = rest
    name = MessageSent.NAME if kind == "message" else NoteLeft.NAME
    place = Place(tenant, conversation, sequence, event_id, name, "text")
    # Words that are neither there nor erased were taken away by somebody: nothing opens as nothing.
    is_silent = text is None and (is_erased or kind not in SPOKEN)
    sealed = None if is_silent else Sealed(text or b"", place)
    return Change(
        conversation,
        sequence,
        kind,
        at,
        actor_kind,
        actor,
        id,
        author_kind,
        author,
        sealed,
        is_erased,
        assignee,
        priority,
    )
