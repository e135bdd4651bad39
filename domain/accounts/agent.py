"""What an agent remembers in order to decide."""

from typing import ClassVar, Self, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.accounts.events import AgentEvent, AgentJoined, PasswordRehashed, Role
from domain.shared.event import Personal
from domain.shared.ids import AgentId, OrganisationId


class Agent(Struct, frozen=True):
    """The password hash is remembered as it is stored: sealed."""

    STREAM: ClassVar = "agent"

    id: AgentId | None = None
    organisation: OrganisationId | None = None
    role: Role = Role.AGENT
    name: Personal[str] | None = None
    email: Personal[str] | None = None
    password: Personal[str] | None = None

    def after(self, event: AgentEvent) -> Self:
        """The memory once this fact, too, has happened."""
        match event:
            case AgentJoined():
                return replace(
                    self,
                    id=event.agent,
                    organisation=event.organisation,
                    role=event.role,
                    name=event.name,
                    email=event.email,
                    password=event.password,
                )
            case PasswordRehashed():
                return replace(self, password=event.password)
            case _:
                assert_never(event)
