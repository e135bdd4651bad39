"""What can happen to a person's data as a whole."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.shared.event import DataSubject, Event


class ErasureReason(StrEnum):
    REQUESTED = "requested"
    CHILD = "child"
    INACTIVE = "inactive"
    UNLAWFUL = "unlawful"


class ErasureDecided(Event, frozen=True, kw_only=True):
    """A person is to be forgotten. From here on there is no way back."""

    NAME: ClassVar = "compliance.ErasureDecided"
    subject: DataSubject[UUID]
    reason: ErasureReason


class KeysDestroyed(Event, frozen=True, kw_only=True):
    """Nobody can read this person's data any more, wherever it still lies."""

    NAME: ClassVar = "compliance.KeysDestroyed"
    subject: DataSubject[UUID]
    keys: int


class ErasureProved(Event, frozen=True, kw_only=True):
    """Every place was searched for remains and none was found. ``places`` says where, and how many rows were seen."""

    NAME: ClassVar = "compliance.ErasureProved"
    subject: DataSubject[UUID]
    places: dict[str, int]


class DamageFound(Event, frozen=True, kw_only=True):
    """A field that was stored does not open in its place any more: somebody changed it, or moved it there. The stream
    is that of the damaged fact, which is named by its version and its event."""

    NAME: ClassVar = "compliance.DamageFound"
    damaged: UUID
    at_version: int
    fact: str
    field: str


ComplianceEvent = ErasureDecided | KeysDestroyed | ErasureProved
