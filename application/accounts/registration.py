"""An organisation signs up; agents join it."""

from functools import partial
from uuid import UUID

import msgspec

from application.ports import Asked, EventStore, Keyring, Passwords, Receipt
from domain.accounts import joining, organisation
from domain.accounts.agent import Agent
from domain.accounts.events import Role
from domain.accounts.joining import Address
from domain.accounts.organisation import Organisation
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.line import folded
from domain.shared.refusal import Malformed

CELL = OrganisationId(UUID(int=0))
"""The tenant of what belongs to no organisation: which address signs in whom."""


class RegisterOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    organisation: OrganisationId
    name: str
    slug: str


class Join(msgspec.Struct, frozen=True, kw_only=True):
    agent: AgentId
    organisation: OrganisationId
    role: Role
    name: str
    email: str
    password: str


def address_stream(email: str, keyring: Keyring) -> UUID:
    """The stream of an address: a keyed hash, so the log does not tell who signs in."""
    return UUID(bytes=keyring.blind_index("address", folded(email))[:16])


def acceptable(password: str) -> str:
    """The password, or Malformed: 8 to 1,024 bytes, nothing else is asked of it."""
    if not 8 <= len(password.encode("utf-8", "surrogatepass")) <= 1024:
        raise Malformed("password", "must be 8 to 1,024 bytes")
    return password


async def register_organisation(command: RegisterOrganisation, *, asked: Asked, events: EventStore) -> Receipt:
    """The receipt names the organisation."""
    decide = partial(organisation.register, name=command.name, slug=command.slug)
    return await events.change(Organisation, command.organisation, decide, asked=asked, made=command.organisation)


async def join(command: Join, *, asked: Asked, events: EventStore, keyring: Keyring, passwords: Passwords) -> Receipt:
    """Claims the address, then lets the agent in; AddressIsTaken when it signs in somebody else. Who may not join
    claims nothing."""
    hashed = await passwords.hash(acceptable(command.password))
    decide = partial(
        joining.join,
        id=command.agent,
        organisation=command.organisation,
        role=command.role,
        name=command.name,
        email=command.email,
        password=hashed,
    )
    agent = await events.refresh(Agent, command.agent, tenant=asked.tenant)
    if agent.id is None:
        decide(agent)
        claim = partial(joining.claim, organisation=command.organisation, agent=command.agent)
        stream = address_stream(command.email, keyring)
        await events.change(Address, stream, claim, asked=msgspec.structs.replace(asked, tenant=CELL))
    return await events.change(Agent, command.agent, decide, asked=asked, made=command.agent)


async def is_colleague(tenant: UUID, agent: UUID, *, events: EventStore) -> bool:
    """Whether this agent works for this organisation."""
    return (await events.load(Agent, agent, tenant=OrganisationId(tenant))).id is not None
