"""Watching one conversation after the other: what was missed first, then what happens, nothing twice."""

import time
from collections.abc import Callable
from uuid import UUID

from api.conversations import wire
from api.conversations.broadcast import VISIBLE, Broadcast, change_frame
from api.live import Connection
from application.ports import History, Keyring
from domain.conversations.conversation import Conversation
from projections.conversations import thread

PAGE = 500
MOST = 50
"""Conversations that one connection watches at the same time."""
TYPING_EVERY = 1.0


class Watcher:
    """A connection, and the conversations it watches. While the past of one is fetched, its present is held back."""

    def __init__(self, connection: Connection, broadcast: Broadcast, history: History, keyring: Keyring) -> None:
        self._connection, self._broadcast, self._history, self._keyring = connection, broadcast, history, keyring
        self._held: dict[UUID, list[tuple[int, bytes]]] = {}
        self._sent: dict[UUID, int] = {}
        self.is_visitor = False
        self.tenant = self.person = UUID(int=0)
        self.session: UUID | None = None

    def welcome(self) -> None:
        """The connection has said who it is."""
        claims = self._connection.claims
        assert claims is not None
        self.tenant, self.person, self.session = claims.tenant, claims.id, claims.session
        self.is_visitor = claims.session is None
        self._broadcast.join(self)

    def goodbye(self) -> None:
        """The connection is gone."""
        for conversation in tuple(self._sent):
            self.unwatch(conversation)
        self._broadcast.leave(self)

    def push(self, message: bytes) -> None:
        self._connection.push(message)

    def close(self, code: int) -> None:
        self._connection.close(code)

    def fail(self, error: BaseException) -> None:
        self._connection.fail(error)

    def changed(self, conversation: UUID, sequence: int, message: bytes) -> None:
        """The broadcast tells of a change."""
        if (held := self._held.get(conversation)) is not None:
            held.append((sequence, message))
        elif sequence > self._sent.get(conversation, 0):
            self._sent[conversation] = sequence
            self.push(message)

    def is_watching(self, conversation: UUID) -> bool:
        return conversation in self._sent

    async def watch(self, conversation: UUID, after: int) -> None:
        """Sends what followed ``after``, then goes on with what happens."""
        if len(self._sent) >= MOST and conversation not in self._sent:
            self.unwatch(next(iter(self._sent)))
        self._held[conversation], self._sent[conversation] = [], after
        self._broadcast.watch(self, conversation)
        await self._catch_up(conversation)
        for sequence, message in self._held.pop(conversation, []):
            self.changed(conversation, sequence, message)

    def unwatch(self, conversation: UUID) -> None:
        self._broadcast.unwatch(self, conversation)
        self._sent.pop(conversation, None)
        self._held.pop(conversation, None)

    async def _catch_up(self, conversation: UUID) -> None:
        """Until a page is not full: what has come since then is held back already."""
        is_full = True
        while is_full:
            after = self._sent[conversation]
            facts = await self._history.stream(self.tenant, Conversation.STREAM, conversation, after=after, most=PAGE)
            missed = [shown for recorded in facts if (shown := thread.change(recorded)) is not None]
            for change in await wire.changes(self._keyring, self.tenant, missed):
                if not self.is_visitor or change.kind in VISIBLE:
                    await self._connection.room()
                    self.push(change_frame(conversation, change))
            is_full = len(facts) == PAGE
            if facts:
                self._sent[conversation] = facts[-1].version


class Writing:
    """Passes on that somebody writes, at most once a second and only where they watch, and that they have stopped, once
    for each time that they began."""

    def __init__(self, watcher: Watcher, say: Callable[[str], None]) -> None:
        self._watcher, self._say = watcher, say
        self._last = -TYPING_EVERY
        self._where: UUID | None = None

    def tell(self, conversation: UUID, on: bool) -> None:
        now = time.monotonic()
        is_news = now - self._last >= TYPING_EVERY if on else conversation == self._where
        if not is_news or not self._watcher.is_watching(conversation):
            return
        self._last, self._where = (now, conversation) if on else (self._last, None)
        kind = "visitor" if self._watcher.is_visitor else "agent"
        self._say(f"{self._watcher.tenant} {conversation} {kind} {self._watcher.person} {int(on)}")
