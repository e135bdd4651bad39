"""Whether this process lives, and whether it can serve."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from api.asking import AnyRequest

OPEN: dict[str, Any] = {"audience": "everybody"}
MOMENT = 0.5
"""Seconds for which an answer of the parts is good."""
Parts = dict[str, bool]


class Health(msgspec.Struct, frozen=True):
    """``parts`` says of each part that is needed whether it answers."""

    status: Literal["alive", "ready", "not ready"]
    parts: Parts = {}


class Lately:
    """Parts are asked once, however many people ask us, and not again for a moment: everybody may, without a limit."""

    def __init__(self, ask: Callable[[], Awaitable[Parts]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._until = 0.0
        self._parts: Parts = {}
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self) -> Parts:
        """Each part that is needed, and whether it answered a moment ago."""
        if self._asking is None and self._clock() >= self._until:
            self._asking = asyncio.create_task(self._look())
        if self._asking is not None:
            # Whoever hangs up does not take the answer away from the others.
            await asyncio.shield(self._asking)
        return self._parts

    async def _look(self) -> None:
        try:
            self._parts = dict(await self._ask())
            self._until = self._clock() + MOMENT
        finally:
            self._asking = None


@get("/healthz", opt=OPEN, operation_id="isAlive", sync_to_thread=False)
def is_alive() -> Health:
    """This process answers."""
    return Health("alive")


@get("/readyz", opt=OPEN, operation_id="isReady")
async def is_ready(request: AnyRequest, check: NamedDependency[Any]) -> Response[Health]:
    """Database, keys and log answer: 200, or 503 with what does not. A process that is about to end says so, too."""
    parts: Parts = {"process": False} if request.scope["state"].get("is_leaving") else await check()
    is_all = all(parts.values())
    return Response(Health("ready" if is_all else "not ready", parts), status_code=200 if is_all else 503)


ROUTES = (is_alive, is_ready)
