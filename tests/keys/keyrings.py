"""Keyrings over one place, as the processes of a cell have them; and what can be watched and broken of them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from domain.shared.event import Place, Sealed
from infrastructure.keys import record
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.record import ScopeRef
from infrastructure.keys.root_key import Context, KeysUnavailable, RootKey
from infrastructure.keys.store import KeyStore

ACME, OTHER = UUID(int=1), UUID(int=2)


class Clock:
    """Stands still until somebody says that time has passed."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Killed(Exception):
    """The process is no more."""


class Fate:
    """So many steps are still to be done before the process dies; none: it lives on."""

    def __init__(self) -> None:
        self.steps_left: int | None = None
        self.too_late = False

    def step(self, *, is_done: bool) -> None:
        """Dies before the last step is done or, with ``too_late``, after it."""
        if self.steps_left is None or is_done is not self.too_late:
            return
        self.steps_left -= 1
        if self.steps_left < 0:
            raise Killed


class Watched:
    """A store or a root key through which every call can be seen, held up and broken off.

    ``asked`` are the names of the calls so far, ``contexts`` what a root key was told. Calls that ``is_away`` points
    out fail; ``holding`` makes those of one name wait; ``fate`` says when one dies.
    """

    def __init__(self, inner: Any, fate: Fate | None = None) -> None:
        self._inner, self._fate = inner, fate or Fate()
        self.asked: list[str] = []
        self.contexts: list[Context] = []
        self.is_away: Callable[[str, tuple[Any, ...]], bool] = lambda what, details: False
        self._held: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = {}

    def __getattr__(self, what: str) -> Any:
        async def ask(*details: Any, **more: Any) -> Any:
            self.asked.append(what)
            if what in ("wrap", "unwrap"):
                self.contexts.append(details[1])
            if self.is_away(what, details):
                raise KeysUnavailable
            self._fate.step(is_done=False)
            done = await getattr(self._inner, what)(*details, **more)
            if held := self._held.get(what):
                self._reached[what].set()
                await held.wait()
            self._fate.step(is_done=True)
            return done

        return ask

    @contextmanager
    def holding(self, what: str) -> Iterator[asyncio.Event]:
        """Until the end of this, answers to these calls are done but not given; the event says when one waits."""
        self._held[what] = held = asyncio.Event()
        self._reached[what] = asyncio.Event()
        try:
            yield self._reached[what]
        finally:
            self.pass_on(what)
            held.set()

    def pass_on(self, what: str) -> None:
        """Calls that come from now on are answered before those that wait."""
        self._held.pop(what, None)


def place(number: int = 1, *, tenant: UUID = ACME) -> Place:
    """Somewhere in the log."""
    return Place(tenant, UUID(int=number), number, UUID(int=number), "conversations.MessageSent", "text")


async def seal(keyring: TenantKeyring, text: str, *scopes: str, at: Place | None = None) -> Sealed:
    """A text as the log would keep it."""
    at = at or place()
    keys = await keyring.keys_for(at.tenant, scopes)
    refs = [ScopeRef(scope, keys[scope].generation) for scope in scopes]
    return Sealed(record.seal([keys[scope].key for scope in scopes], refs, encode(text), at), at)


async def read(keyring: TenantKeyring, *sealed: Sealed, tenant: UUID = ACME) -> list[bytes | None]:
    return await keyring.open(tenant, sealed)


def ring(root: RootKey | Watched, store: KeyStore | Watched, **more: Any) -> TenantKeyring:
    return TenantKeyring(root, store, **more)


def unseal(keys: Sequence[bytes], sealed: bytes, place: Place) -> bytes:
    """The plaintext of a record, by the keys of its scopes; raises Tampered when anything does not fit."""
    parts = record.read(sealed)
    return record.opened(record.cipher(keys, parts), parts, place)
