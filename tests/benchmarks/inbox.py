"""Reading a full inbox over HTTP: its first page, a page deep down, one thread; by one reader and by sixteen.

The sides are the first page and the others: who reads deep down is to wait no longer than who reads the top.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import quote

import psycopg

from api.run.demo.line import Headers
from api.run.demo.people import people
from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from projections.conversations.inbox_queries import Cursor, Sort
from projections.cursor import to_text
from tests.benchmarks.desk import sessions, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.load import Load, Target, get
from tests.benchmarks.past import Told, dialogues, tell
from tests.benchmarks.product import prepared, running, settle, spent_by_family

T = TypeVar("T")
PAGE, DEEP = 50, 1000
MESSAGES = 5
"""Of each conversation."""
PORTION = 10_000
VIEWS = ("thread", "inbox", "directory")
"""What these pages are read from; all are built at once."""
READERS = (1, 16)
SHORT, FULL = 20_000, 200_000
DEPTHS = """select last_at, conversation_id from read.inbox where tenant_id = %s and status = 'open'
    order by last_at desc, conversation_id desc offset %s limit 1"""


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints."""
    show(measure(FULL if is_full else SHORT), as_json=as_json)


def measure(conversations: int, *, rounds: int = 3, seconds: int = 3) -> Report:
    """Fills an inbox with so many conversations and reads it."""
    with temporary_postgres() as postgres:
        settings = prepared(postgres)
        told = _filled(settings, conversations)
        with running(settings, "api") as api:
            shown = asyncio.run(sessions(settings))
            page = min(DEEP, conversations // PAGE)
            asked = {
                "first page": [Target(f"/v1/conversations?limit={PAGE}", headers) for headers in shown],
                f"page {page:,}": _deep(settings, shown, page),
                "one thread": _threads(shown, told),
            }
            figures = [
                figure
                for readers in READERS
                for figure in _read(settings, asked, readers, rounds, seconds, pids=(api, postgres.pid))
            ]
    return Report(
        bench="inbox",
        sides=("this", "first page"),
        figures=figures,
        notes=[
            f"{conversations:,} conversations, {sum(each.facts - 3 for each in told):,} messages; "
            f"pages of {PAGE} rows, every text opened."
        ],
    )


def _filled(settings: Settings, conversations: int) -> list[Told]:
    """The past, and the views of it. Says how far it is: the full size takes minutes."""
    wanted, told, before = dialogues(conversations, messages=MESSAGES), list[Told](), time.perf_counter()
    for start in range(0, conversations, PORTION):
        told += tell(settings, wanted[start : start + PORTION])
        _say(f"{len(told):,} of {conversations:,} conversations told", before)
    with ThreadPoolExecutor() as building:
        list(building.map(lambda view: _built(settings, view), VIEWS))
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        settle(owner)
    _say("the views stand", before)
    return told


def _built(settings: Settings, view: str) -> None:
    """By the product's own command, which tells how far it is."""
    command = [sys.executable, "-m", "api.cli", "views", "rebuild", view]
    subprocess.run(command, env={**os.environ, **settings.environment()}, stdout=2, check=True)


def _say(what: str, since: float) -> None:
    sys.stderr.write(f"{what}, {time.perf_counter() - since:,.0f} s\n")


def _read(
    settings: Settings,
    asked: dict[str, list[Target]],
    readers: int,
    rounds: int,
    seconds: int,
    *,
    pids: tuple[int, int],
) -> list[Figure]:
    """The pages take turns; how long one answer takes, how many there are in a second, and what CPU each costs the API
    process and PostgreSQL."""
    loads: dict[str, list[Load]] = {what: [] for what in asked}
    costs: dict[str, list[tuple[float, float]]] = {what: [] for what in asked}
    for _ in range(rounds):
        for what, targets in asked.items():
            before = [spent_by_family(pid) for pid in pids]
            load = get(url(settings), targets, connections=readers, seconds=seconds)
            api, postgres = (spent_by_family(pid) - was for pid, was in zip(pids, before, strict=True))
            loads[what].append(load)
            costs[what].append((api / load.requests * 1e6, postgres / load.requests * 1e6))

    def figures(name: str, unit: str, found: dict[str, list[float]], aim: str) -> list[Figure]:
        first = found["first page"]
        return [
            Figure(what=f"{what}, {readers} at once{name}", unit=unit, ours=each, beside=first, aim=aim)
            for what, each in found.items()
        ]

    is_alone = readers == 1
    return [
        *figures(", p95", "ms", _each(loads, lambda load: load.p95), "≤ 20 ms, flat" if is_alone else ""),
        *figures("", "answers/s", _each(loads, lambda load: load.rate), "" if is_alone else "≥ 500"),
        *figures(", CPU of the API", "us an answer", _each(costs, lambda cost: cost[0]), ""),
        *figures(", CPU of PostgreSQL", "us an answer", _each(costs, lambda cost: cost[1]), ""),
    ]


def _each(found: dict[str, list[T]], number: Callable[[T], float]) -> dict[str, list[float]]:
    return {what: [number(each) for each in rounds] for what, rounds in found.items()}


def _deep(settings: Settings, shown: Sequence[Headers], page: int) -> list[Target]:
    """The page of this number, by the cursor that the one before it ends with."""
    tenant = people(settings).organisation
    with psycopg.connect(settings.owner_url) as owner:
        owner.execute("set role helpr_worker")
        row = owner.execute(DEPTHS, (tenant, (page - 1) * PAGE - 1)).fetchone()
    assert row is not None
    after = to_text(Cursor(Sort.NEWEST, 1, *row))
    return [Target(f"/v1/conversations?limit={PAGE}&after={quote(after)}", headers) for headers in shown]


def _threads(shown: Sequence[Headers], told: Sequence[Told]) -> list[Target]:
    """Threads from all over the inbox."""
    some = told[:: max(1, len(told) // 256)][:256]
    return [
        Target(f"/v1/conversations/{each.conversation}", shown[turn % len(shown)]) for turn, each in enumerate(some)
    ]
