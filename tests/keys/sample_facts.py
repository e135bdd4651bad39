"""Facts that the product does not have, for what their marks could be. They are known by name only inside ``known``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar
from uuid import UUID

from domain.shared.event import DataSubject, DayBucket, Event, Personal, ScopeMark

Channel = Annotated[str, ScopeMark("channel")]


class MailReceived(Event, frozen=True, kw_only=True):
    """Under two scopes: its subject's and its channel's."""

    NAME: ClassVar = "samples.MailReceived"
    sender: DataSubject[UUID]
    channel: Channel
    size: int
    line: Personal[str]
    body: Personal[str] | None = None
    cc: tuple[Personal[str], ...]
    headers: Personal[dict[str, list[str]]] | None = None


class MailSent(Event, frozen=True, kw_only=True):
    """The same fields under another name."""

    NAME: ClassVar = "samples.MailSent"
    sender: DataSubject[UUID]
    channel: Channel
    size: int
    line: Personal[str]
    body: Personal[str] | None = None
    cc: tuple[Personal[str], ...]
    headers: Personal[dict[str, list[str]]] | None = None


class MailRead(Event, frozen=True, kw_only=True):
    """Nothing in it is about anybody by name."""

    NAME: ClassVar = "samples.MailRead"
    channel: Channel
    day: DayBucket[str]
    times: int = 1


SAMPLES: tuple[type[Event], ...] = (MailReceived, MailSent, MailRead)
for _each in SAMPLES:
    del Event.named[_each.NAME]


@contextmanager
def known(*facts: type[Event]) -> Iterator[None]:
    """Inside, the log knows these facts too."""
    before = dict(Event.named)
    Event.named.update((fact.NAME, fact) for fact in facts)
    try:
        yield
    finally:
        Event.named.clear()
        Event.named.update(before)
