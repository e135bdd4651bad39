"""What a write has made is named by its answer, and where that name is understood: the links of the OpenAPI file."""

from collections.abc import Iterator
from typing import Any

from api.asking import AT_LEAST, POSITION

MADE = ("conversation", "visitor")
SEEN = "sequence"
"""How far the conversation has come with this write: who has written has seen it."""


def link(description: dict[str, Any]) -> None:
    """Links every answer to a write that names a conversation or a visitor to all that can be asked of it. Who reads
    what they wrote says so, and waits until it can be read."""
    components = description["components"]
    components["links"] = {}
    targets: dict[str, list[str]] = {name: [] for name in MADE}
    for path, method, operation in _operations(description):
        for name in MADE:
            if f"{{{name}}}" in path:
                targets[name].append(operation["operationId"])
                made = _to(operation["operationId"], method, name)
                if SEEN in _required(operation.get("requestBody", {}), components["schemas"]):
                    made["requestBody"] = {SEEN: f"$response.body#/{SEEN}"}
                components["links"][operation["operationId"]] = made
    for _, method, operation in _operations(description):
        for response in operation["responses"].values() if method != "get" else ():
            named = [name for name in MADE if name in _required(response, components["schemas"])]
            if found := [target for name in named for target in targets[name]]:
                response["links"] = {target: {"$ref": f"#/components/links/{target}"} for target in found}


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, method, operation


def _to(operation: str, method: str, name: str) -> dict[str, Any]:
    parameters = {f"path.{name}": f"$response.body#/{name}"}
    if method == "get":
        parameters[f"header.{AT_LEAST}"] = f"$response.header.{POSITION}"
    return {"operationId": operation, "parameters": parameters}


def _required(said: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    """The names that a body always has, and never null."""
    schema = said.get("content", {}).get("application/json", {}).get("schema", {})
    known = schemas.get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
    return [name for name in known.get("required", ()) if "oneOf" not in known["properties"][name]]
