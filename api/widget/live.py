"""A visitor's live connection: their own conversation, and who is writing in it."""

from typing import Any
from uuid import UUID

from litestar import websocket
from litestar.di import NamedDependency

from api.conversations.broadcast import Broadcast
from api.conversations.live import Typing, Unwatch, Watch
from api.conversations.watching import Watcher, Writing
from api.live import AnySocket, Connection, Hello, Pong, frame
from api.widget.guest import Guest
from api.widget.thread import own_conversation
from application.ports import Claims, EventStore, History, Keyring, Tokens
from domain.conversations.messaging import ConversationIsUnknown
from domain.shared.ids import OrganisationId, VisitorId
from domain.visitors.visitor import Visitor

FRAMES = Hello | Pong | Watch | Unwatch | Typing


@websocket("/live", opt={"audience": "everybody", "frames": FRAMES})
async def live(
    socket: AnySocket,
    tokens: NamedDependency[Tokens],
    events: NamedDependency[EventStore],
    history: NamedDependency[History],
    keyring: NamedDependency[Keyring],
    broadcast: NamedDependency[Broadcast],
    say_typing: NamedDependency[Any],
) -> None:
    """Authenticates by its first frame; it may come from any page that embeds the widget."""

    async def may_stay(claims: Claims) -> bool:
        known = await events.load(Visitor, claims.id, tenant=OrganisationId(claims.tenant))
        return known.id is not None and not known.is_forgotten

    connection = Connection(socket, tokens, "visitor", FRAMES, may_stay=may_stay)
    watcher = Watcher(connection, broadcast, history, keyring)
    writing = Writing(watcher, say_typing)

    def welcome() -> bytes:
        watcher.welcome()
        return frame("welcome")

    async def watch(conversation: UUID, after: int) -> None:
        guest = Guest(OrganisationId(watcher.tenant), VisitorId(watcher.person))
        try:
            await own_conversation(conversation, guest, events)
        except ConversationIsUnknown as refusal:
            connection.push(frame("problem", detail=str(refusal)))
        else:
            await watcher.watch(conversation, after)

    async def hear(said: Any) -> None:
        match said:
            case Watch(conversation=conversation, after=after):
                await watch(conversation, after)
            case Unwatch(conversation=conversation):
                watcher.unwatch(conversation)
            case Typing(conversation=conversation, on=on):
                writing.tell(conversation, on)

    try:
        await connection.serve(welcome, hear)
    finally:
        watcher.goodbye()
