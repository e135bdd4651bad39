"""Whoever schemathesis asks as: it imports this to sign in and to arrive, again and again, for sessions end and people
are forgotten."""

import os
from typing import Any
from uuid import uuid4

import httpx
import schemathesis

from api.description import EXAMPLES

URL, IS_NOBODY = os.environ["ASKED_URL"], os.environ["ASKED_AS"] == "nobody"
KEY, A_DAY = "Idempotency-Key", 86_400


@schemathesis.auth().apply_to(tag="Agents")
class Agent:
    """Somebody with a session of their own."""

    def get(self, case: Any, context: Any) -> str | None:
        if IS_NOBODY:
            return None
        answer = httpx.post(f"{URL}/v1/session", json=EXAMPLES["signIn"])
        return answer.raise_for_status().cookies["helpr_session"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.cookies["helpr_session"] = data


@schemathesis.auth(refresh_interval=A_DAY).apply_to(tag="Widget")
class Visitor:
    """Somebody on a page with the widget, and nobody else until they are forgotten: what they began is theirs."""

    def get(self, case: Any, context: Any) -> str | None:
        if IS_NOBODY:
            return None
        organisation = EXAMPLES["beginWidgetSession"]["organisation"]
        answer = httpx.post(f"{URL}/widget/v1/session", json={"organisation": organisation})
        begun = answer.raise_for_status().json()
        return f"{organisation}.{begun['visitor']}.{begun['secret']}"

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A good key names one request: what was asked before under another form is refused, and rightly."""
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and 0 < len(key) <= 200 and key.isascii() and key.isprintable():
        case.headers[KEY] = str(uuid4())
