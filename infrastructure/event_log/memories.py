"""Memories of aggregates, kept as long as they are in use and fast-forwarded as the log goes on."""

from collections import OrderedDict
from typing import Any
from uuid import UUID

import msgspec

from domain.shared.event import Event
from domain.shared.recorded import Recorded

Stream = tuple[UUID, str, UUID]
"""Tenant, kind, id."""


class Remembered(msgspec.Struct, frozen=True):
    """A memory, and the version of the stream that it reflects."""

    memory: Any
    version: int


class Memories:
    """At most so many memories; the one unused for longest goes first."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._kept: OrderedDict[Stream, Remembered] = OrderedDict()

    def get(self, stream: Stream) -> Remembered | None:
        if found := self._kept.get(stream):
            self._kept.move_to_end(stream)
        return found

    def put(self, stream: Stream, remembered: Remembered) -> None:
        """Keeps a memory, unless a newer one is kept already."""
        known = self._kept.get(stream)
        if known is not None and known.version >= remembered.version:
            return
        self._kept[stream] = remembered
        self._kept.move_to_end(stream)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, stream: Stream) -> None:
        """What is remembered of a stream is not to be relied on."""
        self._kept.pop(stream, None)

    def follow(self, recorded: Recorded[Event]) -> None:
        """Something happened, here or in another process: what is remembered of that stream follows."""
        stream = (recorded.tenant, recorded.kind, recorded.stream)
        known = self._kept.get(stream)
        if known is None or known.version >= recorded.version:
            return
        if known.version == recorded.version - 1:
            self._kept[stream] = Remembered(known.memory.after(recorded.fact), recorded.version)
        else:
            del self._kept[stream]
