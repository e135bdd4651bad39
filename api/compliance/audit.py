"""The audit trail, over HTTP: who did what, when, caused by what."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from api.asking import page
from api.caller import Caller
from domain.shared.permission import Permission
from domain.shared.refusal import Absent
from projections.compliance import audit
from projections.rows import ActorKind
from projections.view import Reads

KIND = "conversation"


class TrailIsUnknown(Absent):
    """There is no such conversation."""


class TrailActor(msgspec.Struct, frozen=True):
    """An agent, a visitor or the system."""

    kind: ActorKind
    id: UUID


class Entry(msgspec.Struct, frozen=True):
    """One fact: its name, its place, who did it, under which command, caused by which other fact."""

    sequence: int
    position: int
    at: datetime
    fact: str
    actor: TrailActor
    event: UUID
    command: UUID
    correlation: UUID
    causation: UUID | None


class Trail(msgspec.Struct, frozen=True):
    """``next`` is what to pass as ``after`` for the next page; null at the end."""

    entries: list[Entry]
    next: int | None


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


@get("/conversations/{conversation:uuid}/trail", operation_id="readTrail", opt={"permission": Permission.AUDIT})
async def read_trail(
    conversation: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    at_least: NamedDependency[int],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 200,
) -> Response[Trail]:
    """What happened in a conversation, in order. It holds no personal data and outlives every erasure."""
    position = reads.position(caller.tenant, audit.NAME)
    async with reads(caller.tenant, audit.NAME, at_least=at_least) as db:
        found = await audit.trail(db, caller.tenant, conversation, KIND, after=after, limit=limit + 1)
    if not found and not after:
        raise TrailIsUnknown
    entries = [_entry(entry) for entry in found[:limit]]
    return page(Trail(entries, entries[-1].sequence if len(found) > limit else None), position)


@get(
    "/conversations/{conversation:uuid}/trail/export", operation_id="exportTrail", opt={"permission": Permission.AUDIT}
)
async def export_trail(
    conversation: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    at_least: NamedDependency[int],
    format: FromQuery[Format] = Format.JSONL,
) -> Stream:
    """The whole trail as a file: a JSON object or a CSV line for each fact."""
    async with reads(caller.tenant, audit.NAME, at_least=at_least) as db:
        if not await audit.trail(db, caller.tenant, conversation, KIND, after=0, limit=1):
            raise TrailIsUnknown
    lines = _as_csv if format is Format.CSV else _as_json
    media_type = "text/csv; charset=utf-8" if format is Format.CSV else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="trail-{conversation}.{format.value}"'}
    whole = audit.whole_trail(partial(reads, caller.tenant, audit.NAME), caller.tenant, conversation, KIND)
    return Stream(lines(_entry(entry) async for entry in whole), media_type=media_type, headers=headers)


async def _as_json(entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    async for entry in entries:
        yield msgspec.json.encode(entry) + b"\n"


async def _as_csv(entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    """Every cell is an id, a number, a time or a stored name, so no spreadsheet takes one for a formula."""
    header = (
        "sequence",
        "position",
        "at",
        "fact",
        "actor_kind",
        "actor",
        "event",
        "command",
        "correlation",
        "causation",
    )
    yield _line(header)
    async for e in entries:
        cells = (
            e.sequence, e.position, e.at.isoformat(), e.fact, e.actor.kind, e.actor.id, e.event, e.command,
            e.correlation, e.causation or "",
        )  # fmt: skip
        yield _line(cells)


def _line(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _entry(entry: audit.Entry) -> Entry:
    return Entry(
        sequence=entry.version,
        position=entry.position,
        at=entry.at,
        fact=entry.fact,
        actor=TrailActor(entry.actor_kind, entry.actor_id),
        event=entry.event_id,
        command=entry.command_id,
        correlation=entry.correlation_id,
        causation=entry.causation_id,
    )
