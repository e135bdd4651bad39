"""Whether this process lives, and whether it can serve."""

from typing import Any, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from api.asking import AnyRequest

OPEN: dict[str, Any] = {"audience": "everybody"}


class Health(msgspec.Struct, frozen=True):
    """``parts`` says of each part that is needed whether it answers."""

    status: Literal["alive", "ready", "not ready"]
    parts: dict[str, bool] = {}


@get("/healthz", opt=OPEN, operation_id="isAlive", sync_to_thread=False)
def is_alive() -> Health:
    """This process answers."""
    return Health("alive")


@get("/readyz", opt=OPEN, operation_id="isReady")
async def is_ready(request: AnyRequest, check: NamedDependency[Any]) -> Response[Health]:
    """Database, keys and log answer: 200, or 503 with what does not. A process that is about to end says so, too."""
    parts: dict[str, bool] = {"process": False} if request.scope["state"].get("is_leaving") else await check()
    is_all = all(parts.values())
    return Response(Health("ready" if is_all else "not ready", parts), status_code=200 if is_all else 503)


ROUTES = (is_alive, is_ready)
