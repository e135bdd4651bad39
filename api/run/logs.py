"""Logs of the processes, on standard error: one JSON object a line, or columns on a terminal. They hold ids, never
content."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from structlog.typing import Processor

from api.request_log import Line, place_of, with_ids

MOST = 20
"""Lines of one kind a second. When a part is away every request has the same to say."""
log = structlog.get_logger()


class Kinds(logging.Handler):
    """What libraries say, without their words: an error's may hold what somebody wrote, and so may a traceback's."""

    def emit(self, record: logging.LogRecord) -> None:
        """The level, who says it, and the kind of the error if there is one."""
        kind = record.exc_info[0] if record.exc_info else None
        said = {"logger": record.name} | ({"error": kind.__name__} if kind else {})
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say("a library has something to say", **said)


class Flood:
    """A structlog processor: of each kind so many lines a second are let through; the next one tells how many were
    not."""

    def __init__(self, most: int = MOST, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._second = 0
        self._said: dict[str, int] = {}
        self._unsaid: dict[str, int] = {}

    def __call__(self, _logger: object, level: str, line: Line) -> Line:
        """Raises DropEvent."""
        if level in ("debug", "info"):
            return line
        kind, second = line["event"], int(self._clock())
        if second != self._second:
            self._second, self._said = second, {}
        said = self._said[kind] = self._said.get(kind, 0) + 1
        if said > self._most:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            raise structlog.DropEvent
        if unsaid := self._unsaid.pop(kind, 0):
            line["unsaid"] = unsaid
        return line


def log_to_stderr(level: str = "info") -> None:
    """Call it first thing in a process. Libraries are heard from warnings up, whatever the level."""
    processors: list[Processor] = [
        with_ids,
        structlog.processors.add_log_level,
        Flood(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    factory: Any
    if sys.stderr.isatty():
        processors += [_readable, structlog.dev.ConsoleRenderer()]
        factory = structlog.PrintLoggerFactory(sys.stderr)
    else:
        processors += [structlog.processors.JSONRenderer(serializer=_json)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[Kinds()])


def last_words(error: Exception) -> None:
    """What ends this process: its kind, and where."""
    log.critical("the process ends", error=type(error).__name__, where=place_of(error))


def _json(line: Line, **_options: Any) -> bytes:
    """Of what is no plain value the kind is told: its words may hold data."""
    return msgspec.json.encode(line, enc_hook=lambda value: type(value).__name__)


def _readable(_logger: object, _level: str, line: Line) -> Line:
    """What the line of JSON would say, in columns."""
    plain: Line = msgspec.json.decode(_json(line))
    return plain
