"""Forgetting a person: decided once, then carried out until it is proved."""

from enum import StrEnum
from typing import ClassVar, Self, assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.compliance.events import ComplianceEvent, ErasureDecided, ErasureProved, ErasureReason, KeysDestroyed
from domain.shared.event import Facts
from domain.shared.refusal import Refusal


class SubjectIsForgotten(Refusal):
    """This person was forgotten: nothing about them is kept any more."""


class ErasureIsUndecided(Refusal):
    """Nobody has decided to erase this person."""


class State(StrEnum):
    NONE = "none"
    DECIDED = "decided"
    SHREDDED = "shredded"
    PROVED = "proved"


class Erasure(Struct, frozen=True):
    STREAM: ClassVar = "erasure"

    state: State = State.NONE

    def after(self, event: ComplianceEvent) -> Self:
        """The memory once this fact, too, has happened."""
        match event:
            case ErasureDecided():
                return replace(self, state=State.DECIDED)
            case KeysDestroyed():
                return replace(self, state=State.SHREDDED)
            case ErasureProved():
                return replace(self, state=State.PROVED)
            case _:
                assert_never(event)


def decide_erasure(erasure: Erasure, *, subject: UUID, reason: ErasureReason) -> Facts:
    """From here on there is no way back. Nothing happens if it was decided before."""
    return ErasureDecided(subject=subject, reason=reason) if erasure.state is State.NONE else ()


def shred(erasure: Erasure, *, subject: UUID, keys: int) -> Facts:
    """So many keys were destroyed. Said once."""
    if erasure.state is State.NONE:
        raise ErasureIsUndecided
    return KeysDestroyed(subject=subject, keys=keys) if erasure.state is State.DECIDED else ()


def prove(erasure: Erasure, *, subject: UUID, places: dict[str, int]) -> Facts:
    """No remains were found in these places. Said once, and only after the keys are gone."""
    if erasure.state in (State.NONE, State.DECIDED):
        raise ErasureIsUndecided
    return ErasureProved(subject=subject, places=places) if erasure.state is State.SHREDDED else ()
