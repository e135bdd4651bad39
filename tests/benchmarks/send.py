"""A durable, sealed, audited message through the real API, against a bare handler with one INSERT.

Both are served by one process of the same server, on one PostgreSQL with the product's settings (fsync on), asked by
the same load from a process of its own. The sides take turns, so that whatever else the machine does meets both.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from api.run.demo import people
from api.run.voice import Voice
from api.settings import Settings
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres, temporary_postgres
from infrastructure.database.migrations import migrate
from infrastructure.processes import leash
from infrastructure.views.status import status
from projections import views
from tests.benchmarks.load import Target, client, post

ROUNDS, SECONDS = 3, 4
CONNECTIONS = (16, 64)
SESSIONS, CONVERSATIONS = 16, 256
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
        with _process(["api.cli", "run", "views"], settings.environment()):
            _until_views_stand(settings)
            rows += [_row("running", connections, ours, bare) for connections in CONNECTIONS]
            figures = Figures(client(), rows, _until_views_stand(settings))
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
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as owner:
        owner.execute("create database bare")
    migrate(postgres.owner_dsn, views.ALL, runtime_login=RUNTIME_LOGIN)
    data = postgres.data
    settings = Settings(
        data=data,
        database_url=postgres.runtime_dsn,
        owner_url=postgres.owner_dsn,
        keys_url=f"sqlite:///{data}/keys/keys.sqlite",
        kms_url=f"file://{data}/root/root.key",
        port=_free_port(),
        is_demo=True,
    )
    bare_dsn, bare_port = postgres.owner_dsn.rsplit("/", 1)[0] + "/bare", _free_port()
    with (
        _process(["api.cli", "run", "api"], settings.environment()),
        _process(["tests.benchmarks.bare", bare_dsn, str(bare_port), str(POOL)]),
    ):
        ours = Side(f"http://127.0.0.1:{settings.port}", [])
        bare = Side(f"http://127.0.0.1:{bare_port}", [])
        ours.targets.extend(asyncio.run(_conversations(ours.url, settings)))
        bare.targets.extend(Target(f"/conversations/{uuid4()}/messages", {}) for _ in range(CONVERSATIONS))
        for side in (ours, bare):
            post(side.url, side.targets, connections=8, seconds=1)
        yield ours, bare, settings


async def _conversations(url: str, settings: Settings) -> list[Target]:
    """Agents who are signed in, and conversations to write in."""
    staff, voice = people(settings), Voice(url)
    sessions = []
    for number in range(SESSIONS):
        headers = {"helpr-request": "console", "x-forwarded-for": f"198.18.0.{number + 1}"}
        content = {"email": staff.agents[number % 4].email, "password": staff.password}
        answer = await voice.ask("POST", "/v1/session", headers, content)
        sessions.append(headers | {"cookie": answer.header("set-cookie").partition(";")[0]})
    targets = []
    for number in range(CONVERSATIONS):
        headers = {"x-forwarded-for": f"198.19.0.{number}"}
        answer = await voice.ask("POST", "/widget/v1/session", headers, {"organisation": staff.organisation})
        visitor = msgspec.json.decode(answer.body)
        bearer = {"authorization": f"Bearer {staff.organisation}.{visitor['visitor']}.{visitor['secret']}"}
        answer = await voice.ask("POST", "/widget/v1/conversations", headers | bearer, {"text": "Hello!"})
        conversation = msgspec.json.decode(answer.body)["conversation"]
        targets.append(Target(f"/v1/conversations/{conversation}/messages", sessions[number % SESSIONS]))
    voice.hang_up()
    return targets


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """One of our modules as a process, until the end."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command], env={**os.environ, **(environment or {})}, preexec_fn=leash()
    )
    try:
        yield
    finally:
        started.terminate()
        started.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _until_views_stand(settings: Settings) -> float:
    """Waits until no view is a second behind; how long that took."""
    before = time.monotonic()
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        while any(view.seconds > 1 or view.lag > 500 for view in status(owner)):
            time.sleep(0.05)
    return time.monotonic() - before


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
