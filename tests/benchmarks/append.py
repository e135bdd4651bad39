"""A durable event from one of many callers: our group commit, and the eventsourcing library's own recorder.

Both write to one PostgreSQL with the product's settings (fsync on) from this process, 300 bytes an event, every caller
in a stream of its own; the sides take turns. Ours carries the whole envelope, a hash and a command that would be
recognised. Beside both stands what one connection can insert in commits of 200 bare rows.
"""

import argparse
import statistics
from collections.abc import Callable
from functools import partial

import psycopg
import uvloop

from infrastructure.database.embedded import temporary_postgres
from tests.benchmarks.appending import BATCH, Pace, floor, ours, recorder_of_the_library, theirs
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.product import made, prepared

CLIENTS, ALL_CLIENTS = (1, 16, 64), (1, 16, 64, 1024)


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints; in full with 1,024 callers, too."""
    show(run(ALL_CLIENTS if is_full else CLIENTS), as_json=as_json)


def run(clients: tuple[int, ...] = CLIENTS, *, rounds: int = 3, seconds: float = 2.0) -> Report:
    """Each side with so many callers, for so many seconds a round, after a moment to warm up."""
    mine: dict[int, list[Pace]] = {many: [] for many in clients}
    library: dict[int, list[Pace]] = {many: [] for many in clients}
    rows = []
    with temporary_postgres() as postgres, recorder_of_the_library(made(postgres, "library")) as recorder:
        dsn, bare = prepared(postgres).database_url, made(postgres, "bare")
        _ours(dsn, 4, seconds / 4)
        theirs(recorder, 4, seconds / 4)
        for number in range(rounds):
            rows.append(uvloop.run(floor(bare, seconds)))
            for many in clients:
                turns: list[tuple[list[Pace], Callable[[], Pace]]] = [
                    (mine[many], partial(_ours, dsn, many, seconds)),
                    (library[many], partial(theirs, recorder, many, seconds)),
                ]
                for paces, measured in turns if number % 2 else reversed(turns):
                    paces.append(measured())
        with psycopg.connect(postgres.owner_dsn) as owner:
            server = owner.execute("select 'PostgreSQL ' || current_setting('server_version')").fetchone()
            synced = owner.execute("show fsync").fetchone()
    figures = [figure for many in clients for figure in _figures(many, mine[many], library[many], rows)]
    shared = ", ".join(f"{statistics.median(p.shared for p in mine[many]):.0f} of {many:,}" for many in clients)
    notes = [
        f"{server and server[0]}, fsync {synced and synced[0]}.",
        f"Callers that share one commit of ours: {shared}.",
    ]
    return Report(bench="append", sides=("Helpr", "beside it"), figures=figures, notes=notes)


def _ours(dsn: str, callers: int, seconds: float) -> Pace:
    return uvloop.run(ours(dsn, callers, seconds))


def _figures(many: int, mine: list[Pace], library: list[Pace], rows: list[float]) -> list[Figure]:
    callers = f"{many:,} caller{'s' * (many > 1)}"
    rates = [pace.rate for pace in mine]
    return [
        Figure(what=f"{callers}, the library", unit="events/s", ours=rates, beside=[p.rate for p in library]),
        Figure(what=f"{callers}, {BATCH} rows a commit", unit="events/s", ours=rates, beside=rows),
        Figure(
            what=f"{callers}, the library: half wait",
            unit="ms",
            ours=[pace.half for pace in mine],
            beside=[pace.half for pace in library],
        ),
        Figure(
            what=f"{callers}, the library: 99 % wait",
            unit="ms",
            ours=[pace.most for pace in mine],
            beside=[pace.most for pace in library],
        ),
    ]


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--full", action="store_true")
    given = asked.parse_args()
    main(as_json=given.json, is_full=given.full)
