"""How long a worker lets facts gather before it takes them: not at all where little happens, a while where much."""

import time
from collections.abc import Callable

LONGEST = 0.15
"""Seconds between two rounds at most: so long may a view lag while it keeps up."""
BUSY = 1000.0
"""Facts a second at which a worker waits that long. A round costs the same whether it takes one fact or a hundred."""
MEMORY = 0.5
"""Seconds after which what happened before hardly counts."""


class Pace:
    """Knows how much happens from what each round took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = self._begun = clock()
        self._rate = 0.0

    def begin(self) -> None:
        """A round begins."""
        self._before, self._begun = self._begun, self._clock()

    def took(self, facts: int) -> None:
        """So many facts were taken in this round: all that had happened since the last one began."""
        passed = max(self._begun - self._before, 1e-3)
        self._rate += (facts / passed - self._rate) * min(1.0, passed / MEMORY)

    def pause(self) -> float:
        """Seconds until the next round should begin."""
        wanted = LONGEST * min(1.0, self._rate / BUSY)
        return max(0.0, self._begun + wanted - self._clock())
