"""Memories of aggregates, kept as long as they are in use and fast-forwarded as the log goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec

from domain.shared.event import Event
from domain.shared.recorded import Recorded

Key = tuple[int, str, int]
"""A stream: tenant, kind, id. As numbers: a UUID is hashed in Python, a number is not."""


def key_of(tenant: UUID, kind: str, stream: UUID) -> Key:
    """What a stream's memory is found by."""
    return tenant.int, kind, stream.int


class Remembered(msgspec.Struct, frozen=True):
    """A memory, and the version of the stream that it reflects."""

    memory: Any
    version: int


class Heard:
    """The newest version that was heard of while a stream is being read, by so many."""

    def __init__(self) -> None:
        self.version, self.readers = 0, 0


class Memories:
    """At most so many memories. They are kept in two halves: what is used comes to the front one, and when that is full
    the other one, which nobody used meanwhile, is let go."""

    def __init__(self, most: int = 50_000) -> None:
        self._half = max(1, most // 2)
        self._front: dict[Key, Remembered] = {}
        self._back: dict[Key, Remembered] = {}
        self._heard: dict[Key, Heard] = {}
        self.reads = 0
        """How often a stream was read because of what is not remembered, or was written by somebody else."""

    def __len__(self) -> int:
        return len(self._front) + len(self._back)

    def get(self, stream: Key) -> Remembered | None:
        found = self._front.get(stream)
        if found is None and (found := self._back.pop(stream, None)) is not None:
            self._keep(stream, found)
        return found

    def put(self, stream: Key, remembered: Remembered) -> None:
        """Keeps a memory, unless a newer one is kept already."""
        known = self.get(stream)
        if known is None or known.version < remembered.version:
            self._keep(stream, remembered)

    def forget(self, stream: Key) -> None:
        """What is remembered of a stream is not to be relied on."""
        self._front.pop(stream, None)
        self._back.pop(stream, None)

    @contextmanager
    def reading(self, stream: Key) -> Iterator[Heard]:
        """Until the end of this a stream is being read, which is not remembered yet: what is heard of it meanwhile may
        be newer than what was read."""
        heard = self._heard.setdefault(stream, Heard())
        heard.readers += 1
        try:
            yield heard
        finally:
            heard.readers -= 1
            if not heard.readers:
                del self._heard[stream]

    def follow(self, recorded: Recorded[Event]) -> None:
        """Something happened, here or in another process: what is remembered of that stream follows."""
        stream = key_of(recorded.tenant, recorded.kind, recorded.stream)
        if (heard := self._heard.get(stream)) is not None:
            heard.version = max(heard.version, recorded.version)
        half = self._front if stream in self._front else self._back
        known = half.get(stream)
        if known is None or known.version >= recorded.version:
            return
        if known.version == recorded.version - 1:
            half[stream] = Remembered(known.memory.after(recorded.fact), recorded.version)
        else:
            del half[stream]

    def _keep(self, stream: Key, remembered: Remembered) -> None:
        self._front[stream] = remembered
        if len(self._front) >= self._half:
            self._front, self._back = {}, self._front
