"""Who is being forgotten, and how far that is."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.compliance.events import ErasureDecided, ErasureProved, KeysDestroyed
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
        match recorded.fact:
            case ErasureDecided(reason=reason):
                rows[key] = Erasure(*key, reason.value, "decided", recorded.at)
            case KeysDestroyed(keys=keys):
                rows[key] = replace(rows[key], state="shredded", shredded_at=recorded.at, keys=keys)
            case ErasureProved():
                rows[key] = replace(rows[key], state="proved", proved_at=recorded.at)
    write(db, "erasures", list(rows.values()))


async def erasures(db: Any, tenant: UUID, subject: UUID | None = None) -> list[Erasure]:
    """All erasures of an organisation, or one person's, the newest first."""
    query = f"""select {", ".join(Erasure.__struct_fields__)} from read.erasures
        where tenant_id = $1 and ($2::uuid is null or subject = $2) order by decided_at desc, subject limit 500"""  # noqa: S608
    return [Erasure(*row) for row in await db.fetch(query, tenant, subject)]
