"""A process that is about to end says so to whoever still comes: where many stand behind a balancer, nobody notices."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from api.live import RESTARTING
from api.shell import App, Message, Receive, Scope, Send

LEAVING = 0.5
"""Seconds between saying so and listening no more: whoever asks readyz has heard it."""
KEPT = 3.0
"""Seconds in which connections that are kept may ask for the last time. Idle ones are closed then: whoever asks
something at that very moment gets no answer, so it comes late and meets few."""
LOOK = 0.05
CLOSE = (b"connection", b"close")


class Leaving:
    """Between the server and the application. ``let_go`` ends the live connections that there are."""

    def __init__(self, app: App, *, let_go: Callable[[], None]) -> None:
        self._app, self._let_go = app, let_go
        self._is_leaving = False

    async def leave(self, port: int) -> None:
        """From now on the process is not ready, every answer is the last one on its connection, and live connections
        are to come back, which they do elsewhere. Soon nobody is taken any more. Returns when all have gone, or have
        had the time to."""
        self._is_leaving = True
        self._let_go()
        await asyncio.sleep(LEAVING)
        stop_listening(port)
        for _ in range(round(KEPT / LOOK)):
            if not connections(port):
                return
            await asyncio.sleep(LOOK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_leaving:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": RESTARTING})
        else:
            scope.setdefault("state", {})["is_leaving"] = True
            scope.pop("extensions", None)
            await self._app(scope, receive, _as_the_last(send))


def _as_the_last(send: Send) -> Send:
    """Ends the connection after the answer."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
        await send(message)

    return told


def stop_listening(port: int) -> None:
    """Whoever comes to this port is refused at once, while the connections that there are stay: the server itself
    closes idle ones in the same moment, among them those whose first request is on its way. Its socket is exchanged
    for one that nobody can reach."""
    with socket.socket() as nowhere:
        for fd, is_listening in _sockets(port):
            if is_listening:
                os.dup2(nowhere.fileno(), fd, inheritable=False)


def connections(port: int) -> int:
    """How many connections to this port are open in this process."""
    return sum(not is_listening for _, is_listening in _sockets(port))


def _sockets(port: int) -> Iterator[tuple[int, bool]]:
    """The descriptors of sockets of this port, and whether each listens."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError), _copy_of(int(name)) as found:
            where = found.getsockname()
            if isinstance(where, tuple) and where[1] == port:
                yield int(name), bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


@contextmanager
def _copy_of(fd: int) -> Iterator[socket.socket]:
    """A socket that may be closed; raises OSError for what is none."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise OSError
    copy = os.dup(fd)
    try:
        found = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with found:
        yield found
