"""What was found to be damaged: told once for each field, however often somebody comes upon it."""

from typing import ClassVar, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.compliance.events import DamageFound
from domain.shared.event import Facts


class Damage(Struct, frozen=True):
    """Of one stream: the fields that are known to be damaged, each with the event that it belongs to."""

    STREAM: ClassVar = "damage"

    known: frozenset[tuple[UUID, str]] = frozenset()

    def after(self, event: DamageFound) -> Self:
        """The memory once this fact, too, has happened."""
        return replace(self, known=self.known | {(event.damaged, event.field)})


def find(damage: Damage, *, damaged: UUID, at_version: int, fact: str, field: str) -> Facts:
    """Somebody came upon a field that does not open."""
    if (damaged, field) in damage.known:
        return ()
    return DamageFound(damaged=damaged, at_version=at_version, fact=fact, field=field)
