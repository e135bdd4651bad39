"""Saying who one is."""

from domain.shared.event import Facts
from domain.shared.line import LONGEST_ADDRESS, email_address, one_line
from domain.visitors.arrival import visitor_who_is_known
from domain.visitors.events import VisitorIdentified
from domain.visitors.visitor import Visitor

LONGEST = LONGEST_ADDRESS
"""Characters of a name or a telephone number: as many as of an address."""


def identify(visitor: Visitor, *, name: str | None, email: str | None, phone: str | None) -> Facts:
    """What the visitor says of themselves, unverified. Nothing happens when they say nothing."""
    known = visitor_who_is_known(visitor)
    if name is None and email is None and phone is None:
        return ()
    return VisitorIdentified(
        visitor=known,
        name=_line("name", name),
        email=email_address(email) if email is not None else None,
        phone=_line("phone", phone),
    )


def _line(field: str, text: str | None) -> str | None:
    return one_line(field, text, longest=LONGEST) if text is not None else None
