"""Signing in and out, over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.asking import AnyRequest
from api.caller import Caller, Door
from api.opening import is_damaged, opened, shown
from api.origin import address_of, device_of, network_of, place_of
from api.rate_limits import RateLimits
from api.settings import Settings
from application.accounts import signing_in
from application.accounts.signing_in import SignIn
from application.ports import Asked, Digests, EventStore, Keyring, Passwords, Tokens
from domain.accounts.agent import Agent
from domain.accounts.organisation import Organisation
from domain.accounts.permission import GRANTED
from domain.accounts.session import ABSOLUTE
from domain.shared.event import Sealed
from domain.shared.ids import OrganisationId, SessionId
from domain.shared.line import folded
from domain.shared.permission import Permission
from domain.shared.recorded import Actor, ActorKind
from projections.accounts.agents import Role

EVERYBODY: dict[str, Any] = {"audience": "everybody"}


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, msgspec.Meta(max_length=320)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class AgentShown(msgspec.Struct, frozen=True):
    """A colleague; name and e-mail are null once they are erased, and where they are ``damaged``."""

    id: UUID
    name: str | None
    email: str | None
    role: Role
    damaged: bool


class OrganisationShown(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    slug: str


class Me(msgspec.Struct, frozen=True):
    """Who is signed in, and what they may do."""

    agent: AgentShown
    organisation: OrganisationShown
    permissions: list[Permission]
    is_demo: bool


class LiveToken(msgspec.Struct, frozen=True):
    """Good for one hour at most; ``expires_at`` is in seconds since 1970."""

    token: str
    expires_at: int


@post("/session", operation_id="signIn", opt=EVERYBODY)
async def sign_in(
    request: AnyRequest,
    data: JSONBody[Credentials],
    door: NamedDependency[Door],
    limits: NamedDependency[RateLimits],
    settings: NamedDependency[Settings],
    digests: NamedDependency[Digests],
    events: NamedDependency[EventStore],
    keyring: NamedDependency[Keyring],
    passwords: NamedDependency[Passwords],
) -> Response[Me]:
    """Begins a session; its token comes as a cookie that no script can read."""
    address = address_of(request, settings.trusted_proxies)
    state = request.scope["state"]
    limits.hit("sign-in by address", network_of(request, settings.trusted_proxies), state)
    limits.hit("sign-in by account", digests.digest(folded(data.email)).hex(), state)
    token = ""

    def new_session(tenant: OrganisationId) -> SessionId:
        nonlocal token
        token = door.new_token(tenant)
        return door.session_of(token)[1]

    now = datetime.now(UTC)
    command = SignIn(
        session=new_session,
        email=data.email,
        password=data.password,
        now=int(now.timestamp()),
        day=now.date().isoformat(),
        address=address,
        device=device_of(request),
        place=place_of(request, settings.trusted_proxies),
    )
    signed_in = await signing_in.sign_in(
        command, asked=_nobody(request, digests), events=events, keyring=keyring, passwords=passwords
    )
    caller = await door.caller(token)
    cookie = _cookie(door, token, seconds=ABSOLUTE)
    me = await _me(caller, settings, events, keyring)
    headers = {"Helpr-Position": str(signed_in.position)}
    return Response(me, status_code=201, cookies=[cookie], headers=headers)


@get("/session", operation_id="whoAmI")
async def who_am_i(
    caller: NamedDependency[Caller],
    settings: NamedDependency[Settings],
    events: NamedDependency[EventStore],
    keyring: NamedDependency[Keyring],
) -> Me:
    """Who is signed in."""
    return await _me(caller, settings, events, keyring)


@delete("/session", operation_id="signOut", status_code=204)
async def sign_out(
    caller: NamedDependency[Caller],
    door: NamedDependency[Door],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[None]:
    """Ends the session, here and on every open connection."""
    await signing_in.sign_out(caller.session, asked=asked, events=events)
    return Response(None, status_code=204, cookies=[_cookie(door, "", seconds=0)])


@post("/session/live-token", operation_id="liveToken", status_code=201)
async def live_token(caller: NamedDependency[Caller], tokens: NamedDependency[Tokens]) -> LiveToken:
    """What the live connection says first."""
    return LiveToken(*tokens.issue("agent", caller.tenant, caller.agent, caller.session))


def _cookie(door: Door, token: str, *, seconds: int) -> Cookie:
    return Cookie(
        door.cookie, value=token, path="/", secure=door.is_secure, httponly=True, samesite="strict", max_age=seconds
    )


async def _me(caller: Caller, settings: Settings, events: EventStore, keyring: Keyring) -> Me:
    agent = await events.load(Agent, caller.agent, tenant=caller.tenant)
    organisation = await events.load(Organisation, caller.tenant, tenant=caller.tenant)
    fields = [field if isinstance(field, Sealed) else None for field in (agent.name, agent.email)]
    name, email = await opened(keyring, caller.tenant, fields)
    return Me(
        agent=AgentShown(
            caller.agent, shown(name), shown(email), agent.role.value, is_damaged(name) or is_damaged(email)
        ),
        organisation=OrganisationShown(caller.tenant, organisation.name, organisation.slug),
        permissions=sorted(GRANTED[caller.role]),
        is_demo=settings.is_demo,
    )


def _nobody(request: AnyRequest, digests: Digests) -> Asked:
    """Who signs in is not known yet; the use case fills it in."""
    nobody, state = UUID(int=0), request.scope["state"]
    made = Asked(
        tenant=OrganisationId(nobody),
        actor=Actor(ActorKind.SYSTEM, nobody),
        command=digests.new_id(),
        fingerprint=b"",
        correlation=state["request_id"],
    )
    state["asked"] = made
    return made
