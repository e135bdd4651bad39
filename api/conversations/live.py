"""The agents' live connection: the inbox, the conversations they look at, who is writing."""

import time
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.di import NamedDependency

from api.caller import RequestIsForged, may_still
from api.conversations.broadcast import Broadcast
from api.conversations.news import News
from api.conversations.watching import Watcher, Writing
from api.live import REFUSED, AnySocket, Connection, Hello, Pong, frame
from api.origin import is_same_origin
from application.ports import Claims, EventStore, History, Keyring, Tokens
from domain.shared.permission import Permission
from projections.conversations import inbox
from projections.view import Reads


class InboxFrame(msgspec.Struct, frozen=True, tag_field="type", tag="inbox", forbid_unknown_fields=True):
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Watch(msgspec.Struct, frozen=True, tag_field="type", tag="watch", forbid_unknown_fields=True):
    conversation: UUID
    after: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Unwatch(msgspec.Struct, frozen=True, tag_field="type", tag="unwatch", forbid_unknown_fields=True):
    conversation: UUID


class Typing(msgspec.Struct, frozen=True, tag_field="type", tag="typing", forbid_unknown_fields=True):
    conversation: UUID
    on: bool


FRAMES = Hello | Pong | InboxFrame | Watch | Unwatch | Typing


@websocket("/live", opt={"audience": "everybody", "frames": FRAMES})
async def live(
    socket: AnySocket,
    tokens: NamedDependency[Tokens],
    events: NamedDependency[EventStore],
    history: NamedDependency[History],
    keyring: NamedDependency[Keyring],
    reads: NamedDependency[Reads],
    broadcast: NamedDependency[Broadcast],
    news: NamedDependency[News],
    say_typing: NamedDependency[Any],
) -> None:
    """Authenticates by its first frame; only pages of our own may open it."""
    if not is_same_origin(socket):
        raise RequestIsForged

    async def may_stay(claims: Claims, permission: Permission = Permission.READ) -> bool:
        return await may_still(permission, claims, events=events, now=time.time())

    connection = Connection(socket, tokens, "agent", FRAMES, may_stay=may_stay)
    watcher = Watcher(connection, broadcast, history, keyring)
    writes = Writing(watcher, say_typing)

    def welcome() -> bytes:
        watcher.welcome()
        return frame("welcome", position=reads.position(watcher.tenant, inbox.NAME))

    async def hear(said: Any) -> None:
        claims = connection.claims
        match said:
            case InboxFrame() | Watch() if claims is None or not await may_stay(claims):
                connection.close(REFUSED)
            case InboxFrame(after=after):
                await news.subscribe(watcher.tenant, connection, after)
            case Watch(conversation=conversation, after=after):
                await watcher.watch(conversation, after)
            case Unwatch(conversation=conversation):
                watcher.unwatch(conversation)
            case Typing(conversation=conversation, on=on) if claims and await may_stay(claims, Permission.CONVERSE):
                writes.tell(conversation, on)

    try:
        await connection.serve(welcome, hear)
    finally:
        watcher.goodbye()
        news.unsubscribe(watcher.tenant, connection)
