"""What happens in conversations, told to whoever watches. Each process follows the log and tells its own people."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from api.conversations import wire
from api.live import GONE, RESTARTING, frame
from application.ports import Keyring
from domain.accounts.events import SessionEnded
from domain.compliance.events import ErasureDecided
from domain.shared.recorded import Recorded
from projections.conversations import thread

VISIBLE = frozenset({"started", "message", "read", "resolved", "reopened"})
"""What a visitor is told of their conversation."""
Page = Sequence[Recorded[Any]]
Place = tuple[UUID, UUID]
"""Tenant and conversation."""


class Listener(Protocol):
    """A connection that watches conversations: an agent's, or that of the visitor whose conversations they are."""

    is_visitor: bool
    tenant: UUID
    person: UUID
    session: UUID | None

    def changed(self, conversation: UUID, sequence: int, message: bytes) -> None: ...

    def push(self, message: bytes) -> None: ...

    def close(self, code: int) -> None: ...

    def fail(self, error: BaseException) -> None: ...


class Broadcast:
    """Tells listeners of changes in the conversations they watch, in order, each text opened once a process."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._watching: dict[Place, set[Listener]] = defaultdict(set)
        self._listeners: set[Listener] = set()
        self._pages: asyncio.Queue[Page] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False

    @property
    def listening(self) -> int:
        """How many connections listen here."""
        return len(self._listeners)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="broadcast")

    async def stop(self) -> None:
        """Lets everybody go and tells nobody anything any more."""
        self.let_go()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def let_go(self) -> None:
        """Lets everybody go, whoever comes from now on included, so that they come back to another process."""
        self._is_leaving = True
        for listener in self._listeners:
            listener.close(RESTARTING)

    def join(self, listener: Listener) -> None:
        self._listeners.add(listener)
        if self._is_leaving:
            listener.close(RESTARTING)

    def leave(self, listener: Listener) -> None:
        """The listener has stopped watching whatever it watched."""
        self._listeners.discard(listener)

    def watch(self, listener: Listener, conversation: UUID) -> None:
        self._watching[listener.tenant, conversation].add(listener)

    def unwatch(self, listener: Listener, conversation: UUID) -> None:
        watching = self._watching.get((listener.tenant, conversation), set())
        watching.discard(listener)
        if not watching:
            self._watching.pop((listener.tenant, conversation), None)

    def follow(self, page: Page) -> None:
        """A page of the log; what it says is told soon."""
        if self._listeners:
            self._pages.put_nowait(page)

    def typing(self, payload: str) -> None:
        """Somebody writes, here or in another process: ``tenant conversation kind id on``, ids only."""
        if not payload:
            return
        tenant, conversation, kind, id, on = payload.split()
        who = {"kind": kind, "id": id}
        message = frame("typing", conversation=conversation, who=who, on=on == "1")
        for listener in self._watching.get((UUID(tenant), UUID(conversation)), ()):
            if str(listener.person) != id:
                listener.push(message)

    async def _run(self) -> None:
        while True:
            await self._tell(await self._pages.get())

    async def _tell(self, page: Page) -> None:
        watched = defaultdict[UUID, list[tuple[Recorded[Any], thread.Change]]](list)
        for recorded in page:
            self._end(recorded)
            if (recorded.tenant, recorded.stream) in self._watching and (change := thread.change(recorded)):
                watched[recorded.tenant].append((recorded, change))
        for tenant, found in watched.items():
            try:
                changes = await wire.changes(self._keyring, tenant, [change for _, change in found])
            except Exception as error:
                # One organisation's damage keeps nothing back from the others.
                self._fail(tenant, error)
            else:
                for (recorded, _), opened in zip(found, changes, strict=True):
                    self._send(tenant, recorded.stream, opened)

    def _send(self, tenant: UUID, conversation: UUID, change: wire.Change) -> None:
        message = change_frame(conversation, change)
        for listener in tuple(self._watching.get((tenant, conversation), ())):
            if not listener.is_visitor or change.kind in VISIBLE:
                listener.changed(conversation, change.sequence, message)

    def _end(self, recorded: Recorded[Any]) -> None:
        """Who was forgotten or has signed out hears nothing more; what others show of a forgotten person must go."""
        match recorded.fact:
            case SessionEnded():
                self._close(recorded.tenant, session=recorded.stream)
            case ErasureDecided(subject=subject):
                self._close(recorded.tenant, person=subject)
                message = frame("erased", visitor=subject)
                for listener in self._listeners:
                    if listener.tenant == recorded.tenant and not listener.is_visitor:
                        listener.push(message)

    def _close(self, tenant: UUID, *, session: UUID | None = None, person: UUID | None = None) -> None:
        for listener in self._listeners:
            is_meant = listener.session == session if session else listener.person == person
            if listener.tenant == tenant and is_meant:
                listener.close(GONE)

    def _fail(self, tenant: UUID, error: Exception) -> None:
        for listener in self._listeners:
            if listener.tenant == tenant:
                listener.fail(error)


def change_frame(conversation: UUID, change: wire.Change) -> bytes:
    """A change as live tells it; pages show the same."""
    return msgspec.json.encode({"type": "change", "conversation": conversation, "change": change})
