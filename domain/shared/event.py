"""Facts, and the marks that say whose personal data they carry."""

from typing import Annotated, Any, ClassVar, TypeVar, Union
from uuid import UUID

import msgspec

T = TypeVar("T")


class PersonalMark(msgspec.Struct, frozen=True):
    """The field is about a person: it is stored sealed."""


class ScopeMark(msgspec.Struct, frozen=True):
    """The field names a key scope: every personal field of the fact is sealed under ``kind:value``."""

    kind: str


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a sealed field stands in the log. A ciphertext that is moved to another place does not open."""

    tenant: UUID
    stream: UUID
    version: int
    event_id: UUID
    name: str
    field: str


class Sealed(msgspec.Struct, frozen=True):
    """A personal field as it is stored: ciphertext, and the place it belongs to."""

    ciphertext: bytes
    place: Place


class Erased(msgspec.Struct, frozen=True):
    """What is left of a personal field when one of its keys was destroyed."""


Personal = Annotated[Union[T, Sealed, Erased], PersonalMark()]  # noqa: UP007  (a generic alias needs Union)
DataSubject = Annotated[T, ScopeMark("subject")]
DayBucket = Annotated[T, ScopeMark("bucket")]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact, in the past tense. NAME is what the log keeps, for ever: files may move, names may not."""

    NAME: ClassVar[str]
    named: ClassVar[dict[str, type["Event"]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "NAME" in cls.__dict__:
            known = Event.named.setdefault(cls.NAME, cls)
            if known.__module__ != cls.__module__:
                raise TypeError(f"{cls.NAME} is already the stored name of {known.__module__}.{known.__name__}")
            Event.named[cls.NAME] = cls


Facts = Event | tuple[Event, ...]
"""What a decision returns: one fact, several, or ``()`` when there is nothing to say."""
