"""Commands as spans: what was decided, how often, and what kind of refusal came of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from application.ports import Asked, Change, EventStore, M, Receipt
from domain.shared.event import Facts
from infrastructure.traces.sending import Traces


class TracedEvents:
    """An event store, looked at from outside. It is one itself."""

    def __init__(self, events: EventStore, traces: Traces) -> None:
        self._events, self._traces = events, traces
        self.load, self.refresh = events.load, events.refresh

    async def change(
        self, memory: type[M], stream: UUID, decide: Callable[[M], Facts], *, asked: Asked, made: UUID | None = None
    ) -> Receipt:
        return await self.change_all([Change(memory, stream, decide)], asked=asked, made=made)

    async def change_all(self, changes: Sequence[Change], *, asked: Asked, made: UUID | None = None) -> Receipt:
        tries = 0

        def counted(decide: Callable[[Any], Facts], memory: Any) -> Facts:
            nonlocal tries
            tries += 1
            return decide(memory)

        first, *others = changes
        watched = [Change(first.memory, first.stream, partial(counted, first.decide)), *others]
        said = {"helpr.command": name_of(first.decide), "helpr.command_id": str(asked.command)}
        with self._traces.command(said["helpr.command"], asked.correlation, said) as note:
            try:
                receipt = await self._events.change_all(watched, asked=asked, made=made)
                note("helpr.position", receipt.position)
                return receipt
            finally:
                note("helpr.tries", tries)


def name_of(decide: Callable[..., Any]) -> str:
    """The name of a decision in our source: ``conversations.messaging.send_message``."""
    while isinstance(decide, partial):
        decide = decide.func
    return f"{decide.__module__.removeprefix('domain.')}.{decide.__qualname__}"
