"""A session: begun with a password, continued while in use, ended by its owner or by time."""

from typing import ClassVar, Self, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.accounts.events import SessionContinued, SessionEnded, SessionEvent, SessionStarted
from domain.shared.event import Facts
from domain.shared.ids import AgentId, SessionId
from domain.shared.refusal import Refusal, Unauthenticated

IDLE = 3600
"""Seconds without a request after which a session is dead at the latest."""
ABSOLUTE = 24 * 3600
"""Seconds after which a session is dead, however busy."""
NOTED = 300
"""A session in use is noted in the log at most so often, in seconds. What was not noted does not count, so a session
may die so much earlier than ``IDLE``, and never later."""


class SessionIsOver(Unauthenticated):
    """You are not signed in, or no longer."""


class SessionHasStarted(Refusal):
    """This session has started already."""


class Session(Struct, frozen=True):
    STREAM: ClassVar = "session"

    agent: AgentId | None = None
    started: int = 0
    seen: int = 0
    is_over: bool = False

    def after(self, event: SessionEvent) -> Self:
        """The memory once this fact, too, has happened."""
        match event:
            case SessionStarted():
                return replace(self, agent=event.agent, started=event.at, seen=event.at)
            case SessionContinued():
                return replace(self, seen=event.at)
            case SessionEnded():
                return replace(self, is_over=True)
            case _:
                assert_never(event)

    @property
    def expires(self) -> int:
        """The second after which it is dead if nothing more is asked."""
        return min(self.seen + IDLE, self.started + ABSOLUTE)


def signed_in(session: Session, *, now: int) -> AgentId:
    """Whose session it is; SessionIsOver when it has ended, expired or never been."""
    if session.agent is None or session.is_over or now >= session.expires:
        raise SessionIsOver
    return session.agent


def start(
    session: Session,
    *,
    id: SessionId,
    agent: AgentId,
    now: int,
    day: str,
    address: str,
    device: dict[str, str],
    place: dict[str, str],
) -> Facts:
    """An agent signed in, from this address and device, at this second; ``day`` is the bucket of the login log."""
    if session.agent is not None:
        raise SessionHasStarted
    return SessionStarted(
        session=id, agent=agent, day=day, method="password", at=now, address=address, device=device, place=place
    )


def go_on(session: Session, *, now: int) -> Facts:
    """The session is in use; nothing to say if that was noted a moment ago."""
    signed_in(session, now=now)
    return SessionContinued(at=now) if now - session.seen >= NOTED else ()


def end(session: Session) -> Facts:
    """Nobody acts in this session any more. Nothing happens if it is so already."""
    return () if session.agent is None or session.is_over else SessionEnded()
