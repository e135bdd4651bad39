"""A visitor opens a page with the widget."""

from functools import partial
from uuid import UUID

import msgspec

from application.ports import Asked, EventStore, Receipt
from domain.shared.ids import OrganisationId, VisitorId
from domain.visitors import arrival
from domain.visitors.visitor import Visitor


class Arrive(msgspec.Struct, frozen=True, kw_only=True):
    visitor: VisitorId
    secret: bytes
    device: dict[str, str]
    place: dict[str, str]
    page: dict[str, str]


class ComeBack(msgspec.Struct, frozen=True, kw_only=True):
    visitor: VisitorId
    device: dict[str, str]
    place: dict[str, str]
    page: dict[str, str]


async def arrive(command: Arrive, *, asked: Asked, events: EventStore) -> Receipt:
    """Somebody new; the receipt names the visitor."""
    decide = partial(
        arrival.arrive,
        id=command.visitor,
        secret=command.secret,
        device=command.device,
        place=command.place,
        page=command.page,
    )
    return await events.change(Visitor, command.visitor, decide, asked=asked, made=command.visitor)


async def come_back(command: ComeBack, *, asked: Asked, events: EventStore) -> Receipt:
    """Somebody known."""
    decide = partial(arrival.come_back, device=command.device, place=command.place, page=command.page)
    return await events.change(Visitor, command.visitor, decide, asked=asked, made=command.visitor)


async def has_arrived(tenant: UUID, visitor: UUID, *, events: EventStore) -> bool:
    """Whether such a visitor ever came to this organisation, be they forgotten since or not."""
    return (await events.load(Visitor, visitor, tenant=OrganisationId(tenant))).id is not None
