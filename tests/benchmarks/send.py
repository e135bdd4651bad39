"""A durable, sealed, audited message through the real API, against a bare handler with one INSERT.

Both are served by one process of the same server, on one PostgreSQL with the product's settings (fsync on), asked by
the same load from a process of its own. The sides take turns, so that whatever else the machine does meets both.
"""

import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import msgspec
from rich.console import Console
from rich.table import Table

from api.settings import Settings
from infrastructure.database.embedded import EmbeddedPostgres, temporary_postgres
from tests.benchmarks.desk import conversations
from tests.benchmarks.load import Target, client, post
from tests.benchmarks.product import free_port, made, prepared, process, running, until_it_listens, until_views_stand

ROUNDS, SECONDS = 3, 4
CONNECTIONS = (16, 64)
CONVERSATIONS = 256
POOL = 16
"""Connections of the bare handler to PostgreSQL; with fewer or more it is slower here."""
AIMS = {("stopped", 16): 1.0, ("stopped", 64): 1.5, ("running", 64): 1.0}


class Side(msgspec.Struct, frozen=True):
    url: str
    targets: list[Target]


class Row(msgspec.Struct, frozen=True):
    """Messages a second in each round, and the ratio of a round's two sides: the median, least and most of them."""

    views: str
    connections: int
    ours: list[float]
    bare: list[float]
    ratio: float
    least: float
    most: float
    aim: float | None


class Figures(msgspec.Struct, frozen=True):
    load: str
    rows: list[Row]
    caught_up_after: float


def main(*, as_json: bool) -> None:
    """Measures and prints."""
    with temporary_postgres() as postgres, _running(postgres) as (ours, bare, settings):
        rows = [_row("stopped", connections, ours, bare) for connections in CONNECTIONS]
        with running(settings, "views"):
            until_views_stand(settings)
            rows += [_row("running", connections, ours, bare) for connections in CONNECTIONS]
            figures = Figures(client(), rows, until_views_stand(settings))
    if as_json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    else:
        _show(figures)


def _row(state: str, connections: int, ours: Side, bare: Side) -> Row:
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        sides = (("bare", bare), ("ours", ours))
        for name, side in sides if number % 2 else reversed(sides):
            rates[name].append(post(side.url, side.targets, connections=connections, seconds=SECONDS).rate)
    ratios = [mine / theirs for mine, theirs in zip(rates["ours"], rates["bare"], strict=True)]
    aim = AIMS.get((state, connections))
    return Row(
        state, connections, **rates, ratio=statistics.median(ratios), least=min(ratios), most=max(ratios), aim=aim
    )


@contextmanager
def _running(postgres: EmbeddedPostgres) -> Iterator[tuple[Side, Side, Settings]]:
    """Both servers, warm, and the settings of ours."""
    settings, bare_dsn, bare_port = prepared(postgres), made(postgres, "bare"), free_port()
    with (
        running(settings, "api"),
        process(["tests.benchmarks.bare", bare_dsn, str(bare_port), str(POOL)]),
    ):
        ours = Side(f"http://127.0.0.1:{settings.port}", asyncio.run(conversations(settings, CONVERSATIONS)))
        until_it_listens(bare_port)
        targets = [Target(f"/conversations/{uuid4()}/messages", {}) for _ in range(CONVERSATIONS)]
        bare = Side(f"http://127.0.0.1:{bare_port}", targets)
        for side in (ours, bare):
            post(side.url, side.targets, connections=8, seconds=1)
        yield ours, bare, settings


def _show(figures: Figures) -> None:
    table = Table(
        box=None, pad_edge=False, header_style="dim", caption=f"Load by {figures.load}.", caption_justify="left"
    )
    for name in ("views", "connections", "Helpr, messages/s", "bare INSERT", "ratio", "spread", "aim"):
        table.add_column(name, justify="left" if name == "views" else "right")
    for row in figures.rows:
        ours, bare = (f"{statistics.median(rates):,.0f}" for rates in (row.ours, row.bare))
        aim = f"{row.aim:.1f}" if row.aim else ""
        table.add_row(
            row.views, str(row.connections), ours, bare, f"{row.ratio:.2f}", f"{row.least:.2f}-{row.most:.2f}", aim
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(f"The views stood again {figures.caught_up_after:.1f} s after the end.")
