"""All views built anew from a full log, against the eventsourcing library's ProjectionRunner doing the inbox alone.

Both read the same log. The library reads it through our recorder and mapper and takes an event at a time; it gets the
first 3,000 events at most, for its pace does not depend on how many there are.
"""

import psycopg

from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from projections.conversations import inbox
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.past import dialogues, tell
from tests.benchmarks.product import made, prepared, rebuilt
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
        inboxes, everything, library = [], [], []
        for number in range(rounds):
            took = rebuilt(settings)
            inboxes.append(_head(settings) / took[inbox.NAME])
            everything.append(_head(settings) / (sum(took.values()) / len(took)))
            last = min(MOST_OF_THE_LIBRARY, _last_of_conversations(settings))
            seconds = project(settings, made(postgres, f"library_{number}"), last)
            library.append(last / seconds)
        head = _head(settings)
    figures = [
        Figure(what="the inbox", unit="events/s", ours=inboxes, beside=library, aim="≥ 20 x, ≥ 10,000/s"),
        Figure(what="a view, all in turn", unit="events/s", ours=everything, beside=library, aim="≥ 20 x, ≥ 10,000/s"),
    ]
    note = f"{head:,} events; {len(took)} views; the last time: " + ", ".join(
        f"{name} {seconds:.1f} s" for name, seconds in took.items()
    )
    return Report(bench="rebuild", sides=("Helpr", "ProjectionRunner"), figures=figures, notes=[note])


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
