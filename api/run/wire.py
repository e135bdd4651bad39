"""HTTP as it comes over the wire: uvicorn's protocol, with an end to what may stand before a body."""

import asyncio
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api import at_once
from api.at_once import Fixed, Pairs

LONGEST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
SLOWEST_HEAD = 15.0
"""Seconds in which they have to come, once somebody is connected or has begun."""
MOST_HEADERS = 100
OLDEST = "1.0"
"""Before that, requests had no headers, and answers neither."""


class NoRequest(Exception):
    """This is not taken for a request."""


class BoundedProtocol(HttpToolsProtocol):
    """Neither uvicorn nor httptools says how long a head may be, nor how long it may take. One that is too long gets a
    400 and no more; whoever says nothing, or half of one, is not waited for."""

    _head = 0
    _is_head = _is_live = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_live:
            return
        if self._is_head:
            self._head += len(data)
            if self._head > LONGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")
        if self._is_head or self.cycle is None or self.cycle.response_complete:
            self._wait()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._is_live = True

    def on_message_begin(self) -> None:
        self._is_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        """Raises NoRequest, which the parser turns into a refusal."""
        self._is_head = False
        self._wait_no_more()
        size = len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
        if len(self.headers) > MOST_HEADERS or size > LONGEST_HEAD or self.parser.get_http_version() < OLDEST:
            raise NoRequest
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            exchange: Any = Exchange(self.cycle, self.server_state.default_headers)
            self.scope["extensions"] = {at_once.NAME: exchange}

    def _wait(self) -> None:
        """For the next head, but not for ever."""
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Exchange:
    """One request and its answer, for whoever wants both in one piece. It does what uvicorn's own cycle does in parts:
    its version is pinned."""

    __slots__ = ("_cycle", "_defaults")

    def __init__(self, cycle: RequestResponseCycle, defaults: list[tuple[bytes, bytes]]) -> None:
        self._cycle, self._defaults = cycle, defaults

    def heard(self) -> bytes | None:
        cycle = self._cycle
        return None if cycle.more_body or cycle.disconnected else bytes(cycle.body)

    def answer(self, status: int, always: Fixed, headers: Pairs, body: bytes) -> bool:
        cycle = self._cycle
        if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
            return False
        own = [*self._defaults, *headers]
        lines = _lines(own)
        # Uvicorn says what is wrong with a header in which another one could begin.
        if lines.count(b"\n") != len(own) or lines.count(b"\r") != len(own):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join((STATUS_LINE[status], lines, _known_lines(always), b"\r\n", body)))
        cycle.message_event.set()
        cycle.on_response()
        return True


def _lines(headers: Pairs) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_known_lines = lru_cache(maxsize=16)(_lines)
