"""A fact as the log stores it, on its way through the library."""

from typing import Self
from uuid import UUID


class FactState(bytes):
    """The stored bytes of a fact. They remember the id of their event, to which sealed fields are bound."""

    event_id: UUID

    def __new__(cls, data: bytes, event_id: UUID) -> Self:
        made = super().__new__(cls, data)
        made.event_id = event_id
        return made
