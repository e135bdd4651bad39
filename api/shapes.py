"""How much of a request's form JSON Schema can say: no names that nobody knows, no NUL, no blank words."""

from collections.abc import Iterator
from typing import Any

from domain.conversations.messaging import LONGEST

BLANK = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Python strips."""
NO_NUL = r"^[^\u0000]*$"
SAID = {"pattern": rf"^[^\u0000]*[^\u0000{BLANK}][^\u0000]*$"}
FIELDS: dict[str, dict[str, Any]] = {
    "Words.text": {**SAID, "maxLength": LONGEST},
    "Introduction.name": SAID,
    "Introduction.phone": SAID,
    "Introduction.email": {"pattern": r"^[^\s\u0000]+@[^\s\u0000]+$"},
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "listConversations.assignee": {
        "anyOf": [{"type": "string", "enum": ["me", "none"]}, {"type": "string", "format": "uuid"}]
    },
}


def shape(description: dict[str, Any]) -> None:
    """Says it in the OpenAPI file: of every body, and of every parameter in a query."""
    schemas = description["components"]["schemas"]
    for operation in _operations(description):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                parameter["schema"] = _parameter(f"{operation['operationId']}.{parameter['name']}", parameter["schema"])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            _close(content["schema"], schemas)


def _operations(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in description["paths"].values():
        yield from (each for each in operations.values() if isinstance(each, dict) and "operationId" in each)


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Nothing in a query is null: what is not said is left out."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    if "oneOf" in schema:
        (said,) = [form for form in schema["oneOf"] if form.get("type") != "null"]
        schema = {**said, **{key: value for key, value in schema.items() if key != "oneOf"}}
    return _without_nul(schema)


def _close(schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """No other names than these, in this object and in those within it."""
    for form in schema.get("oneOf", ()):
        _close(form, schemas)
    if "$ref" not in schema:
        return
    name = schema["$ref"].rsplit("/", 1)[1]
    known = schemas[name]
    if "properties" not in known:
        return
    known["additionalProperties"] = False
    for field, property in known["properties"].items():
        known["properties"][field] = _without_nul({**property, **FIELDS.get(f"{name}.{field}", {})})
        _close(property, schemas)


def _without_nul(schema: dict[str, Any]) -> dict[str, Any]:
    forms = [schema, *schema.get("oneOf", ())]
    is_text = any(form.get("type") == "string" and not {"format", "enum"} & set(form) for form in forms)
    return {"pattern": NO_NUL, **schema} if is_text else schema
