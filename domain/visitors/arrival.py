"""Coming, and coming back."""

from domain.shared.event import Facts
from domain.shared.ids import VisitorId
from domain.shared.refusal import Absent, Refusal
from domain.visitors.events import VisitorArrived, VisitorReturned
from domain.visitors.visitor import Visitor

Details = dict[str, str]


class VisitorIsUnknown(Absent):
    """There is no such visitor."""


class VisitorHasArrived(Refusal):
    """This visitor has arrived before."""


def visitor_who_is_known(visitor: Visitor) -> VisitorId:
    """The visitor's id; VisitorIsUnknown when nobody arrived under it, or they were forgotten."""
    if visitor.id is None or visitor.is_forgotten:
        raise VisitorIsUnknown
    return visitor.id


def arrive(visitor: Visitor, *, id: VisitorId, secret: bytes, device: Details, place: Details, page: Details) -> Facts:
    """The first visit. ``secret`` is the SHA-256 of what lets this visitor, and nobody else, resume."""
    if visitor.id is not None:
        raise VisitorHasArrived
    return VisitorArrived(visitor=id, secret=secret, device=device, place=place, page=page)


def come_back(visitor: Visitor, *, device: Details, place: Details, page: Details) -> Facts:
    """A later visit."""
    return VisitorReturned(visitor=visitor_who_is_known(visitor), device=device, place=place, page=page)
