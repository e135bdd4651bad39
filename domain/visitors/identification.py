"""Saying who one is."""

from domain.shared.event import Facts
from domain.shared.refusal import Malformed
from domain.visitors.arrival import visitor_who_is_known
from domain.visitors.events import VisitorIdentified
from domain.visitors.visitor import Visitor

LONGEST = 320
"""Characters of a name or address: the longest e-mail address (RFC 3696, erratum 1690)."""


def identify(visitor: Visitor, *, name: str | None, email: str | None, phone: str | None) -> Facts:
    """What the visitor says of themselves, unverified. Nothing happens when they say nothing."""
    known = visitor_who_is_known(visitor)
    said = {"name": name, "email": email, "phone": phone}
    if all(value is None for value in said.values()):
        return ()
    if email is not None and ("@" not in email[1:-1] or any(c.isspace() for c in email)):
        raise Malformed("email", "must be an e-mail address")
    return VisitorIdentified(visitor=known, **{field: _line(field, text) for field, text in said.items()})


def _line(field: str, text: str | None) -> str | None:
    if text is None:
        return None
    if not text.strip():
        raise Malformed(field, "must not be blank")
    if len(text) > LONGEST:
        raise Malformed(field, f"must be at most {LONGEST} characters")
    if not text.isprintable():
        raise Malformed(field, "must be one line of printable characters")
    return text.strip()
