"""Looking at the log as operators do: its end, one stream, whose facts there are. Needs no key, and opens nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from domain.shared.event import Event, Sealed
from infrastructure.event_log.reading import COLUMNS, recorded
from infrastructure.keys.facts import UnknownFact
from infrastructure.keys.record import Tampered, scopes_of

Db = Connection[tuple[Any, ...]]
TENANTS = """with recursive found (tenant) as (
    (select tenant_id from log.events order by tenant_id limit 1)
    union all
    select (select tenant_id from log.events where tenant_id > tenant order by tenant_id limit 1)
    from found where tenant is not null)"""
"""All tenants of a log of any length, by one look at the index for each."""


class Envelope(msgspec.Struct, frozen=True):
    """What the log knows of a fact besides the fact itself. ``fields`` are its own, the personal ones as the scopes
    they are sealed under; None when nobody asked for them or this version cannot read the fact."""

    position: int
    at: datetime
    tenant: UUID
    kind: str
    stream: UUID
    version: int
    name: str
    event: UUID
    actor: str
    command: UUID
    correlation: UUID
    causation: UUID | None
    fields: dict[str, Any] | None = None


def end(db: Db, most: int) -> list[Envelope]:
    """The last facts, oldest first."""
    query = f"select {COLUMNS} from log.events order by position desc limit %s"  # noqa: S608
    return [_envelope(row) for row in reversed(db.execute(query, (most,)).fetchall())]


def after(db: Db, position: int, *, most: int = 500) -> list[Envelope]:
    """The facts that follow a position, oldest first, at most so many."""
    query = f"select {COLUMNS} from log.events where position > %s order by position limit %s"  # noqa: S608
    return [_envelope(row) for row in db.execute(query, (position, most))]


def stream(db: Db, kind: str, id: UUID) -> list[Envelope]:
    """All facts of one stream with their fields, whichever organisation it belongs to."""
    query = f"""{TENANTS} select e.* from found cross join lateral (select {COLUMNS} from log.events
        where tenant_id = tenant and stream_id = %s and stream_kind = %s) e order by tenant_id, version"""  # noqa: S608
    rows = db.execute(query, (id, kind)).fetchall()
    return [msgspec.structs.replace(_envelope(row), fields=_fields(row)) for row in rows]


def tenants(db: Db) -> list[UUID]:
    """Whose facts there are."""
    query = f"{TENANTS} select tenant from found where tenant is not null"  # noqa: S608
    return [tenant for (tenant,) in db.execute(query)]


def fact(row: Sequence[Any]) -> Event | None:
    """The fact in a row of COLUMNS, still sealed; None when this version cannot read it."""
    try:
        return recorded(row).fact
    except (UnknownFact, msgspec.MsgspecError, ValueError, TypeError):
        return None


def _envelope(row: Sequence[Any]) -> Envelope:
    position, tenant, kind, stream, version, event, name, at, actor_kind, actor, *asked, _ = row
    who, (correlation, causation, command) = f"{actor_kind}:{actor}", asked
    return Envelope(position, at, tenant, kind, stream, version, name, event, who, command, correlation, causation)


def _fields(row: Sequence[Any]) -> dict[str, Any] | None:
    found = fact(row)
    return None if found is None else {name: _shown(getattr(found, name)) for name in found.__struct_fields__}


def _shown(value: Any) -> Any:
    """A clear field as it is; of a sealed one the scopes whose keys would open it."""
    if not isinstance(value, Sealed):
        return msgspec.to_builtins(value)
    try:
        return {"sealed": [ref.scope for ref in scopes_of(value.ciphertext)]}
    except Tampered:
        return {"sealed": ["damaged"]}
