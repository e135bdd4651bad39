"""How often somebody may ask, each process for itself. Keys are ids and addresses, kept for two minutes at most."""

import time
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.problems import TooManyRequests

LIMITS: dict[str, RateLimitItem] = {
    "sign-in by address": RateLimitItemPerMinute(30),
    "sign-in by account": RateLimitItemPerMinute(10),
    "agent": RateLimitItemPerMinute(12_000),
    "arrival by address": RateLimitItemPerMinute(60),
    "visitor by address": RateLimitItemPerMinute(1_200),
    "visitor": RateLimitItemPerMinute(240),
    "message": RateLimitItemPerMinute(60),
    "organisation": RateLimitItemPerMinute(120_000),
}
"""A visitor who writes more than a message a second is not writing; an agent's console never comes near theirs."""


class RateLimits:
    """Counts over a sliding minute."""

    def __init__(self, limits: dict[str, RateLimitItem] = LIMITS) -> None:
        self._limits = limits
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, limit: str, key: str, state: dict[str, Any] | None = None) -> None:
        """Counts one request; raises TooManyRequests, which says when to come again. ``state`` of a connection gets
        what its answer tells of the limit in its headers."""
        item = self._limits[limit]
        is_within = self._counter.hit(item, limit, key)
        if is_within and state is None:
            return
        window = self._counter.get_window_stats(item, limit, key)
        seconds = max(1, round(window.reset_time - time.time()))
        if state is not None:
            state["rate_limit"] = (limit.replace(" ", "-"), item.amount, window.remaining, seconds)
        if not is_within:
            raise TooManyRequests(seconds)
