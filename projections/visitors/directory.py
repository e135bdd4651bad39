"""The directory of visitors: who they are, as far as they said, what they came with, when they were here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.compliance.events import ErasureDecided
from domain.conversations.events import ConversationStarted
from domain.shared.event import Place, Sealed
from domain.shared.recorded import Recorded
from domain.visitors.events import VisitorArrived, VisitorIdentified, VisitorReturned
from projections.cursor import LastShown, from_text, to_text
from projections.rows import Key, forgotten_among, load, remember_forgotten, write
from projections.view import Batch, Database

NAME = "directory"
VERSION = 2
LISTENS = (VisitorArrived, VisitorReturned, VisitorIdentified, ConversationStarted, ErasureDecided)
SEEN = ("device", "place", "page")


class Entry(msgspec.Struct, frozen=True):
    """A row of the table, column by column. ``seen`` holds device, place and page of the last visit."""

    tenant_id: UUID
    visitor_id: UUID
    first_seen: datetime
    last_seen: datetime
    conversations: int = 0
    seen: list[bytes | None] | None = None
    seen_name: str | None = None
    seen_event: UUID | None = None
    seen_version: int | None = None
    name: bytes | None = None
    name_event: UUID | None = None
    name_version: int | None = None
    email: bytes | None = None
    email_event: UUID | None = None
    email_version: int | None = None
    phone: bytes | None = None
    phone_event: UUID | None = None
    phone_version: int | None = None
    is_erased: bool = False


def _subject(recorded: Recorded[Any]) -> Key:
    about = recorded.fact.subject if isinstance(recorded.fact, ErasureDecided) else recorded.fact.visitor
    return recorded.tenant, about


def fold(batch: Batch, db: Database) -> None:
    """Loads the visitors that the batch is about, folds, writes them back. A conversation may be folded before its
    visitor's arrival, when that stream was parked meanwhile."""
    keys = {_subject(recorded) for recorded in batch}
    entries = load(db, "directory", Entry, keys)
    forgotten = forgotten_among(db, "directory_forgotten", keys)
    for recorded in batch:
        key = _subject(recorded)
        known = entries.get(key)
        if isinstance(recorded.fact, ErasureDecided):
            forgotten.add(key)
        elif known is None:
            known = Entry(*key, recorded.at, recorded.at, is_erased=key in forgotten)
        if known is not None:
            entries[key] = after(known, recorded)
    write(db, "directory", list(entries.values()))
    remember_forgotten(db, "directory_forgotten", [_subject(r) for r in batch if isinstance(r.fact, ErasureDecided)])


def after(entry: Entry, recorded: Recorded[Any]) -> Entry:
    """The visitor once this fact, too, has happened."""
    match recorded.fact:
        case ErasureDecided():
            times = (entry.first_seen, entry.last_seen, entry.conversations)
            return Entry(entry.tenant_id, entry.visitor_id, *times, is_erased=True)
        case ConversationStarted():
            return _was_here(replace(entry, conversations=entry.conversations + 1), recorded)
        case _ if entry.is_erased:
            return entry
        case VisitorIdentified() as said:
            return _identified(entry, recorded, said)
        case VisitorArrived() | VisitorReturned() as visit:
            return replace(
                _was_here(entry, recorded),
                seen=[part.ciphertext if isinstance(part := getattr(visit, name), Sealed) else None for name in SEEN],
                seen_name=visit.NAME,
                seen_event=recorded.event_id,
                seen_version=recorded.version,
            )
        case _:
            return entry


def _was_here(entry: Entry, recorded: Recorded[Any]) -> Entry:
    first, last = min(entry.first_seen, recorded.at), max(entry.last_seen, recorded.at)
    return replace(entry, first_seen=first, last_seen=last)


def _identified(entry: Entry, recorded: Recorded[Any], said: VisitorIdentified) -> Entry:
    for field in ("name", "email", "phone"):
        value = getattr(said, field)
        if isinstance(value, Sealed):
            columns = {
                field: value.ciphertext,
                f"{field}_event": recorded.event_id,
                f"{field}_version": recorded.version,
            }
            entry = replace(entry, **columns)
    return entry


class Visitor(msgspec.Struct, frozen=True):
    """A visitor as they are shown; everything personal is still sealed."""

    id: UUID
    first_seen: datetime
    last_seen: datetime
    conversations: int
    is_erased: bool
    device: Sealed | None
    place: Sealed | None
    page: Sealed | None
    name: Sealed | None
    email: Sealed | None
    phone: Sealed | None


COLUMNS = ", ".join(Entry.__struct_fields__)


async def page(db: Any, tenant: UUID, *, after: str | None, limit: int) -> tuple[list[Visitor], str | None]:
    """A page of visitors, the last seen first, and the cursor of the next; None at the end. Malformed for a foreign
    cursor."""
    last = from_text(after, LastShown) if after is not None else None
    query = f"""select {COLUMNS} from read.directory
        where tenant_id = $1 and ($2::timestamptz is null or (last_seen, visitor_id) < ($2, $3))
        order by last_seen desc, visitor_id desc limit $4"""  # noqa: S608
    place = (last.moment, last.id) if last else (None, None)
    found = [_visitor(Entry(*row)) for row in await db.fetch(query, tenant, *place, limit + 1)]
    shown = found[:limit]
    return shown, to_text(LastShown(shown[-1].last_seen, shown[-1].id)) if len(found) > limit else None


async def visitors(db: Any, tenant: UUID, ids: list[UUID]) -> list[Visitor]:
    """These visitors, as far as there are any."""
    query = f"select {COLUMNS} from read.directory where tenant_id = $1 and visitor_id = any($2)"  # noqa: S608
    return [_visitor(Entry(*row)) for row in await db.fetch(query, tenant, ids)]


def _visitor(entry: Entry) -> Visitor:
    seen = dict.fromkeys(SEEN) | {
        field: Sealed(ciphertext, _place(entry, entry.seen_version, entry.seen_event, entry.seen_name or "", field))
        for field, ciphertext in zip(SEEN, entry.seen or (), strict=False)
        if ciphertext is not None
    }
    said = {
        field: Sealed(
            ciphertext,
            _place(
                entry,
                getattr(entry, f"{field}_version"),
                getattr(entry, f"{field}_event"),
                VisitorIdentified.NAME,
                field,
            ),
        )
        if (ciphertext := getattr(entry, field)) is not None
        else None
        for field in ("name", "email", "phone")
    }
    return Visitor(
        entry.visitor_id, entry.first_seen, entry.last_seen, entry.conversations, entry.is_erased, **seen, **said
    )  # fmt: skip


def _place(entry: Entry, version: int | None, event: UUID | None, name: str, field: str) -> Place:
    assert version is not None
    assert event is not None
    return Place(entry.tenant_id, entry.visitor_id, version, event, name, field)
