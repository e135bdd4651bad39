"""Agents' pages for those who break connections: they watch conversations, come back, or read nothing at all."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import websockets

from domain.accounts.events import Role
from infrastructure.processes import leash
from tests.house import Helpr, Visitor, arrived, founded, signed_in

ROOMS = 10
"""Conversations that everybody watches."""
LITTLE = 4096
"""Bytes that the system keeps for somebody who does not read."""
READ = """
import os, select, sys
waiting = select.epoll()
for fd in map(int, sys.argv[1:]):
    waiting.register(fd, select.EPOLLIN)
while True:
    for fd, _ in waiting.poll():
        try:
            if not os.read(fd, 65536):
                waiting.unregister(fd)
        except BlockingIOError:
            pass
"""


class Console:
    """An agent's page: it watches conversations, and comes back with what it heard last."""

    def __init__(self, helpr: Helpr, token: str, rooms: Sequence[UUID]) -> None:
        self._url, self._token = helpr.url.replace("http", "ws") + "/v1/live", token
        self.last = dict.fromkeys(rooms, 0)
        self.heard: dict[UUID, list[int]] = {room: [] for room in rooms}
        self.at: dict[str, float] = {}
        self._news = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None
        self.socket: websockets.ClientConnection | None = None

    async def comes(self) -> None:
        """Connects and goes on behind what was heard last."""
        self.socket = await websockets.connect(self._url, compression=None, open_timeout=60, ping_interval=None)
        await self._say(type="hello", token=self._token)
        for room, sequence in self.last.items():
            await self._say(type="watch", conversation=str(room), after=sequence)
        self._hearing = asyncio.create_task(self._hear(self.socket))

    async def has_heard(self, said: dict[UUID, int]) -> None:
        """Waits until everything up to here was heard."""
        while any(last < said[room] for room, last in self.last.items()):
            self._news.clear()
            await self._news.wait()

    def is_cut(self) -> None:
        """Without a goodbye."""
        assert self.socket is not None
        assert self._hearing is not None
        self._hearing.cancel()
        self.socket.transport.abort()

    async def _say(self, **frame: Any) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(frame))

    async def _hear(self, socket: websockets.ClientConnection) -> None:
        async for message in socket:
            frame = json.loads(message)
            if frame["type"] == "change":
                room, change = UUID(frame["conversation"]), frame["change"]
                self.last[room] = change["sequence"]
                self.heard[room].append(change["sequence"])
                self.at[change["text"] or ""] = time.perf_counter()
                self._news.set()
            elif frame["type"] == "ping":
                await self._say(type="pong")


class Room:
    """Conversations that go on, and how far each of them has come."""

    def __init__(self, helpr: Helpr, visitors: list[Visitor], token: str) -> None:
        self.helpr, self.visitors, self.token = helpr, visitors, token
        self.said: dict[UUID, int] = {}
        self.sent: dict[str, float] = {}

    @property
    def places(self) -> list[UUID]:
        return [visitor.conversation for visitor in self.visitors if visitor.conversation]

    def console(self, *places: UUID) -> Console:
        """An agent's page that looks at these conversations, or at all of them."""
        return Console(self.helpr, self.token, places or self.places)

    async def go_on(self, turns: int, *, text: str = "Hello?", pause: float = 0.0) -> None:
        """So many messages, one visitor after the other."""
        for turn in range(turns):
            visitor = self.visitors[turn % len(self.visitors)]
            words = f"{len(self.sent)} {text}"
            self.sent[words] = time.perf_counter()
            await self._say(visitor, words)
            await asyncio.sleep(pause)

    async def _say(self, visitor: Visitor, words: str) -> None:
        """Again where Helpr is too busy just now, as pages do."""
        if visitor.conversation is None:
            answer = await visitor.says(words)
        else:
            path, key = f"/widget/v1/conversations/{visitor.conversation}/messages", {"Idempotency-Key": str(uuid4())}
            for _ in range(100):
                answer = await visitor.client.post(path, json={"text": words}, headers=key)
                if answer.status_code != 503:
                    break
                await asyncio.sleep(0.1)
            assert answer.status_code == 201, answer.text
        assert visitor.conversation is not None
        self.said[visitor.conversation] = answer.json()["sequence"]


async def room_of(helpr: Helpr) -> Room:
    """An organisation with an agent who is signed in, and conversations that have begun."""
    organisation = await founded(helpr, "sockets")
    agent = await signed_in(helpr, organisation, Role.AGENT)
    token = (await agent.post("/v1/session/live-token")).json()["token"]
    room = Room(helpr, [await arrived(helpr, organisation) for _ in range(ROOMS)], token)
    await room.go_on(ROOMS)
    return room


async def at_once(consoles: Sequence[Console]) -> None:
    """They all come in the same moment; whoever is not let in tries again, as pages do."""

    async def come(console: Console) -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                return await console.comes()
            await asyncio.sleep(0.2)

    await asyncio.gather(*map(come, consoles))


async def reads_nothing(room: Room) -> websockets.ClientConnection:
    """A page whose owner has gone to lunch: it watches what the others watch."""
    parts = urlsplit(room.helpr.url)
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    link.setblocking(False)
    await asyncio.get_running_loop().sock_connect(link, (parts.hostname, parts.port))
    url = f"ws://{parts.netloc}/v1/live"
    stalled = await websockets.connect(url, sock=link, compression=None, max_queue=1, ping_interval=None)
    await stalled.send(json.dumps({"type": "hello", "token": room.token}))
    for place in room.places:
        await stalled.send(json.dumps({"type": "watch", "conversation": str(place), "after": room.said[place]}))
    stalled.transport.pause_reading()
    return stalled


@contextmanager
def reading(stalled: Sequence[websockets.ClientConnection]) -> Iterator[None]:
    """Their owners are back, in a process of their own: until the end of this all that comes is read."""
    sockets = [each.transport.get_extra_info("socket").fileno() for each in stalled]
    reader = subprocess.Popen([sys.executable, "-c", READ, *map(str, sockets)], pass_fds=sockets, preexec_fn=leash())
    try:
        yield
    finally:
        reader.kill()
        reader.wait()


async def reads_to_the_end(stalled: websockets.ClientConnection) -> None:
    """What had come nevertheless, up to where Helpr has hung up; fails when it has not."""
    link = socket.socket(fileno=os.dup(stalled.transport.get_extra_info("socket").fileno()))
    async with asyncio.timeout(30):
        with link, contextlib.suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(link, 65536):
                pass
    stalled.transport.abort()


async def pace(room: Room, readers: Sequence[Console], *, turns: int = 200) -> float:
    """The milliseconds after which 99 of 100 messages were heard by a reader."""
    before = len(room.sent)
    await room.go_on(turns, pause=0.01)
    await asyncio.gather(*(reader.has_heard(room.said) for reader in readers))
    words = list(room.sent)[before:]
    taken = sorted(reader.at[said] - room.sent[said] for reader in readers for said in words)
    return taken[len(taken) * 99 // 100] * 1000


async def until_so_many_listen(helpr: Helpr, number: int, *, seconds: float = 30) -> None:
    """Waits for it; fails when it does not come to that."""
    deadline = time.monotonic() + seconds
    while (listening := helpr.house.broadcast.listening) != number:
        assert time.monotonic() < deadline, f"{listening} listen, not {number}"
        await asyncio.sleep(0.02)
