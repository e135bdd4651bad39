"""What can happen to an organisation, its agents and their sessions."""

from enum import StrEnum
from typing import ClassVar

from domain.shared.event import DataSubject, DayBucket, Event, Personal
from domain.shared.ids import AgentId, OrganisationId, SessionId


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    COMPLIANCE = "compliance"
    ANALYST = "analyst"


class OrganisationRegistered(Event, frozen=True, kw_only=True):
    """A customer signed up."""

    NAME: ClassVar = "accounts.OrganisationRegistered"
    name: str
    slug: str


class AgentJoined(Event, frozen=True, kw_only=True):
    """Somebody works for the organisation now. ``password`` is an Argon2id hash, sealed all the same."""

    NAME: ClassVar = "accounts.AgentJoined"
    agent: DataSubject[AgentId]
    organisation: OrganisationId
    role: Role
    name: Personal[str]
    email: Personal[str]
    password: Personal[str]


class PasswordRehashed(Event, frozen=True, kw_only=True):
    """The same password, hashed with today's parameters."""

    NAME: ClassVar = "accounts.PasswordRehashed"
    agent: DataSubject[AgentId]
    password: Personal[str]


class AddressClaimed(Event, frozen=True, kw_only=True):
    """An e-mail address signs this agent in. The stream's id is a keyed hash of the address."""

    NAME: ClassVar = "accounts.AddressClaimed"
    organisation: OrganisationId
    agent: AgentId


class SessionStarted(Event, frozen=True, kw_only=True):
    """An agent signed in. Where from is sealed under a key of the day as well, so that the login log can be forgotten
    day by day; nothing destroys the key of a day yet."""

    NAME: ClassVar = "accounts.SessionStarted"
    session: SessionId
    agent: DataSubject[AgentId]
    day: DayBucket[str]
    method: str
    at: int
    address: Personal[str]
    device: Personal[dict[str, str]]
    place: Personal[dict[str, str]]


class SessionContinued(Event, frozen=True, kw_only=True):
    """The session is still in use; written at most every few minutes."""

    NAME: ClassVar = "accounts.SessionContinued"
    at: int


class SessionEnded(Event, frozen=True, kw_only=True):
    """The session is dead: signed out, or revoked."""

    NAME: ClassVar = "accounts.SessionEnded"


OrganisationEvent = OrganisationRegistered
AgentEvent = AgentJoined | PasswordRehashed
SessionEvent = SessionStarted | SessionContinued | SessionEnded
