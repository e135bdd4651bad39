"""Who is being forgotten, and how far that is."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.compliance.events import ErasureDecided, ErasureProved, KeysDestroyed
from domain.shared.recorded import Recorded
from projections.rows import load, write
from projections.view import Batch, Database

NAME = "erasures"
VERSION = 1
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


async def erasures(db: Any, tenant: UUID, subject: UUID | None = None) -> list[Erasure]:
    """All erasures of an organisation, or one person's, the newest first."""
    query = f"""select {", ".join(Erasure.__struct_fields__)} from read.erasures
        where tenant_id = $1 and ($2::uuid is null or subject = $2) order by decided_at desc, subject limit 500"""  # noqa: S608
    return [Erasure(*row) for row in await db.fetch(query, tenant, subject)]
