"""A view worker's process, and what people ask of the views: how they are, build them anew, replay what was parked."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from api.run.logs import log_to_stderr
from api.run.owning import owning
from api.run.versions import refuse_other_version
from api.settings import Settings
from infrastructure.event_log.db_functions import refuse_db_functions
from infrastructure.event_log.reading import Page
from infrastructure.processes import die_with_parent
from infrastructure.traces.wanted import tracing
from infrastructure.views import rebuilding, replaying
from infrastructure.views.status import ViewStatus, status
from infrastructure.views.worker import run_worker
from projections import views
from projections.view import View

log = structlog.get_logger()
PATIENT = 5
"""What is acknowledged comes first: where a machine has more to do than it can, its views wait for its writers, and
have caught up a moment later."""


class ViewIsUnknown(Exception):
    """There is no view of this name; the message lists those there are."""


def work(settings: Settings) -> None:
    """Folds until SIGTERM or SIGINT."""
    die_with_parent()
    os.nice(PATIENT)
    log_to_stderr(settings.log_level)
    refuse_db_functions()
    refuse_other_version(settings.database_url)
    stop = threading.Event()

    def stop_soon(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_soon)
    traces = tracing(settings.traces_url, share=settings.traces_share, process="views", current=lambda: None)

    def folded(views: Sequence[str], page: Page, end: int, seconds: float) -> None:
        log.debug("folded", views=views, position=end, facts=len(page), seconds=round(seconds, 4))
        traces.folded(views, page, end, seconds)

    try:
        run_worker(settings.database_url, views.ALL, stop=stop, folded=folded)
    finally:
        traces.stop()


def how_they_are(settings: Settings) -> list[ViewStatus]:
    """One line a generation."""
    with owning(settings) as owner:
        return status(owner)


def rebuild(settings: Settings, names: Sequence[str], progress: Callable[[str, int, int], None]) -> None:
    """Builds views anew from the whole log, beside those that serve."""
    with owning(settings) as owner:
        rebuilding.rebuild_all(owner, _named(names), progress=progress)


def replay(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """Folds parked streams again; how many each view had."""
    with owning(settings) as owner:
        return {view.NAME: replaying.replay(owner, view) for view in _named(names)}


def _named(names: Sequence[str]) -> list[View]:
    known = {view.NAME: view for view in views.ALL}
    if unknown := sorted(set(names) - set(known)):
        raise ViewIsUnknown(f"There is no view {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [known[name] for name in names] or list(views.ALL)
