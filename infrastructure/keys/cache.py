"""A bounded cache whose entries live for a while and can be thrown out at once."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Keeps at most ``most`` entries for at most ``seconds``; the one unused for longest goes first. What nobody asks
    for any more goes when ``expire`` is called. ``gone`` is told of each that goes for these reasons."""

    def __init__(
        self,
        *,
        most: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        gone: Callable[[K], None] = lambda key: None,
    ) -> None:
        self._most, self._seconds, self._clock, self._gone = most, seconds, clock, gone
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self.hits = self.misses = 0

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is not None and found[0] < self._clock():
            self._drop(key)
            found = None
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found[1]

    def find(self, keys: Collection[K]) -> dict[K, V]:
        """Those that are kept, of many keys at once."""
        now, kept = self._clock(), self._kept
        found: dict[K, V] = {}
        for key in keys:
            entry = kept.get(key)
            if entry is None:
                continue
            if entry[0] < now:
                self._drop(key)
                continue
            kept.move_to_end(key)
            found[key] = entry[1]
        self.hits += len(found)
        self.misses += len(keys) - len(found)
        return found

    def put(self, key: K, value: V) -> None:
        self._kept[key] = (self._clock() + self._seconds, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._drop(next(iter(self._kept)))

    def evict(self, key: K) -> None:
        self._kept.pop(key, None)

    def expire(self) -> None:
        """Lets go of everything whose time is over."""
        now = self._clock()
        for key in [key for key, (until, _) in self._kept.items() if until < now]:
            self._drop(key)

    def _drop(self, key: K) -> None:
        del self._kept[key]
        self._gone(key)

    def clear(self) -> None:
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
