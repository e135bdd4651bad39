"""HTTP as it comes over the wire: uvicorn's protocol, with an end to what may stand before a body."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
MOST_HEADERS = 100
OLDEST = "1.0"
"""Before that, requests had no headers, and answers neither."""


class NoRequest(Exception):
    """This is not taken for a request."""


class BoundedProtocol(HttpToolsProtocol):
    """Neither uvicorn nor httptools says how long a head may be. One that is too long gets a 400 and no more."""

    _head = 0
    _is_head = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_head:
            self._head += len(data)
            if self._head > LONGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")

    def on_message_begin(self) -> None:
        self._is_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        """Raises NoRequest, which the parser turns into a refusal."""
        self._is_head = False
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.headers) > MOST_HEADERS or size > LONGEST_HEAD or self.parser.get_http_version() < OLDEST:
            raise NoRequest
        return super().on_headers_complete()
