"""Who works for an organisation, and the address that signs them in."""

from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from domain.accounts.agent import Agent
from domain.accounts.events import AddressClaimed, AgentJoined, PasswordRehashed, Role
from domain.shared.event import Facts
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.line import LONGEST_NAME, email_address, one_line
from domain.shared.refusal import Absent, Refusal


class AddressIsTaken(Refusal):
    """Somebody signs in with this address already."""


class AgentHasJoined(Refusal):
    """This agent works here already."""


class AgentIsUnknown(Absent):
    """There is no such agent."""


class Address(Struct, frozen=True):
    """Whom an e-mail address signs in. The id of its stream is a keyed hash of the address."""

    STREAM: ClassVar = "address"

    organisation: OrganisationId | None = None
    agent: AgentId | None = None

    def after(self, event: AddressClaimed) -> Self:
        """The memory once this fact, too, has happened."""
        return replace(self, organisation=event.organisation, agent=event.agent)


def claim(address: Address, *, organisation: OrganisationId, agent: AgentId) -> Facts:
    """From now on the address signs this agent in. Nothing happens if it is so already."""
    if address.agent == agent:
        return ()
    if address.agent is not None:
        raise AddressIsTaken
    return AddressClaimed(organisation=organisation, agent=agent)


def join(
    agent: Agent, *, id: AgentId, organisation: OrganisationId, role: Role, name: str, email: str, password: str
) -> Facts:
    """An agent begins. ``password`` is its Argon2id hash. Malformed when name or address is none."""
    if agent.id is not None:
        raise AgentHasJoined
    return AgentJoined(
        agent=id,
        organisation=organisation,
        role=role,
        name=one_line("name", name, longest=LONGEST_NAME),
        email=email_address(email),
        password=password,
    )


def rehash(agent: Agent, *, password: str) -> Facts:
    """The same password under today's parameters."""
    if agent.id is None:
        raise AgentIsUnknown
    return PasswordRehashed(agent=agent.id, password=password)
