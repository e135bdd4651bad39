"""Damage that readers come upon becomes a fact."""

from functools import partial

from application.ports import Asked, EventStore, Receipt
from domain.compliance import damage
from domain.compliance.damage import Damage
from domain.shared.event import Place


async def find(place: Place, *, asked: Asked, events: EventStore) -> Receipt:
    """Records that the field in this place does not open; nothing happens where that is known."""
    decide = partial(damage.find, damaged=place.event_id, at_version=place.version, fact=place.name, field=place.field)
    return await events.change(Damage, place.stream, decide, asked=asked)
