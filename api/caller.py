"""Who calls: an agent by the session cookie, with what their role allows."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import WebSocket
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api.asking import AnyRequest
from api.origin import network_of
from api.rate_limits import RateLimits
from application.ports import Asked, Claims, Digests, EventStore, Unavailable
from domain.accounts import session
from domain.accounts.agent import Agent
from domain.accounts.events import Role
from domain.accounts.permission import GRANTED, allow
from domain.accounts.session import NOTED, Session, SessionIsOver
from domain.shared.ids import AgentId, OrganisationId, SessionId
from domain.shared.permission import Permission
from domain.shared.recorded import Actor, ActorKind
from domain.shared.refusal import Forbidden

AnyConnection = ASGIConnection[Any, Any, Any, Any]
SAFE = ("GET", "HEAD", "OPTIONS")
SHORTLY = 1.0
"""Seconds that somebody waits for it to be noted that they are still there."""
CSRF_HEADER = "Helpr-Request"


class RequestIsForged(Forbidden):
    """A change needs the header Helpr-Request, which other sites cannot send."""


class Caller(msgspec.Struct, frozen=True):
    """An agent who is signed in."""

    tenant: OrganisationId
    agent: AgentId
    session: SessionId
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.AGENT, self.agent)


class Door:
    """Lets agents in who are signed in and may do what the route is for.

    ``now`` gives seconds since 1970. The token in the cookie is ``tenant.secret``; a session's id is its digest, so
    that the log holds nothing one could sign in with.
    """

    def __init__(
        self,
        events: EventStore,
        digests: Digests,
        limits: RateLimits,
        *,
        now: Callable[[], float],
        is_secure: bool,
        trusted_proxies: tuple[str, ...] = (),
    ) -> None:
        self._events, self._digests, self._limits, self._now = events, digests, limits, now
        self._proxies = trusted_proxies
        self.is_secure = is_secure
        self.cookie = "__Host-helpr_session" if is_secure else "helpr_session"

    async def guard(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """A Litestar guard: puts the Caller into the connection's state. Raises SessionIsOver, RoleMayNot,
        RequestIsForged, TooManyRequests."""
        if isinstance(connection, WebSocket):
            self._limits.hit("live by address", network_of(connection, self._proxies))
        if handler.opt.get("audience") == "everybody":
            return
        if connection.scope.get("method", "GET") not in SAFE and not connection.headers.get(CSRF_HEADER):
            raise RequestIsForged
        tenant, id = self.session_of(connection.cookies.get(self.cookie, ""))
        # To look for a session that was not let in of late costs a read: an address that makes them up has to stop.
        if not self._limits.has_counted("agent", id.int):
            self._limits.hit("unknown session by address", network_of(connection, self._proxies))
        caller = await self._caller(tenant, id)
        state = connection.scope["state"]
        self._limits.hit("organisation", caller.tenant.int, state)
        self._limits.hit("agent", caller.session.int, state)
        needed: Permission | None = handler.opt.get("permission")
        if needed is not None:
            allow(caller.role, needed)
        state["caller"] = caller

    async def caller(self, token: str) -> Caller:
        """Whose token it is; SessionIsOver when it is nobody's, or no longer."""
        return await self._caller(*self.session_of(token))

    async def _caller(self, tenant: OrganisationId, id: SessionId) -> Caller:
        known = await self._events.load(Session, id, tenant=tenant)
        now = int(self._now())
        agent_id = session.signed_in(known, now=now)
        if now - known.seen >= NOTED:
            # Whoever is signed in may read, also while the log is away.
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(SHORTLY):
                    await self._go_on(tenant, agent_id, id, now)
        agent = await self._events.load(Agent, agent_id, tenant=tenant)
        return Caller(tenant, agent_id, id, agent.role)

    def new_token(self, tenant: OrganisationId) -> str:
        """256 random bits, after the tenant they are good for."""
        return f"{tenant.hex}.{self._digests.new_secret()}"

    def session_of(self, token: str) -> tuple[OrganisationId, SessionId]:
        """The organisation and the session that a token names; raises SessionIsOver when it cannot be one."""
        tenant, dot, secret = token.partition(".")
        if not dot or not secret or len(token) > 200:
            raise SessionIsOver
        return _organisation(tenant), SessionId(UUID(bytes=self._digests.digest(token)[:16]))

    async def _go_on(self, tenant: OrganisationId, agent: AgentId, id: SessionId, now: int) -> None:
        command = self._digests.new_id()
        asked = Asked(
            tenant=tenant, actor=Actor(ActorKind.AGENT, agent), command=command, fingerprint=b"", correlation=command
        )
        await self._events.change(Session, id, partial(session.go_on, now=now), asked=asked)


@lru_cache(maxsize=1024)
def _organisation(tenant: str) -> OrganisationId:
    try:
        return OrganisationId(UUID(hex=tenant))
    except ValueError:
        raise SessionIsOver from None


async def caller_of(request: AnyRequest) -> Caller:
    """The agent whom the door has let in."""
    found: Caller = request.scope["state"]["caller"]
    return found


async def may_still(permission: Permission, claims: Claims, *, events: EventStore, now: float) -> bool:
    """Whether the agent who holds these claims is still signed in, and their role still allows this."""
    tenant = OrganisationId(claims.tenant)
    if claims.session is None:
        return False
    try:
        agent = session.signed_in(await events.load(Session, claims.session, tenant=tenant), now=int(now))
    except SessionIsOver:
        return False
    role = (await events.load(Agent, agent, tenant=tenant)).role
    return agent == claims.id and permission in GRANTED[role]
