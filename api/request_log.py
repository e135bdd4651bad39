"""What is logged of a request: its ids on every line that is said for it, and a line of its own when it failed, was
slow, or is one of those that are picked out."""

from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import structlog

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""The name of what is not in its set."""
SLOW = 1.0
"""Seconds from a request to the head of its answer after which somebody should hear of it."""
CURRENT: ContextVar[MutableMapping[str, Any]] = ContextVar("current")
"""The ASGI scope of the request or the live connection for which this task works. Nothing is made of it until a line is
logged: that keeps the price for the others at the setting of a variable."""

Line = MutableMapping[str, Any]
log = structlog.get_logger()


def request_id() -> UUID | None:
    """The request for which this task works; None when there is none, as for live connections."""
    scope = CURRENT.get(None)
    if scope is None or scope["type"] != "http":
        return None
    found: UUID | None = scope["state"].get("request_id")
    return found


def with_ids(_logger: object, _level: str, line: Line) -> Line:
    """A structlog processor: which request a line is about, on which route, by which command, and whose consequence
    that is."""
    scope = CURRENT.get(None)
    if scope is None:
        return line
    state = scope.get("state") or {}
    line.setdefault("request", state.get("request_id"))
    line.setdefault("route", scope.get("path_template", ""))
    if (asked := state.get("asked")) is not None:
        line.setdefault("command", asked.command)
        line.setdefault("correlation", asked.correlation)
    return line


def place_of(error: BaseException) -> str:
    """The file and the line that raised an error; its words may hold data."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{place.tb_lineno}" if place else ""


class RequestLog:
    """Is told of every answer, and tells ``then`` of it, where nobody has heard of the method as "other". One in
    ``every`` gets a line, whatever it was; 0 is none."""

    def __init__(self, every: int, then: Callable[[str, str, int, float], None]) -> None:
        self._every, self._then, self._count = every, then, 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """What is said of it is the least that helps: neither path nor query, neither address nor browser."""
        method = method if method in METHODS else OTHER
        self._then(route, method, status, seconds)
        if status >= 500:
            log.warning("a request failed", method=method, status=status, seconds=round(seconds, 4))
        elif seconds >= SLOW:
            log.warning("a request was slow", method=method, status=status, seconds=round(seconds, 4))
        elif self._every:
            self._count += 1
            if self._count % self._every == 0:
                log.info("a request", method=method, status=status, seconds=round(seconds, 4))
