"""Every route there is, from the API's own OpenAPI file, with a good request for each: a new one is tried by itself."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec

from api.access import ROUTES as REGISTRY
from api.access import Access, Audience
from api.main import description
from domain.accounts.events import Role
from tests.house import PASSWORD, Helpr, Organisation, Visitor, arrived, signed_in

DESCRIPTION = description()


class Route(msgspec.Struct, frozen=True):
    """One operation. ``body`` is the schema of what it takes, None when it takes nothing."""

    name: str
    method: str
    path: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None
    access: Access

    @property
    def is_write(self) -> bool:
        return self.method not in ("GET", "HEAD")

    def named(self, place: str) -> list[dict[str, Any]]:
        """The parameters in the path, query or headers."""
        return [parameter for parameter in self.parameters if parameter["in"] == place]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference; of several forms the one that is not null, which is noted as ``nullable``."""
    if reference := schema.get("$ref"):
        return resolved(DESCRIPTION["components"]["schemas"][reference.rsplit("/", 1)[1]])
    parts = schema.get("oneOf") or schema.get("allOf")
    if not parts:
        return schema
    (found,) = [resolved(part) for part in parts if part.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("oneOf", "allOf")}
    return {**found, **rest, "nullable": {"type": "null"} in parts}


def _routes() -> list[Route]:
    found = []
    for path, operations in DESCRIPTION["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = resolved(content["schema"]) if content else None
            access = REGISTRY[f"{method.upper()} {path}"]
            parameters = operation.get("parameters", [])
            found.append(Route(operation["operationId"], method.upper(), path, parameters, body, access))
    return found


ROUTES = _routes()


class World(msgspec.Struct, frozen=True):
    """An organisation with agents of each role who are signed in, and a visitor who has written."""

    helpr: Helpr
    organisation: Organisation
    visitor: Visitor
    agents: dict[Role, httpx.AsyncClient]
    anybody: httpx.AsyncClient

    def client(self, route: Route) -> httpx.AsyncClient:
        """Somebody who may do this."""
        match route.access.audience:
            case Audience.AGENT:
                return self.agents[Role.OWNER]
            case Audience.VISITOR:
                return self.visitor.client
            case Audience.EVERYBODY:
                return self.anybody

    def values(self) -> dict[str, Any]:
        """What good requests say, by the name of the field."""
        return {
            "conversation": str(self.visitor.conversation),
            "visitor": str(self.visitor.id),
            "agent": str(self.organisation.agents[Role.AGENT]),
            "organisation": str(self.organisation.id),
            "nobody": str(uuid4()),
            "id": str(uuid4()),
            "email": self.organisation.email(Role.AGENT),
            "password": PASSWORD,
            "first": "2026-11-01",
            "last": "2026-11-30",
            "at": "2100-01-01T00:00:00Z",
        }

    def good(self, route: Route, **changed: Any) -> dict[str, Any]:
        """What httpx is to send for a request that is taken; ``changed`` values go before the usual ones."""
        values = self.values() | changed
        ids = {parameter["name"]: values[parameter["name"]] for parameter in route.named("path")}
        query = {p["name"]: _value(p["name"], p["schema"], values) for p in route.named("query") if p["required"]}
        asked: dict[str, Any] = {"method": route.method, "url": route.path.format(**ids), "params": query}
        if route.is_write:
            asked["headers"] = {"Idempotency-Key": str(uuid4())}
        if route.body is not None:
            asked["json"] = _object(route.body, values)
        return asked

    async def ask(self, route: Route, **changed: Any) -> httpx.Response:
        """A good request, but for what is changed."""
        return await self.client(route).request(**self.good(route, **changed))


def _value(name: str, schema: dict[str, Any], values: dict[str, Any]) -> Any:
    schema = resolved(schema)
    if name in values:
        return values[name]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "integer":
            return int(schema.get("minimum", 1))
        case "string" if "format" not in schema:
            return "Words"
        case "object":
            return _object(schema, values)
    raise AssertionError(f"say in World.values what a good {name} is")


def _object(schema: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    properties = schema["properties"]
    return {name: _value(name, properties[name], values) for name in schema.get("required", ())}


async def founded_world(helpr: Helpr, organisation: Organisation) -> World:
    """Somebody of each kind, and one conversation."""
    visitor = await arrived(helpr, organisation)
    await visitor.says("The first words")
    agents = {role: await signed_in(helpr, organisation, role) for role in Role}
    return World(helpr, organisation, visitor, agents, helpr.client(**{"Helpr-Request": "console"}))
