"""Who calls: a visitor, by what their browser was given when they arrived."""

from typing import Any
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api.asking import AnyRequest
from api.origin import network_of
from api.rate_limits import RateLimits
from application.ports import Digests, EventStore
from domain.shared.ids import OrganisationId, VisitorId
from domain.shared.recorded import Actor, ActorKind
from domain.shared.refusal import Unauthenticated
from domain.visitors.visitor import Visitor

AnyConnection = ASGIConnection[Any, Any, Any, Any]


class GuestIsUnknown(Unauthenticated):
    """Nobody knows this visitor here. Begin a new session."""


class Guest(msgspec.Struct, frozen=True):
    """A visitor who has shown their secret."""

    tenant: OrganisationId
    visitor: VisitorId

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.VISITOR, self.visitor)


class WidgetDoor:
    """Lets visitors in who show ``Bearer organisation.visitor.secret``; the log holds the secret's digest only."""

    def __init__(
        self, events: EventStore, digests: Digests, limits: RateLimits, trusted_proxies: tuple[str, ...]
    ) -> None:
        self._events, self._digests, self._limits, self._proxies = events, digests, limits, trusted_proxies

    async def guard(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """A Litestar guard: puts the Guest into the connection's state. Raises GuestIsUnknown, TooManyRequests."""
        state = connection.scope["state"]
        self._limits.hit("visitor by address", network_of(connection, self._proxies), state)
        if handler.opt.get("audience") == "everybody":
            return
        scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
        organisation, _, rest = credentials.partition(".")
        visitor, _, secret = rest.partition(".")
        try:
            guest = Guest(OrganisationId(UUID(organisation)), VisitorId(UUID(visitor)))
        except ValueError:
            raise GuestIsUnknown from None
        if scheme.lower() != "bearer" or not await self.knows(guest, secret):
            raise GuestIsUnknown
        self._limits.hit("organisation", guest.tenant.int, state)
        self._limits.hit("visitor", guest.visitor.int, state)
        state["guest"] = guest

    async def knows(self, guest: Guest, secret: str) -> bool:
        """Whether this is the visitor's secret, and they were not forgotten."""
        known = await self._events.load(Visitor, guest.visitor, tenant=guest.tenant)
        return bool(known.secret) and self._digests.same(self._digests.digest(secret), known.secret)


async def guest_of(request: AnyRequest) -> Guest:
    """The visitor whom the door has let in."""
    found: Guest = request.scope["state"]["guest"]
    return found
