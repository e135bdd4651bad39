"""What can happen to a visitor."""

from typing import ClassVar

from domain.shared.event import DataSubject, Event, Personal
from domain.shared.ids import VisitorId


class VisitorArrived(Event, frozen=True, kw_only=True):
    """Somebody opened a page with the widget for the first time. ``secret`` is the SHA-256 of what lets them resume."""

    NAME: ClassVar = "visitors.VisitorArrived"
    visitor: DataSubject[VisitorId]
    secret: bytes
    device: Personal[dict[str, str]]
    place: Personal[dict[str, str]]
    page: Personal[dict[str, str]]


class VisitorReturned(Event, frozen=True, kw_only=True):
    """A known visitor opened a page again."""

    NAME: ClassVar = "visitors.VisitorReturned"
    visitor: DataSubject[VisitorId]
    device: Personal[dict[str, str]]
    place: Personal[dict[str, str]]
    page: Personal[dict[str, str]]


class VisitorIdentified(Event, frozen=True, kw_only=True):
    """A visitor said who they are. Nobody has checked it: for display only."""

    NAME: ClassVar = "visitors.VisitorIdentified"
    visitor: DataSubject[VisitorId]
    name: Personal[str] | None = None
    email: Personal[str] | None = None
    phone: Personal[str] | None = None


class VisitorForgotten(Event, frozen=True, kw_only=True):
    """This visitor's keys are destroyed; whoever comes back is somebody new."""

    NAME: ClassVar = "visitors.VisitorForgotten"
    visitor: DataSubject[VisitorId]


VisitorEvent = VisitorArrived | VisitorReturned | VisitorIdentified | VisitorForgotten
