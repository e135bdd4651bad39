"""Every refusal and mistake as a problem document (RFC 9457). This file alone maps kinds to HTTP statuses."""

import re
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from api.request_log import place_of
from application.ports import CommandReused, Damaged, Unavailable
from domain.shared.refusal import Absent, Forbidden, Malformed, Refusal, Unauthenticated

log = structlog.get_logger()
AWAY: tuple[type[Exception], ...] = (
    Unavailable,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.PostgresSystemError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""How one sees that a part which is needed does not answer just now. An InternalClientError is a connection that was
ended under a question."""

TITLES = {
    400: "The request cannot be read",
    401: "You are not signed in",
    403: "You may not do this",
    404: "Not found",
    405: "This cannot be done here",
    408: "Too slow",
    409: "The rules say no",
    413: "Too large",
    415: "This kind of content is not understood",
    422: "Something in the request is wrong",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available just now",
}


class FieldProblem(msgspec.Struct, frozen=True):
    field: str
    problem: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, and where. ``type`` is always about:blank: the title says what the status means."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    errors: list[FieldProblem] = []


class TooManyRequests(Exception):
    """Slow down; ``seconds`` says for how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def problem(
    status: int, detail: str = "", errors: list[FieldProblem] | None = None, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    """The response for a status."""
    content = Problem(title=TITLES.get(status, "Refused"), status=status, detail=detail, errors=errors or [])
    return Response(content, status_code=status, media_type="application/problem+json", headers=dict(headers or {}))


Any_Request = Request[Any, Any, Any]


def refused(_: Any_Request, refusal: Refusal) -> Response[Problem]:
    """The domain's no."""
    match refusal:
        case Malformed():
            return problem(422, str(refusal), [FieldProblem(refusal.field, refusal.problem)])
        case CommandReused():
            return problem(422, str(refusal), [FieldProblem("Idempotency-Key", "was used for something else")])
        case Unauthenticated():
            return problem(401, str(refusal))
        case Absent():
            return problem(404, str(refusal))
        case Forbidden():
            return problem(403, str(refusal))
        case _:
            return problem(409, str(refusal))


def unreadable(_: Any_Request, error: ValidationException) -> Response[Problem]:
    """Values of a wrong kind, named one by one."""
    found = error.extra if isinstance(error.extra, list) else []
    errors = [_field_problem(each) for each in found if isinstance(each, dict)]
    if missing := re.match(r"Missing required \w+ parameter '(.+?)'", error.detail):
        errors.append(FieldProblem(missing[1], "is required"))
    return problem(422, "" if errors else "The request does not have the expected form.", errors)


def _field_problem(each: dict[str, Any]) -> FieldProblem:
    message = str(each.get("message", "is wrong"))
    path = re.search(r" - at `\$\.?(.*?)`$", message)
    unknown = re.search(r"unknown field `(.+?)`", message) or re.search(r"required field `(.+?)`", message)
    inner = ".".join(part for part in (path[1] if path else "", unknown[1] if unknown else "") if part)
    key = str(each.get("key") or "")
    field = inner or (key if key != "data" else "") or "body"
    return FieldProblem(field, re.sub(r" - at `.*?`$", "", message))


def rejected(_: Any_Request, error: HTTPException) -> Response[Problem]:
    """What is refused before anybody looks at it: unknown paths and methods, broken JSON, other content than JSON."""
    detail = error.detail if error.status_code < 500 and error.detail != TITLES.get(error.status_code) else ""
    field = {400: "body", 408: "body", 415: "Content-Type"}.get(error.status_code)
    errors = [FieldProblem(field, detail or "cannot be read")] if field else []
    return problem(error.status_code, detail, errors, headers=error.headers)


def slow_down(_: Any_Request, error: TooManyRequests) -> Response[Problem]:
    """Somebody asks too often; the answer says when to come again."""
    detail = f"Try again in {error.seconds} seconds."
    return problem(429, detail, headers={"Retry-After": str(error.seconds)})


def away(_: Any_Request, error: Exception) -> Response[Problem]:
    """A part that we need does not answer: nothing was acknowledged, trying again is safe."""
    log.warning("a part is away", error=type(error).__name__)
    return problem(503, "Nothing was lost; please try again in a moment.", headers={"Retry-After": "2"})


def too_deep(_: Any_Request, __: RecursionError) -> Response[Problem]:
    """JSON within JSON within JSON, further down than anybody reads."""
    return problem(400, "The JSON is nested too deeply.", [FieldProblem("body", "is nested too deeply")])


def not_text(_: Any_Request, __: UnicodeError) -> Response[Problem]:
    """Bytes that are no text."""
    return problem(400, "The request is not valid UTF-8.", [FieldProblem("body", "is not valid UTF-8")])


def damaged(_: Any_Request, error: Damaged) -> Response[Problem]:
    """Something does not open in its place: somebody moved or changed it. It must be looked into."""
    log.critical("damaged", error=type(error).__name__)
    return problem(500, "Something that was stored is damaged. It was not shown, and we have been told.")


def broken(_: Any_Request, error: Exception) -> Response[Problem]:
    """A mistake of ours. The log gets the kind and the place of the error, never its words: they may hold data."""
    log.error("broken", error=type(error).__name__, where=place_of(error))
    return problem(500)


HANDLERS: dict[int | type[Exception], Any] = {
    Refusal: refused,
    ValidationException: unreadable,
    HTTPException: rejected,
    TooManyRequests: slow_down,
    RecursionError: too_deep,
    UnicodeError: not_text,
    **dict.fromkeys(AWAY, away),
    Damaged: damaged,
    Exception: broken,
}


def response_to(request: Any_Request, error: Exception) -> Response[Problem]:
    """The problem that an error is, by the nearest kind that HANDLERS knows."""
    kind = next(kind for kind in type(error).__mro__ if kind in HANDLERS)
    made: Response[Problem] = HANDLERS[kind](request, error)
    return made
