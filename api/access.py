"""Who may ask for what: every route and every frame that live connections hear, in one list. What is not in it, or is
there in another way, does not start; tests try every role, every object and every mistake on all that is in it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute, WebSocketRoute

from domain.shared.permission import Permission


class Audience(StrEnum):
    EVERYBODY = "everybody"
    AGENT = "agent"
    VISITOR = "visitor"


class Tenant(StrEnum):
    """What says of which organisation a request is. Nothing else that is said can change it."""

    NONE = "none"
    SESSION = "the agent's session"
    BEARER = "what the visitor's browser remembers"
    CLAIMS = "what the live connection said first"
    ADDRESS = "the address that signs in"
    BODY = "the widget's page"


class Object(StrEnum):
    """What a request names, and is looked for among what its asker may see: all else is as if it were not there."""

    CONVERSATION = "conversation"
    OWN_CONVERSATION = "conversation of the visitor who asks"
    VISITOR = "visitor"
    COLLEAGUE = "agent of the organisation"
    RETURNING = "visitor who proves to be who they were"


class Access(msgspec.Struct, frozen=True):
    """For whom something is, and what they need to be allowed; None: it is enough to be signed in."""

    audience: Audience
    tenant: Tenant
    permission: Permission | None = None
    objects: tuple[Object, ...] = ()


class RegistryIsWrong(Exception):
    """A route or a frame is not registered, or is there in another way; the message names it."""


def _page() -> Access:
    return Access(Audience.EVERYBODY, Tenant.NONE)


def _agent(permission: Permission | None = None, *objects: Object) -> Access:
    return Access(Audience.AGENT, Tenant.SESSION, permission, objects)


def _visitor(*objects: Object) -> Access:
    return Access(Audience.VISITOR, Tenant.BEARER, None, objects)


def _hears(audience: Audience, permission: Permission | None = None, *objects: Object) -> Access:
    return Access(audience, Tenant.CLAIMS, permission, objects)


READ, CONVERSE, AUDIT, ERASE = Permission.READ, Permission.CONVERSE, Permission.AUDIT, Permission.ERASE
TALK, MINE = Object.CONVERSATION, Object.OWN_CONVERSATION

OPENAPI = "/v1/openapi.json"

ROUTES: dict[str, Access] = {
    "POST /v1/session": Access(Audience.EVERYBODY, Tenant.ADDRESS),
    "GET /v1/session": _agent(),
    "DELETE /v1/session": _agent(),
    "POST /v1/session/live-token": _agent(),
    "GET /v1/agents": _agent(),
    "GET /v1/conversations": _agent(READ),
    "GET /v1/conversations/counts": _agent(READ),
    "GET /v1/conversations/{conversation}": _agent(READ, TALK),
    "GET /v1/conversations/{conversation}/changes": _agent(READ, TALK),
    "POST /v1/conversations/{conversation}/messages": _agent(CONVERSE, TALK),
    "POST /v1/conversations/{conversation}/notes": _agent(CONVERSE, TALK),
    "PUT /v1/conversations/{conversation}/assignee": _agent(CONVERSE, TALK, Object.COLLEAGUE),
    "PUT /v1/conversations/{conversation}/priority": _agent(CONVERSE, TALK),
    "PUT /v1/conversations/{conversation}/status": _agent(CONVERSE, TALK),
    "PUT /v1/conversations/{conversation}/read": _agent(CONVERSE, TALK),
    "GET /v1/conversations/{conversation}/moment": _agent(AUDIT, TALK),
    "GET /v1/conversations/{conversation}/trail": _agent(AUDIT, TALK),
    "GET /v1/conversations/{conversation}/trail/export": _agent(AUDIT, TALK),
    "GET /v1/visitors": _agent(READ),
    "GET /v1/visitors/{visitor}": _agent(READ, Object.VISITOR),
    "GET /v1/visitors/{visitor}/conversations": _agent(READ, Object.VISITOR),
    "GET /v1/visitors/{visitor}/erasure": _agent(ERASE, Object.VISITOR),
    "POST /v1/visitors/{visitor}/erasure": _agent(ERASE, Object.VISITOR),
    "GET /v1/erasures": _agent(ERASE),
    "GET /v1/usage/daily": _agent(Permission.REPORTS),
    "POST /widget/v1/session": Access(Audience.EVERYBODY, Tenant.BODY, None, (Object.RETURNING,)),
    "POST /widget/v1/live-token": _visitor(),
    "PUT /widget/v1/visitor": _visitor(),
    "POST /widget/v1/conversations": _visitor(),
    "GET /widget/v1/conversations/{conversation}": _visitor(MINE),
    "POST /widget/v1/conversations/{conversation}/messages": _visitor(MINE),
    "PUT /widget/v1/conversations/{conversation}/read": _visitor(MINE),
    **dict.fromkeys(("GET /healthz", "GET /readyz"), _page()),
    **{f"GET {OPENAPI}{rest}": _page() for rest in ("", "/openapi.json", "/{path}")},
    **dict.fromkeys(("GET /", "GET /sign-in", "GET /assets/{name}", "GET /widget.js"), _page()),
    **{f"GET /{name}{rest}": _page() for name in ("inbox", "people", "privacy", "reports") for rest in ("", "/{rest}")},
    **{f"GET /{name}{rest}": _page() for name in ("demo", "docs") for rest in ("", "/{name}")},
}
FRAMES: dict[str, Access] = {
    "/v1/live hello": _hears(Audience.AGENT, READ),
    "/v1/live pong": _hears(Audience.AGENT, READ),
    "/v1/live inbox": _hears(Audience.AGENT, READ),
    "/v1/live watch": _hears(Audience.AGENT, READ, TALK),
    "/v1/live unwatch": _hears(Audience.AGENT, READ, TALK),
    "/v1/live typing": _hears(Audience.AGENT, CONVERSE, TALK),
    "/widget/v1/live hello": _hears(Audience.VISITOR),
    "/widget/v1/live pong": _hears(Audience.VISITOR),
    "/widget/v1/live watch": _hears(Audience.VISITOR, None, MINE),
    "/widget/v1/live unwatch": _hears(Audience.VISITOR, None, MINE),
    "/widget/v1/live typing": _hears(Audience.VISITOR, None, MINE),
}


def check(application: Litestar) -> None:
    """Raises RegistryIsWrong unless routes, permissions and frames are those of the list, no more and no fewer."""
    routes, frames = dict(_routes(application)), set(_frames(application))
    wrong = set(routes) ^ set(ROUTES) | frames ^ set(FRAMES)
    for name in set(routes) & set(ROUTES):
        access = ROUTES[name]
        if routes[name] != (access.audience, access.permission):
            wrong.add(name)
    if wrong:
        raise RegistryIsWrong(", ".join(sorted(wrong)))


def _routes(application: Litestar) -> Iterator[tuple[str, tuple[Audience, Permission | None]]]:
    for route in application.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield f"{method} {route.path_format}", (_audience(route.path_format, handler.opt), _permission(handler))


def _audience(path: str, opt: dict[str, Any]) -> Audience:
    """Whom the door of this path lets in."""
    if opt.get("audience") == "everybody" or path.startswith(OPENAPI):
        return Audience.EVERYBODY
    return Audience.VISITOR if path.startswith("/widget/") else Audience.AGENT


def _permission(handler: Any) -> Permission | None:
    needed: Permission | None = handler.opt.get("permission")
    return needed


def _frames(application: Litestar) -> Iterator[str]:
    for route in application.routes:
        if isinstance(route, WebSocketRoute):
            for frame in get_args(route.route_handler.opt["frames"]):
                yield f"{route.path_format} {frame.__struct_config__.tag}"
