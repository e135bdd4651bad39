"""The API's OpenAPI file: what Litestar reads off the routes, and what holds for all of them."""

from typing import Any

import msgspec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from api import links, shapes
from api.asking import AT_LEAST, KEY, LONGEST_KEY, POSITION
from api.caller import CSRF_HEADER
from api.problems import TITLES, Problem

EVERYBODY = ("signIn", "beginWidgetSession", "isAlive", "isReady")
PROBLEMS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503)
NO_POSITION = ("whoAmI", "signOut", "liveToken", "widgetLiveToken", "readMoment", "exportTrail", "isAlive", "isReady")
"""Operations whose answer tells no position of the log."""
NO_KEY = ("beginWidgetSession", "liveToken", "widgetLiveToken")
"""Operations that make something new each time: to them no key promises the first answer again."""
FILES = {"exportTrail": ("application/x-ndjson", "text/csv")}
MESSAGE = "0193e1b2-7c4d-7a10-9c55-2f6f0d1e8a01"
AGENT = "0193e1b2-7c4d-7a10-9c55-2f6f0d1e8a02"
EXAMPLES: dict[str, dict[str, Any]] = {
    "signIn": {"email": "amir@kettle.example", "password": "correct horse battery staple"},
    "sendMessage": {"id": MESSAGE, "text": "Your parcel left our house this morning."},
    "leaveNote": {"text": "She called yesterday, too."},
    "assign": {"agent": AGENT},
    "prioritise": {"priority": "high"},
    "setStatus": {"status": "resolved"},
    "markRead": {"sequence": 12},
    "eraseVisitor": {"reason": "requested"},
    "beginWidgetSession": {
        "organisation": "0193d0a0-0000-7000-8000-00000000d0e5",
        "page": {"url": "https://shop.example/kettles", "referrer": "https://search.example", "utm_source": "spring"},
    },
    "identifyMyself": {"name": "Vera Novak", "email": "vera@example.org"},
    "startConversation": {"id": MESSAGE, "text": "Where is my parcel?"},
    "sendMyMessage": {"text": "It should have come on Monday."},
    "markMineRead": {"sequence": 12},
}
HEADERS: dict[str, dict[str, Any]] = {
    AT_LEAST: {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    KEY: {"type": "string", "maxLength": LONGEST_KEY, "pattern": "^[ -~]*$"},
    CSRF_HEADER: {"type": "string", "minLength": 1, "examples": ["console"]},
}
POSITION_SAID = {
    "required": True,
    "description": f"Say it as {AT_LEAST} to read at least this.",
    "schema": {"type": "integer", "minimum": 0},
}
AFTER_A_WHILE = {"required": True, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
TOLD: dict[int, dict[str, Any]] = {
    405: {"Allow": {"required": True, "description": "What can be done here.", "schema": {"type": "string"}}},
    429: {"Retry-After": AFTER_A_WHILE},
    503: {"Retry-After": AFTER_A_WHILE},
}
"""Headers of problems."""
SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "helpr_session", "description": "An agent who is signed in."},
    "visitor": {
        "type": "http",
        "scheme": "bearer",
        "description": "organisation.visitor.secret of a widget's session.",
    },
}


class DescriptionFile(JsonRenderPlugin):
    """Serves the described file, which is made once for each application: everybody may ask for it."""

    _of: dict[str, Any] | None = None
    _rendered = b""

    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        """The file as JSON."""
        if self._of is not openapi_schema:
            self._rendered = super().render(request, described(openapi_schema))
            self._of = openapi_schema
        return self._rendered


CONFIG = OpenAPIConfig(
    title="Helpr",
    version="1",
    description="Customer support whose privacy promises are kept by the software itself.",
    use_handler_docstrings=True,
    path="/v1/openapi.json",
    render_plugins=[DescriptionFile(path=["/", "/openapi.json"])],
)


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The file with problems, doors, headers and examples on every operation, in plain JSON values."""
    schema = msgspec.to_builtins(schema)
    components = schema.setdefault("components", {})
    (_,), found = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    components.setdefault("schemas", {}).update(found)
    components["securitySchemes"] = SCHEMES
    components["responses"] = {f"Problem{status}": _problem(status) for status in PROBLEMS}
    components["schemas"].pop("ValidationException", None)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "operationId" in operation:
                _describe(path, method, operation)
    shapes.shape(schema)
    links.link(schema)
    return schema


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    _describe_answers(name, operation["responses"])
    operation["responses"] |= {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in PROBLEMS}
    if not path.startswith(("/v1/", "/widget/")):
        return
    is_widget = path.startswith("/widget/")
    operation["security"] = [] if name in EVERYBODY else [{"visitor": []} if is_widget else {"session": []}]
    parameters = operation.setdefault("parameters", [])
    known = {parameter["name"] for parameter in parameters}
    for parameter in _headers(name, method, is_widget) if name != "signIn" else ():
        if parameter["name"] not in known:
            parameters.append(parameter)
    if example := EXAMPLES.get(name):
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _describe_answers(name: str, responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if kinds := FILES.get(name):
            response["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
        if status == "204":
            del response["content"]
        if name not in NO_POSITION:
            response["headers"] = {POSITION: POSITION_SAID}


def _headers(name: str, method: str, is_widget: bool) -> list[dict[str, Any]]:
    """What a request may or must say beside its body."""
    if method == "get":
        return [_header(AT_LEAST, "The position you want to have read at least, from an earlier Helpr-Position.")]
    key = _header(KEY, "Names this request: when it comes again, it has one effect and the first answer.")
    forged = _header(CSRF_HEADER, "Any value; other sites cannot send it.", is_required=True)
    return [*([] if name in NO_KEY else [key]), *([] if is_widget else [forged])]


def _header(name: str, description: str, *, is_required: bool = False) -> dict[str, Any]:
    schema = HEADERS[name]
    return {"name": name, "in": "header", "required": is_required, "description": description, "schema": schema}


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": TITLES[status], "content": content, "headers": TOLD.get(status, {})}
