"""How often somebody may ask, each process for itself. Keys are ids and addresses, kept for two minutes at most."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from api.problems import TooManyRequests

MINUTE = 60
LIMITS = {
    "sign-in by address": 30,
    "sign-in by account": 10,
    "agent": 12_000,
    "unknown session by address": 600,
    "live by address": 6_000,
    "arrival by address": 60,
    "arrival by organisation": 6_000,
    "visitor by address": 1_200,
    "visitor": 240,
    "message": 60,
    "organisation": 120_000,
}
"""Requests a minute. A visitor who writes more than a message a second is not writing; an agent's console never comes
near theirs."""


class RateLimits:
    """Counts by the minute, and takes as much of the last minute's count as of it lies within the last 60 seconds."""

    def __init__(self, limits: Mapping[str, int] = LIMITS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._minute = 0
        self._now: dict[tuple[str, Hashable], int] = {}
        self._before: dict[tuple[str, Hashable], int] = {}

    def hit(self, limit: str, key: Hashable, state: dict[str, Any] | None = None) -> None:
        """Counts one request; raises TooManyRequests, which says when to come again. ``state`` of a connection gets
        what its answer tells of the limit in its headers."""
        most, who = self._limits[limit], (limit, key)
        into = self._turn(self._clock())
        before = self._before.get(who, 0) * (MINUTE - into) / MINUTE
        count = self._now.get(who, 0)
        is_within = before + count < most
        if is_within:
            self._now[who] = count = count + 1
        seconds = max(1, round(MINUTE - into))
        if state is not None:
            state["rate_limit"] = (limit.replace(" ", "-"), most, max(0, int(most - before - count)), seconds)
        if not is_within:
            raise TooManyRequests(seconds)

    def has_counted(self, limit: str, key: Hashable) -> bool:
        """Whether a request of this key was let through in this minute or the last."""
        self._turn(self._clock())
        return (limit, key) in self._now or (limit, key) in self._before

    def _turn(self, now: float) -> float:
        """Begins a new minute when it is time; seconds since it began."""
        minute, into = divmod(now, MINUTE)
        if minute != self._minute:
            self._before = self._now if minute == self._minute + 1 else {}
            self._now, self._minute = {}, int(minute)
        return into
