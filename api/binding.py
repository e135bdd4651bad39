"""Routes get the parts they ask for when the house opens, and who asks at each request.

Litestar's own way looks every part up anew at every request, each in a task of its own, and checks its type: that is
more work than all the rest of a request.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from typing import Any, get_type_hints

from litestar import Request, WebSocket
from litestar.handlers.base import BaseRouteHandler

Looks = Mapping[str, Callable[[Any], Awaitable[Any]]]
CONNECTIONS: dict[str, Any] = {"request": Request[Any, Any, Any], "socket": WebSocket[Any, Any, Any]}


def bound(routes: Sequence[BaseRouteHandler], parts: Mapping[str, Any], looks: Looks) -> list[BaseRouteHandler]:
    """Copies of routes. A parameter that is named like a part is given that part; one that is named like a look is
    looked up for each request or socket, in the order of ``looks``. All others are the client's to say."""
    return [copy(route)(_bound(route.fn, parts, looks)) for route in routes]


def _bound(fn: Callable[..., Any], parts: Mapping[str, Any], looks: Looks) -> Any:
    wanted = inspect.signature(fn).parameters
    given = {name: parts[name] for name in wanted if name in parts}
    looked = [(name, look) for name, look in looks.items() if name in wanted]
    connection = "socket" if "socket" in wanted else "request"
    is_passed = connection in wanted

    async def with_looks(**said: Any) -> Any:
        asking = said[connection] if is_passed else said.pop(connection)
        for name, look in looked:
            said[name] = await look(asking)
        return await fn(**said, **given)

    async def with_parts(**said: Any) -> Any:
        return await fn(**said, **given)

    def at_once(**said: Any) -> Any:
        return fn(**said, **given)

    left = [name for name in wanted if name not in given and name not in looks]
    if looked:
        return _with_signature(with_looks, fn, left if is_passed else [connection, *left])
    return _with_signature(with_parts if inspect.iscoroutinefunction(fn) else at_once, fn, left)


def _with_signature(made: Any, fn: Callable[..., Any], names: Sequence[str]) -> Any:
    """Looks like ``fn`` with these parameters: Litestar and the OpenAPI file go by that."""
    hints = CONNECTIONS | get_type_hints(fn, include_extras=True)
    known = inspect.signature(fn).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [known[n].replace(kind=keyword) if n in known else inspect.Parameter(n, keyword) for n in names]
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(made, attribute, getattr(fn, attribute))
    made.__signature__ = inspect.Signature(parameters)
    made.__annotations__ = {name: hints[name] for name in (*names, "return") if name in hints}
    return made
