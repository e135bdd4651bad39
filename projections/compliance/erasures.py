"""Who is being forgotten, and how far that is."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.compliance.events import ErasureDecided, ErasureProved, KeysDestroyed
from domain.shared.recorded import Recorded
from projections.cursor import LastShown, from_text, to_text
from projections.rows import load, write
from projections.view import Batch, Database

NAME = "erasures"
VERSION = 2
LISTENS = (ErasureDecided, KeysDestroyed, ErasureProved)
Reason = Literal["requested", "child", "inactive", "unlawful"]
State = Literal["decided", "shredded", "proved"]


class Erasure(msgspec.Struct, frozen=True):
    """A row of the table, column by column."""

    tenant_id: UUID
    subject: UUID
    reason: Reason
    state: State
    decided_at: datetime
    shredded_at: datetime | None = None
    proved_at: datetime | None = None
    keys: int = 0


def fold(batch: Batch, db: Database) -> None:
    """Decided, then shredded, then proved."""
    rows = load(db, "erasures", Erasure, {(r.tenant, r.fact.subject) for r in batch})
    for recorded in batch:
        key = (recorded.tenant, recorded.fact.subject)
        rows[key] = after(rows.get(key), recorded)
    write(db, "erasures", list(rows.values()))


def after(row: Erasure | None, recorded: Recorded[Any]) -> Erasure:
    """How far an erasure is once this, too, has happened."""
    match recorded.fact:
        case ErasureDecided(subject=subject, reason=reason):
            return Erasure(recorded.tenant, subject, reason.value, "decided", recorded.at)
        case KeysDestroyed(keys=keys) if row:
            return replace(row, state="shredded", shredded_at=recorded.at, keys=keys)
        case ErasureProved() if row:
            return replace(row, state="proved", proved_at=recorded.at)
    raise KeyError(recorded.fact.NAME)


COLUMNS = ", ".join(Erasure.__struct_fields__)


async def page(db: Any, tenant: UUID, *, after: str | None, limit: int) -> tuple[list[Erasure], str | None]:
    """A page of an organisation's erasures, the newest first, and the cursor of the next; None at the end. Malformed
    for a foreign cursor."""
    last = from_text(after, LastShown) if after is not None else None
    query = f"""select {COLUMNS} from read.erasures
        where tenant_id = $1 and ($2::timestamptz is null or (decided_at, subject) < ($2, $3))
        order by decided_at desc, subject desc limit $4"""  # noqa: S608
    place = (last.moment, last.id) if last else (None, None)
    found = [Erasure(*row) for row in await db.fetch(query, tenant, *place, limit + 1)]
    shown = found[:limit]
    return shown, to_text(LastShown(shown[-1].decided_at, shown[-1].subject)) if len(found) > limit else None


async def erasure(db: Any, tenant: UUID, subject: UUID) -> Erasure | None:
    """One person's; None while nobody has decided it."""
    query = f"select {COLUMNS} from read.erasures where tenant_id = $1 and subject = $2"  # noqa: S608
    row = await db.fetchrow(query, tenant, subject)
    return Erasure(*row) if row else None
