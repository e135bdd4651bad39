"""Signing in with a password, and out."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import msgspec

from application.accounts.registration import CELL, address_stream
from application.ports import Asked, EventStore, Keyring, Passwords, Receipt
from domain.accounts import joining, session
from domain.accounts.agent import Agent
from domain.accounts.joining import Address
from domain.accounts.session import Session
from domain.shared.event import Sealed
from domain.shared.ids import AgentId, OrganisationId, SessionId
from domain.shared.recorded import Actor, ActorKind
from domain.shared.refusal import Unauthenticated


class CredentialsAreWrong(Unauthenticated):
    """This address and password do not belong together."""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """``day`` names the login log's bucket (UTC, 2026-11-24), ``now`` is in seconds since 1970."""

    session: Callable[[OrganisationId], SessionId]
    email: str
    password: str
    now: int
    day: str
    address: str
    device: dict[str, str]
    place: dict[str, str]


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    organisation: OrganisationId
    agent: AgentId
    session: SessionId
    position: int


async def sign_in(
    command: SignIn, *, asked: Asked, events: EventStore, keyring: Keyring, passwords: Passwords
) -> SignedIn:
    """Begins a session, or CredentialsAreWrong, which takes as long for unknown addresses as for known ones."""
    address = await events.refresh(Address, address_stream(command.email, keyring), tenant=CELL)
    tenant, hashed = address.organisation, None
    if tenant is not None and address.agent is not None:
        agent = await events.load(Agent, address.agent, tenant=tenant)
        hashed = await _password_of(agent, tenant, keyring)
    if not await passwords.verify(hashed, command.password) or tenant is None or address.agent is None:
        raise CredentialsAreWrong
    asked = msgspec.structs.replace(asked, tenant=tenant, actor=Actor(ActorKind.AGENT, address.agent))
    if hashed is not None and passwords.is_outdated(hashed):
        decide = partial(joining.rehash, password=await passwords.hash(command.password))
        await events.change(Agent, address.agent, decide, asked=_apart(asked, address.agent))
    id = command.session(tenant)
    begin = partial(
        session.start,
        id=id,
        agent=address.agent,
        now=command.now,
        day=command.day,
        address=command.address,
        device=command.device,
        place=command.place,
    )
    receipt = await events.change(Session, id, begin, asked=asked, made=id)
    return SignedIn(organisation=tenant, agent=address.agent, session=id, position=receipt.position)


async def sign_out(id: SessionId, *, asked: Asked, events: EventStore) -> Receipt:
    """Nobody acts in this session any more."""
    return await events.change(Session, id, session.end, asked=asked)


async def _password_of(agent: Agent, tenant: OrganisationId, keyring: Keyring) -> str | None:
    if not isinstance(agent.password, Sealed):
        return None
    (opened,) = await keyring.open(tenant, [agent.password])
    return msgspec.msgpack.decode(opened, type=str) if opened is not None else None


def _apart(asked: Asked, agent: UUID) -> Asked:
    """The same request's second command: another name, so that neither passes for a repetition of the other."""
    return msgspec.structs.replace(asked, command=UUID(int=asked.command.int ^ agent.int))
