"""What the use cases ask of the outside."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable
from uuid import UUID

import msgspec

from domain.shared.event import Facts, Sealed
from domain.shared.ids import OrganisationId
from domain.shared.recorded import Actor, Recorded
from domain.shared.refusal import Refusal


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for something, and how the same request is recognised when it comes again.

    ``command`` names the request (derived from its Idempotency-Key, or fresh); ``fingerprint`` is a keyed digest of
    what was asked, empty where the command is fresh: the same command with another fingerprint is refused.
    """

    tenant: OrganisationId
    actor: Actor
    command: UUID
    fingerprint: bytes
    correlation: UUID
    causation: UUID | None = None


class Unavailable(Exception):
    """A part that is needed does not answer just now. Nothing was acknowledged; trying again is safe."""


class Damaged(Exception):
    """Something that was stored is not what was written. It is shown to nobody, and somebody must look."""


class CommandReused(Refusal):
    """This idempotency key was used before, for something else."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command: the log's last position, the stream's version, the id of what was made."""

    position: int
    version: int
    made: UUID | None = None


class Memory(Protocol):
    """What an aggregate remembers; ``STREAM`` is the kind of its streams."""

    STREAM: ClassVar[str]

    def after(self, event: Any) -> Self: ...


M = TypeVar("M", bound=Memory)


class Change(msgspec.Struct, frozen=True):
    """One stream's part of a command: load the memory, decide."""

    memory: type[Any]
    stream: UUID
    decide: Callable[[Any], Facts]


@runtime_checkable
class EventStore(Protocol):
    """The log, as the use cases see it."""

    async def change(
        self, memory: type[M], stream: UUID, decide: Callable[[M], Facts], *, asked: Asked, made: UUID | None = None
    ) -> Receipt:
        """Loads the memory, decides, seals and appends; decides again when somebody was faster.

        A command that was done before gives its first receipt; raises CommandReused when it asked for something else.
        """
        ...

    async def change_all(self, changes: Sequence[Change], *, asked: Asked, made: UUID | None = None) -> Receipt:
        """The same for several streams at once: all of it happens, or nothing. Version is the first stream's."""
        ...

    async def load(self, memory: type[M], stream: UUID, *, tenant: OrganisationId) -> M:
        """The memory of a stream, as this process knows it: it may be some milliseconds behind another process."""
        ...

    async def refresh(self, memory: type[M], stream: UUID, *, tenant: OrganisationId) -> M:
        """The memory of a stream, brought up to date from the log first."""
        ...


@runtime_checkable
class History(Protocol):
    """The log, from a position or along one stream; personal fields are Sealed."""

    async def head(self) -> int:
        """The last position; 0 when nothing has happened yet."""
        ...

    async def after(self, position: int, *, most: int = 500, names: Sequence[str] | None = None) -> list[Recorded[Any]]:
        """The facts that follow a position, at most so many, oldest first; only those of certain names if any are
        given."""
        ...

    async def stream(
        self, tenant: UUID, kind: str, stream: UUID, *, after: int = 0, most: int = 1000
    ) -> list[Recorded[Any]]:
        """The facts that follow a version, at most so many, oldest first."""
        ...


@runtime_checkable
class Knows(Protocol):
    """Asks another context whether somebody exists there."""

    async def __call__(self, tenant: UUID, id: UUID) -> bool: ...


@runtime_checkable
class Keyring(Protocol):
    """The keys, as the use cases see them."""

    async def open(self, tenant: UUID, sealed: Sequence[Sealed]) -> list[bytes | None]:
        """The msgpack plaintext of each field, in order; None where a key was destroyed. Raises Damaged."""
        ...

    async def open_each(self, tenant: UUID, sealed: Sequence[Sealed]) -> list[bytes | Damaged | None]:
        """The same, with Damaged in the place of each field that does not open: the others are what they are."""
        ...

    async def destroy(self, tenant: UUID, scope: str) -> int:
        """Destroys a scope's keys for ever and leaves a tombstone; how many of them are dead by now."""
        ...

    def blind_index(self, purpose: str, value: str) -> bytes:
        """A keyed 32-byte digest of a normalised value, to find it again without storing it."""
        ...

    def fingerprint(self, *parts: bytes) -> bytes:
        """A keyed 32-byte digest of what was asked, to recognise it without storing it."""
        ...


@runtime_checkable
class Passwords(Protocol):
    """Argon2id, off the event loop."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Takes as long for nobody (None) as for somebody."""
        ...

    def is_outdated(self, hashed: str) -> bool: ...


@runtime_checkable
class Digests(Protocol):
    """Ids, secrets and what is kept of them."""

    def new_id(self) -> UUID:
        """A UUIDv7."""
        ...

    def new_secret(self) -> str:
        """256 random bits as text."""
        ...

    def digest(self, text: str) -> bytes:
        """SHA-256 of a secret."""
        ...

    def same(self, one: bytes, other: bytes) -> bool:
        """Compares in constant time."""
        ...


class Claims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who connects. ``session`` is None for visitors; ``until`` is in seconds since 1970."""

    audience: str
    tenant: UUID
    id: UUID
    session: UUID | None
    until: int


class TokenRefused(Refusal):
    """This token is expired, foreign or not a token."""


@runtime_checkable
class Tokens(Protocol):
    """What live connections authenticate with."""

    def issue(self, audience: str, tenant: UUID, id: UUID, session: UUID | None = None) -> tuple[str, int]:
        """A token, and the second at which it expires."""
        ...

    def check(self, token: str, audience: str) -> Claims:
        """The claims of a good token; raises TokenRefused."""
        ...
