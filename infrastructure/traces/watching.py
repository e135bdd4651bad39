"""The parts of a process, looked at: requests, commands, group commits, steps of views, questions to the key store."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from application.ports import EventStore
from infrastructure.event_log.appending import AppendRequest
from infrastructure.keys.store import KeyStore
from infrastructure.traces.commands import TracedEvents
from infrastructure.traces.key_calls import traced
from infrastructure.traces.sending import Attributes, Traces
from infrastructure.traces.wanted import Answered


class Traced:
    """Tracing that sends."""

    def __init__(self, url: str, *, share: float, process: str, current: Callable[[], UUID | None]) -> None:
        self._traces = Traces(url, share=share, process=process, current=current)

    def answers(self, then: Answered) -> Answered:
        """A request is over with the head of its answer."""

        def answered(route: str, method: str, status: int, seconds: float) -> None:
            then(route, method, status, seconds)
            self._traces.answered(route, method, status, seconds)

        return answered

    def events(self, store: EventStore) -> EventStore:
        return TracedEvents(store, self._traces)

    def keys(self, store: KeyStore) -> KeyStore:
        return traced(store, self._traces)

    def shared(self, requests: list[AppendRequest], seconds: float) -> None:
        """A group commit, linked to the requests whose commands it stored."""
        facts = sum(len(request.facts) for request in requests)
        said = {"helpr.batch.commands": len(requests), "helpr.batch.facts": facts}
        self._traces.batch("group commit", [request.correlation for request in requests], said, seconds)

    def folded(self, views: Sequence[str], page: Sequence[Any], end: int, seconds: float) -> None:
        """A step of views, linked to the requests of whose facts it was; a fact that nobody can read names none."""
        mine = [fact for fact in page if fact.position <= end and hasattr(fact, "correlation")]
        said: Attributes = {"helpr.views": " ".join(views), "helpr.position": end, "helpr.batch.facts": len(mine)}
        self._traces.batch("view batch", [fact.correlation for fact in mine], said, seconds)

    def stop(self) -> None:
        self._traces.stop()
