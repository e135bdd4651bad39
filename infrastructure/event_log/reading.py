"""Reading the log, from a position or along one stream."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.shared.event import Event
from domain.shared.recorded import Actor, ActorKind, Recorded
from infrastructure.event_log.appending import Outcome
from infrastructure.keys.facts import unfold

COLUMNS = """position, tenant_id, stream_kind, stream_id, version, event_id, name, recorded_at,
    actor_kind, actor_id, correlation_id, causation_id, command_id, data"""


class Fetches(Protocol):
    """An asyncpg pool or connection."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    async def fetchrow(self, query: str, *args: Any) -> Any: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...


class Unreadable(msgspec.Struct, frozen=True):
    """A fact that this version of the product cannot read: where it stands, and what is wrong with it."""

    position: int
    tenant: UUID
    kind: str
    stream: UUID
    name: str
    error: Exception


Page = Sequence[Recorded[Event] | Unreadable]


def recorded(row: Sequence[Any]) -> Recorded[Event]:
    """A row of COLUMNS as a fact in its envelope, personal fields still sealed."""
    position, tenant, kind, stream, version, event_id, name, at, actor_kind, actor_id, *asked, data = row
    fact = unfold(name, data, tenant=tenant, stream=stream, version=version, event_id=event_id)
    return Recorded(
        position=position,
        tenant=tenant,
        kind=kind,
        stream=stream,
        version=version,
        event_id=event_id,
        at=at,
        actor=Actor(ActorKind(actor_kind), actor_id),
        correlation=asked[0],
        causation=asked[1],
        command=asked[2],
        fact=fact,
    )


def readable(row: Sequence[Any]) -> Recorded[Event] | Unreadable:
    """One fact that nobody can read must not keep the facts around it from those who could."""
    try:
        return recorded(row)
    except Exception as error:
        position, tenant, kind, stream, _, _, name, *_ = row
        return Unreadable(position, tenant, kind, stream, name, error)


class LogReader:
    """Questions to the log. ``database`` is an asyncpg pool whose role may read log.events."""

    def __init__(self, database: Fetches) -> None:
        self._database = database

    async def head(self) -> int:
        """The last position; 0 when nothing has happened yet."""
        query = "select position from log.events order by position desc limit 1"
        return await self._database.fetchval(query) or 0

    async def after(
        self, position: int, *, most: int = 500, names: Sequence[str] | None = None
    ) -> list[Recorded[Event]]:
        """The facts that follow a position, at most so many, oldest first; only those of certain names if any are
        given."""
        query = f"""select {COLUMNS} from log.events
            where position > $1 and (name = any($3) or $3 is null) order by position limit $2"""  # noqa: S608
        return [recorded(row) for row in await self._database.fetch(query, position, most, names)]

    async def page(
        self, position: int, *, most: int = 500, until: int | None = None, names: Sequence[str] | None = None
    ) -> Page:
        """The same, up to another position if there is one, with Unreadable in the place of what this version cannot
        read."""
        query = f"""select {COLUMNS} from log.events
            where position > $1 and position <= coalesce($3, position) and (name = any($4) or $4 is null)
            order by position limit $2"""  # noqa: S608
        return [readable(row) for row in await self._database.fetch(query, position, most, until, names)]

    async def event_at(self, position: int) -> UUID | None:
        """The id of the fact at a position; None when there is none."""
        found: UUID | None = await self._database.fetchval(
            "select event_id from log.events where position = $1", position
        )
        return found

    async def streams_with(self, name: str, *, after: int, until: int) -> list[tuple[UUID, UUID]]:
        """Tenant and stream of every fact of a name behind a position and up to another. Each fact between them is
        looked at: ask for a stretch at a time. Nothing is decoded, so that no damage keeps anybody from it."""
        query = """select tenant_id, stream_id from log.events
            where position > $1 and position <= $2 and name = $3"""
        return [(row[0], row[1]) for row in await self._database.fetch(query, after, until, name)]

    async def stream(
        self, tenant: UUID, kind: str, stream: UUID, *, after: int = 0, most: int = 1000
    ) -> list[Recorded[Event]]:
        """The facts of one stream that follow a version, at most so many, oldest first."""
        query = f"""select {COLUMNS} from log.events
            where tenant_id = $1 and stream_id = $2 and stream_kind = $3 and version > $4
            order by version limit $5"""  # noqa: S608
        return [recorded(row) for row in await self._database.fetch(query, tenant, stream, kind, after, most)]

    async def command(self, tenant: UUID, command: UUID, fingerprint: bytes) -> Outcome | None:
        """What a command gave when it was done, or None if it never was."""
        query = "select made, position, version, fingerprint from log.commands where tenant_id = $1 and command_id = $2"
        row = await self._database.fetchrow(query, tenant, command)
        if row is None:
            return None
        return Outcome("repeated" if row[3] == fingerprint else "reused", row[0], row[1], row[2])
