"""Whether there are traces: the library is an extra, and nothing of it is loaded by those who do not ask for it."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog

from application.ports import EventStore
from infrastructure.event_log.appending import AppendRequest
from infrastructure.keys.store import KeyStore

log = structlog.get_logger()
Answered = Callable[[str, str, int, float], None]


class Tracing(Protocol):
    """What looks at the parts of a process. Whoever does not trace gives back the parts as they are: then nothing
    stands between them, and it costs nothing."""

    @property
    def shared(self) -> Callable[[list[AppendRequest], float], None] | None:
        """Is told of every group commit, if it wants to be."""
        ...

    def answers(self, then: Answered) -> Answered:
        """What is told of every answer, and tells ``then`` of it."""
        ...

    def events(self, store: EventStore) -> EventStore:
        """The event store, whose commands are spans."""
        ...

    def keys(self, store: KeyStore) -> KeyStore:
        """The key store, to which every question is a span."""
        ...

    def folded(self, views: Sequence[str], page: Sequence[Any], end: int, seconds: float) -> None:
        """Is told of every step of views."""
        ...

    def stop(self) -> None:
        """Sends what is left; what nobody takes within seconds is dropped."""
        ...


class Untraced:
    """Traces that nobody wants."""

    shared = None

    def answers(self, then: Answered) -> Answered:
        return then

    def events(self, store: EventStore) -> EventStore:
        return store

    def keys(self, store: KeyStore) -> KeyStore:
        return store

    def folded(self, views: Sequence[str], page: Sequence[Any], end: int, seconds: float) -> None: ...

    def stop(self) -> None: ...


def tracing(url: str, *, share: float, process: str, current: Callable[[], UUID | None]) -> Tracing:
    """Traces of this share of requests, sent to a URL; nothing where there is none, or no library. ``process`` is the
    kind of this one, ``current`` tells the request for which it works just now."""
    if not url:
        return Untraced()
    try:
        from infrastructure.traces.watching import Traced
    except ImportError as error:
        # Nobody is served worse because nobody watches; helpr doctor says it, too.
        log.error("traces are not sent", error=type(error).__name__)
        return Untraced()
    return Traced(url, share=share, process=process, current=current)
