"""What goes into log.append and what comes back, the same for every driver."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from application.ports import Unavailable
from domain.shared.event import Event
from domain.shared.recorded import Actor
from infrastructure.keys.digests import leaf

PLACEHOLDERS = 17
"""How many arrays log.append takes."""

Claim = tuple[int, str, int]
"""Ids as numbers: a UUID is hashed in Python, a number is not."""


class LogUnavailable(Unavailable):
    """The log cannot be written or read just now. Nothing was acknowledged; trying again is safe."""


class FactRow(msgspec.Struct, frozen=True):
    """One fact, sealed and ready to be stored. ``fact`` is what the log will give for it, where somebody in this
    process may want to know at once."""

    kind: str
    stream: UUID
    version: int
    event_id: UUID
    name: str
    data: bytes
    fact: Event | None = None


class AppendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One command's facts; all of them are stored, or none."""

    tenant: UUID
    command: UUID
    fingerprint: bytes
    made: UUID | None
    end: int
    actor: Actor
    correlation: UUID
    causation: UUID | None
    facts: tuple[FactRow, ...]

    @property
    def claims(self) -> set[Claim]:
        """What only one request of a batch may hold: its command and its streams."""
        tenant = self.tenant.int
        return {(tenant, "", self.command.int), *[(tenant, f.kind, f.stream.int) for f in self.facts]}


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request: its last position (where the log stood, if it had nothing to say) and the version of
    its first stream, now or the first time."""

    what: Literal["done", "repeated", "reused", "conflict"]
    made: UUID | None
    position: int
    version: int


def columns(batch: Sequence[AppendRequest]) -> list[list[Any]]:
    """The arrays for log.append: nine with a value a request, then eight with a value a fact."""
    requests: list[list[Any]] = [
        [r.tenant for r in batch],
        [r.command for r in batch],
        [r.fingerprint for r in batch],
        [r.made for r in batch],
        [r.end for r in batch],
        [r.actor.kind.value for r in batch],
        [r.actor.id for r in batch],
        [r.correlation for r in batch],
        [r.causation for r in batch],
    ]
    facts = [(number, fact) for number, request in enumerate(batch, start=1) for fact in request.facts]
    return [
        *requests,
        [number for number, _ in facts],
        [fact.kind for _, fact in facts],
        [fact.stream for _, fact in facts],
        [fact.version for _, fact in facts],
        [fact.event_id for _, fact in facts],
        [fact.name for _, fact in facts],
        [fact.data for _, fact in facts],
        [_leaf(batch[number - 1], fact) for number, fact in facts],
    ]


def _leaf(asked: AppendRequest, fact: FactRow) -> bytes:
    """What `helpr log verify` will look for."""
    return leaf(
        asked.tenant, fact.kind, fact.stream, fact.version, fact.event_id, fact.name, asked.actor.kind.value,
        asked.actor.id, asked.correlation, asked.causation, asked.command, fact.data,
    )  # fmt: skip


def outcomes(rows: Iterable[Any], size: int) -> list[Outcome]:
    """The answer of log.append, in the order of the batch."""
    found = {row[0]: Outcome(row[1], row[2], row[3] or 0, row[4] or 0) for row in rows}
    return [found[number] for number in range(1, size + 1)]
