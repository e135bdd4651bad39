"""Waiting for something to come true."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], object | Awaitable[object]], *, seconds: float = 20.0) -> None:
    """Waits until something holds; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)
