"""A visitor says who they are."""

from functools import partial

import msgspec

from application.ports import Asked, EventStore, Receipt
from domain.shared.ids import VisitorId
from domain.visitors import identification
from domain.visitors.visitor import Visitor


class Identify(msgspec.Struct, frozen=True, kw_only=True):
    visitor: VisitorId
    name: str | None
    email: str | None
    phone: str | None


async def identify(command: Identify, *, asked: Asked, events: EventStore) -> Receipt:
    """Keeps what the visitor says of themselves, unverified."""
    decide = partial(identification.identify, name=command.name, email=command.email, phone=command.phone)
    return await events.change(Visitor, command.visitor, decide, asked=asked)
