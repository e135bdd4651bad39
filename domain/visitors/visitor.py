"""What a visitor's stream remembers in order to decide."""

from typing import ClassVar, Self, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.shared.ids import VisitorId
from domain.visitors.events import (
    VisitorArrived,
    VisitorEvent,
    VisitorForgotten,
    VisitorIdentified,
    VisitorReturned,
)


class Visitor(Struct, frozen=True):
    STREAM: ClassVar = "visitor"

    id: VisitorId | None = None
    secret: bytes = b""
    is_forgotten: bool = False

    def after(self, event: VisitorEvent) -> Self:
        """The memory once this fact, too, has happened."""
        match event:
            case VisitorArrived():
                return replace(self, id=event.visitor, secret=event.secret)
            case VisitorForgotten():
                return replace(self, secret=b"", is_forgotten=True)
            case VisitorReturned() | VisitorIdentified():
                return self
            case _:
                assert_never(event)
