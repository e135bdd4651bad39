"""What a log, its keys and its views would hold if they were a few dictionaries."""

from collections.abc import Sequence
from copy import deepcopy
from functools import reduce
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from application.ports import Asked, Change, CommandReused, Receipt
from domain.compliance.erasure import SubjectIsForgotten
from domain.conversations.events import ConversationStarted, MessageSent
from domain.shared.event import Event
from domain.shared.refusal import Refusal
from infrastructure.keys.facts import scopes_of

Stream = tuple[str, UUID]
Answer = Receipt | type[Refusal]
"""What a command gives, or why it is refused."""


class Oracle:
    """One organisation. Commands come one by one: there is nothing to be late for."""

    def __init__(self) -> None:
        self.facts: dict[Stream, list[Event]] = {}
        self.log: list[tuple[int, str, UUID, int, str, UUID]] = []
        self.forgotten: set[UUID] = set()
        self._done: dict[UUID, tuple[bytes, Receipt]] = {}

    def later(self) -> "Oracle":
        """Another one, which may go on in another way."""
        return deepcopy(self)

    def change_all(self, changes: Sequence[Change], asked: Asked, made: UUID | None = None) -> Answer:
        """The first receipt of a command that was done; else what is decided happens, all of it or nothing."""
        if asked.command in self._done:
            fingerprint, first = self._done[asked.command]
            return first if fingerprint == asked.fingerprint else CommandReused
        try:
            decided = [_tuple(change.decide(self.memory(change.memory, change.stream))) for change in changes]
        except Refusal as refusal:
            return type(refusal)
        scopes = {scope for facts in decided for fact in facts for scope in scopes_of(fact)}
        if scopes & {f"subject:{person}" for person in self.forgotten}:
            return SubjectIsForgotten
        for change, facts in zip(changes, decided, strict=True):
            for fact in facts:
                self._store((change.memory.STREAM, change.stream), fact, asked.command)
        version = len(self.facts.get((changes[0].memory.STREAM, changes[0].stream), ()))
        receipt = Receipt(position=len(self.log), version=version, made=made)
        self._done[asked.command] = (asked.fingerprint, receipt)
        return receipt

    def takes(self, command: UUID, expected: Answer, given: Answer) -> bool:
        """Whether one who acted while somebody else did may be answered so. Who had nothing to say is told where the
        log stood a little later, perhaps; that is what they hear when they ask again, too."""
        if given == expected:
            return True
        if not isinstance(expected, Receipt) or not isinstance(given, Receipt):
            return False
        is_silent = all(said_by != command for *_, said_by in self.log)
        is_later = expected.position < given.position <= len(self.log)
        if not is_silent or not is_later or replace(given, position=expected.position) != expected:
            return False
        self._done[command] = (self._done[command][0], given)
        return True

    def memory(self, kind: type[Any], stream: UUID) -> Any:
        """What an aggregate remembers, from its first fact on."""
        return reduce(lambda memory, fact: memory.after(fact), self.facts.get((kind.STREAM, stream), ()), kind())

    def forget(self, person: UUID) -> None:
        """Nothing that was said to or by this person can be read from now on."""
        self.forgotten.add(person)

    def said(self, conversation: UUID) -> list[str | None]:
        """The words of a conversation; None for those of somebody who was forgotten."""
        return [
            None if fact.visitor in self.forgotten else str(fact.text)
            for fact in self.facts.get(("conversation", conversation), ())
            if isinstance(fact, MessageSent)
        ]

    def conversations(self) -> list[UUID]:
        """Those that somebody has started."""
        return [stream for (_, stream), facts in self.facts.items() if isinstance(facts[0], ConversationStarted)]

    def _store(self, stream: Stream, fact: Event, command: UUID) -> None:
        facts = self.facts.setdefault(stream, [])
        facts.append(fact)
        self.log.append((len(self.log) + 1, *stream, len(facts), fact.NAME, command))


def _tuple(decided: Event | tuple[Event, ...]) -> tuple[Event, ...]:
    return decided if isinstance(decided, tuple) else (decided,)
