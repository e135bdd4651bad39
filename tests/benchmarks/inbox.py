"""Reading a full inbox over HTTP: its first page, a page deep down, one thread; by one reader and by sixteen.

The sides are the first page and the others: who reads deep down is to wait no longer than who reads the top.
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import psycopg

from api.run.demo.line import Headers
from api.run.demo.people import people
from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from projections.conversations.inbox_queries import Cursor, Sort, to_text
from tests.benchmarks.desk import sessions, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.load import Load, Target, get
from tests.benchmarks.past import Told, dialogues, tell
from tests.benchmarks.product import prepared, rebuilt, running

PAGE, DEEP = 50, 1000
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
        told = tell(settings, dialogues(conversations))
        rebuilt(settings)
        with running(settings, "api"):
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
                for figure in _read(url(settings), asked, readers, rounds=rounds, seconds=seconds)
            ]
    facts = sum(each.facts for each in told)
    return Report(
        bench="inbox",
        sides=("this", "first page"),
        figures=figures,
        notes=[f"{conversations:,} conversations, {facts:,} facts; pages of {PAGE} rows, every text opened."],
    )


def _read(where: str, asked: dict[str, list[Target]], readers: int, *, rounds: int, seconds: int) -> list[Figure]:
    """The pages take turns; a figure for the time that one answer takes, and one for the answers in a second."""
    loads: dict[str, list[Load]] = {what: [] for what in asked}
    for _ in range(rounds):
        for what, targets in asked.items():
            loads[what].append(get(where, targets, connections=readers, seconds=seconds))
    first = loads["first page"]
    times = [
        Figure(
            what=f"{what}, {readers} at once, p95",
            unit="ms",
            ours=[load.p95 for load in found],
            beside=[load.p95 for load in first],
            aim="≤ 20 ms, flat" if readers == 1 else "",
        )
        for what, found in loads.items()
    ]
    rates = [
        Figure(
            what=f"{what}, {readers} at once",
            unit="answers/s",
            ours=[load.rate for load in found],
            beside=[load.rate for load in first],
            aim="≥ 500" if readers > 1 else "",
        )
        for what, found in loads.items()
    ]
    return times + rates


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
