"""A view worker in a process of its own, which may be sick: run by tests/faults/test_views.py.

    python -m tests.faults.view_worker DSN LEASE [sick|stops|pauses STREAM]

It works like the product's, with one view more that counts what it folds. ``sick``: the fold of its inbox does not
know what to do with this conversation. ``stops``: it is stopped in the middle of the transaction in which that
conversation is folded. ``pauses``: it is stopped when it has read of it, and has not begun the transaction.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from uuid import UUID

from api.run.logs import log_to_stderr
from infrastructure.event_log.pages import LogPages
from infrastructure.event_log.reading import Page
from infrastructure.processes import die_with_parent
from infrastructure.views import worker
from projections import views
from projections.conversations import inbox
from projections.view import Batch, Database
from tests.views import tally


class DoesNotKnow(Exception):
    """The fold has a mistake, which the next version has not."""


def sick(stream: UUID) -> None:
    """The inbox of this process cannot fold what is said in one conversation."""
    fold = inbox.fold

    def fails(batch: Batch, db: Database) -> None:
        if any(recorded.stream == stream and recorded.version > 1 for recorded in batch):
            raise DoesNotKnow
        fold(batch, db)

    inbox.fold = fails


def stops(stream: UUID) -> None:
    """When it has folded a conversation, and the transaction is still open."""
    fold, once = tally.fold, _stopping_once()

    def stopped(batch: Batch, db: Database) -> None:
        fold(batch, db)
        if any(recorded.stream == stream for recorded in batch):
            once()

    tally.fold = stopped


def pauses(stream: UUID) -> None:
    """When it has read of a conversation, before the transaction."""
    between, once = LogPages.between, _stopping_once()

    def paused(pages: LogPages, position: int, head: int) -> Page:
        page = between(pages, position, head)
        if any(fact.stream == stream for fact in page):
            once()
        return page

    LogPages.between = paused  # type: ignore[method-assign,assignment]


def _stopping_once() -> Callable[[], None]:
    stopped = threading.Event()

    def once() -> None:
        if not stopped.is_set():
            stopped.set()
            os.kill(os.getpid(), signal.SIGSTOP)

    return once


def main(dsn: str, lease: str, how: str = "", stream: str = "") -> None:
    """Folds until SIGTERM; says "ready" on standard output when it is connected."""
    die_with_parent()
    log_to_stderr()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if how:
        {"sick": sick, "stops": stops, "pauses": pauses}[how](UUID(stream))
    worker.run_worker(dsn, [*views.ALL, tally], stop=stop, ready=lambda: print("ready", flush=True), lease=float(lease))


if __name__ == "__main__":
    main(*sys.argv[1:])
