"""The audit trail: who did what, when, caused by what. It holds no personal data, so nothing in it is ever erased."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

import domain.accounts.events
import domain.compliance.events
import domain.conversations.events
import domain.visitors.events  # noqa: F401  (all facts there are)
from domain.shared.event import Event
from projections.rows import ActorKind, write
from projections.view import Batch, Database

NAME = "audit"
VERSION = 2
LISTENS = tuple(kind for name, kind in sorted(Event.named.items()) if kind.__module__.startswith("domain."))


class Entry(msgspec.Struct, frozen=True):
    """A row of the table, column by column: one for every fact in the log."""

    tenant_id: UUID
    stream_id: UUID
    stream_kind: str
    version: int
    position: int
    at: datetime
    fact: str
    actor_kind: ActorKind
    actor_id: UUID
    event_id: UUID
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


def fold(batch: Batch, db: Database) -> None:
    """The envelope of every fact."""
    entries = [
        Entry(
            r.tenant, r.stream, r.kind, r.version, r.position, r.at, r.fact.NAME, r.actor.kind.value, r.actor.id,
            r.event_id, r.command, r.correlation, r.causation,
        )
        for r in batch
    ]  # fmt: skip
    write(db, "audit", entries, key=4)


PAGE = 500
COLUMNS = ", ".join(Entry.__struct_fields__)


async def trail(db: Any, tenant: UUID, stream: UUID, kind: str, *, after: int, limit: int) -> list[Entry]:
    """What happened in one stream, from a version on."""
    query = f"""select {COLUMNS} from read.audit
        where tenant_id = $1 and stream_id = $2 and stream_kind = $3 and version > $4 order by version limit $5"""  # noqa: S608
    return [Entry(*row) for row in await db.fetch(query, tenant, stream, kind, after, limit)]


async def whole_trail(
    connect: Callable[[], AbstractAsyncContextManager[Any]], tenant: UUID, stream: UUID, kind: str
) -> AsyncIterator[Entry]:
    """Everything that happened in one stream, page by page, each over a connection of its own: none waits for a slow
    reader."""
    version = 0
    while True:
        async with connect() as db:
            page = await trail(db, tenant, stream, kind, after=version, limit=PAGE)
        if not page:
            return
        for entry in page:
            yield entry
        version = page[-1].version
