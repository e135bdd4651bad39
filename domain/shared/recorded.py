"""The envelope: what the log knows of a fact besides the fact itself."""

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from domain.shared.event import Event

E = TypeVar("E", bound=Event, covariant=True)


class ActorKind(StrEnum):
    AGENT = "agent"
    VISITOR = "visitor"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True):
    """Who does it."""

    kind: ActorKind
    id: UUID


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """A fact as it stands in the log. Its personal fields are Sealed until somebody opens them.

    ``position`` counts all facts of a cell without gaps, in the order of their commits; ``version`` counts those of one
    stream from 1.
    """

    position: int
    tenant: UUID
    kind: str
    stream: UUID
    version: int
    event_id: UUID
    at: datetime
    actor: Actor
    correlation: UUID
    causation: UUID | None
    command: UUID
    fact: E
