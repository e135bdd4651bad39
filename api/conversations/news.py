"""News of the inbox: rows that are new or have changed, as soon as the view shows them."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.conversations import wire
from api.live import Connection, frame
from application.ports import History, Keyring
from domain.compliance.events import ErasureDecided
from domain.conversations.conversation import Conversation
from domain.shared.recorded import Recorded
from domain.visitors.events import VisitorIdentified
from projections.conversations import inbox, inbox_queries
from projections.conversations.inbox_queries import InboxRow
from projections.view import Reads

PAGE = 500
MOST_MISSED = 5_000
"""Facts after which a list is fetched anew rather than mended."""
MOST_ROWS = 200
PAUSE = 0.03
"""Seconds in which news gather: an agent does not see the difference, a busy inbox does."""
Page = Sequence[Recorded[Any]]


class Touched(msgspec.Struct):
    """Whose rows have changed since somebody was told, and at which position they did so last."""

    conversations: dict[UUID, int] = {}
    visitors: dict[UUID, int] = {}

    def add(self, recorded: Recorded[Any]) -> None:
        """A fact that may change rows of the inbox."""
        match recorded.fact:
            case VisitorIdentified(visitor=visitor):
                self.visitors[visitor] = recorded.position
            case ErasureDecided(subject=subject):
                self.visitors[subject] = recorded.position
            case _ if recorded.kind == Conversation.STREAM:
                self.conversations[recorded.stream] = recorded.position

    def take(self, position: int) -> "Touched":
        """What had changed by a position, which is not remembered any more; a busy log leaves something behind."""
        taken = Touched(_until(self.conversations, position), _until(self.visitors, position))
        for id in taken.conversations:
            del self.conversations[id]
        for id in taken.visitors:
            del self.visitors[id]
        return taken


class News:
    """Tells agents of changed rows. A subscriber's first news are what it missed; meanwhile the rest is held back."""

    def __init__(self, reads: Reads, history: History, keyring: Keyring) -> None:
        self._reads, self._history, self._keyring = reads, history, keyring
        self._subscribers: dict[UUID, dict[Connection, list[bytes] | None]] = defaultdict(dict)
        self._touched: dict[UUID, Touched] = {}
        self._followed = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="news of the inbox")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def follow(self, page: Page) -> None:
        """A page of the log."""
        for recorded in page:
            if recorded.tenant in self._subscribers:
                self._touched.setdefault(recorded.tenant, Touched()).add(recorded)
        self._followed = page[-1].position
        self._wake.set()

    def moved(self, view: str) -> None:
        """A view has moved on."""
        if view == inbox.NAME:
            self._wake.set()

    def unsubscribe(self, tenant: UUID, connection: Connection) -> None:
        self._subscribers[tenant].pop(connection, None)
        if not self._subscribers[tenant]:
            del self._subscribers[tenant]
            self._touched.pop(tenant, None)

    async def subscribe(self, tenant: UUID, connection: Connection, after: int) -> None:
        """Sends the rows that changed after a position, or that too much has; then what changes from now on."""
        self._subscribers[tenant][connection] = []
        head = await self._history.head()
        if head - after > MOST_MISSED:
            connection.push(frame("reload"))
        else:
            await self._catch_up(tenant, connection, after, head)
        held = self._subscribers[tenant].get(connection)
        self._subscribers[tenant][connection] = None
        for message in held or ():
            connection.push(message)

    async def _catch_up(self, tenant: UUID, connection: Connection, after: int, head: int) -> None:
        missed = Touched()
        while after < head and (page := await self._history.after(after, most=PAGE)):
            for recorded in page:
                if recorded.tenant == tenant:
                    missed.add(recorded)
            after = page[-1].position
        for message in await self._messages(tenant, missed, after):
            await connection.room()
            connection.push(message)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for tenant in tuple(self._touched):
                try:
                    await self._tell(tenant)
                except Exception as error:
                    # One organisation's damage keeps no other's news back.
                    for connection in self._subscribers.get(tenant, {}):
                        connection.fail(error)
            await asyncio.sleep(PAUSE)

    async def _tell(self, tenant: UUID) -> None:
        # A view may be further than we have heard: whoever is told of a position asks for nothing up to there again.
        position = min(self._reads.position(tenant, inbox.NAME), self._followed)
        touched = self._touched.get(tenant, Touched()).take(position)
        for message in await self._messages(tenant, touched, position):
            for connection, held in tuple(self._subscribers.get(tenant, {}).items()):
                if held is None:
                    connection.push(message)
                else:
                    held.append(message)

    async def _messages(self, tenant: UUID, touched: Touched, position: int) -> list[bytes]:
        if not touched.conversations and not touched.visitors:
            return []
        found: dict[UUID, InboxRow] = {}
        async with self._reads(tenant, inbox.NAME, at_least=position) as db:
            for part in _parts(touched.conversations):
                found |= {row.conversation: row for row in await inbox_queries.rows(db, tenant, part)}
            for part in _parts(touched.visitors):
                rows = await inbox_queries.rows_of_visitors(db, tenant, part, limit=MOST_ROWS)
                found |= {row.conversation: row for row in rows}
        shown = await wire.rows(self._keyring, tenant, list(found.values()))
        parts = [shown[start : start + 50] for start in range(0, len(shown), 50)]
        return [msgspec.json.encode({"type": "inbox", "position": position, "rows": part}) for part in parts or [[]]]


def _until(touched: dict[UUID, int], position: int) -> dict[UUID, int]:
    return {id: at for id, at in touched.items() if at <= position}


def _parts(ids: Iterable[UUID]) -> list[list[UUID]]:
    listed = sorted(ids)
    return [listed[start : start + MOST_ROWS] for start in range(0, len(listed), MOST_ROWS)]
