"""All views built anew from a full log, against the eventsourcing library's ProjectionRunner doing the inbox alone.

Both read the same log, ours once for all views. The library reads it through our recorder and mapper and takes an
event at a time; it gets the first 3,000 events at most, for its pace does not depend on how many there are.
"""

import time
from collections.abc import Callable
from functools import partial

import msgspec
import psycopg

from api.settings import Settings
from infrastructure.database.embedded import EmbeddedPostgres, temporary_postgres
from infrastructure.views.rebuilding import rebuild_all
from projections import views
from projections.conversations import inbox
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.past import dialogues, tell
from tests.benchmarks.product import made, prepared, settle, spent_by_family
from tests.benchmarks.projecting import project

SHORT, FULL = 20_000, 200_000
EVENTS_A_DIALOGUE = 6.7
MOST_OF_THE_LIBRARY = 3_000


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints."""
    show(measure(FULL if is_full else SHORT), as_json=as_json)


def measure(events: int, *, rounds: int = 3) -> Report:
    """Fills a log with about so many events and builds everything from it."""
    with temporary_postgres() as postgres:
        settings = prepared(postgres)
        tell(settings, dialogues(round(events / EVENTS_A_DIALOGUE)))
        head = _head(settings)
        alone, together, library = list[Took](), list[Took](), list[Took]()
        for number in range(rounds):
            for wanted, found in (([inbox], alone), (views.ALL, together)):
                with psycopg.connect(settings.owner_url, autocommit=True) as owner:
                    found.append(_measured(postgres, head, partial(rebuild_all, owner, wanted)))
                    settle(owner)
            last, rows_in = min(MOST_OF_THE_LIBRARY, _last_of_conversations(settings)), f"library_{number}"
            library.append(_measured(postgres, last, partial(project, settings, made(postgres, rows_in), last)))
    aim = "≥ 20 x"
    figures = [
        _figure("the inbox alone", alone, library, aim=aim),
        _figure("all views at once", together, library),
        _figure("all views at once, together", together, library, views=len(views.ALL), aim=aim),
        _figure("the inbox alone, of a core", alone, library, of_a_core=True, aim="≥ 10,000/s"),
        _figure("all views at once, of a core", together, library, of_a_core=True, aim="≥ 10,000/s"),
    ]
    took = together[-1]
    note = (
        f"{head:,} events, {len(views.ALL)} views. All at once, the last: {took.python / head * 1e6:.0f} µs of CPU "
        f"an event in Python, {took.postgres / head * 1e6:.0f} µs in PostgreSQL."
    )
    return Report(bench="rebuild", sides=("Helpr", "ProjectionRunner"), figures=figures, notes=[note])


class Took(msgspec.Struct, frozen=True):
    """What so many events took: seconds, and seconds of CPU in our process and in PostgreSQL's."""

    events: int
    seconds: float
    python: float
    postgres: float

    def pace(self, *, of_a_core: bool) -> float:
        """Events a second, or a second of CPU."""
        return self.events / (self.python + self.postgres if of_a_core else self.seconds)


def _measured(postgres: EmbeddedPostgres, events: int, does: Callable[[], object]) -> Took:
    before, python, server = time.perf_counter(), time.process_time(), spent_by_family(postgres.pid)
    does()
    seconds, python = time.perf_counter() - before, time.process_time() - python
    return Took(events, seconds, python, spent_by_family(postgres.pid) - server)


def _figure(
    what: str, ours: list[Took], library: list[Took], *, views: int = 1, of_a_core: bool = False, aim: str = ""
) -> Figure:
    """``views``: how many of them an event is counted for."""
    paces = [took.pace(of_a_core=of_a_core) * views for took in ours]
    beside = [took.pace(of_a_core=of_a_core) for took in library]
    return Figure(what=what, unit="events/s" if views == 1 else "folded/s", ours=paces, beside=beside, aim=aim)


def _head(settings: Settings) -> int:
    return _position(settings, "select max(position) from log.events")


def _last_of_conversations(settings: Settings) -> int:
    """The library hears of conversations only: it can be waited for no longer than until the last of these."""
    query = "select max(position) from log.events where stream_kind = 'conversation' and position <= %s"
    return _position(settings, query, MOST_OF_THE_LIBRARY)


def _position(settings: Settings, query: str, *values: int) -> int:
    with psycopg.connect(settings.owner_url) as owner:
        row = owner.execute(query.encode(), values or None).fetchone()
    return int(row[0]) if row else 0
