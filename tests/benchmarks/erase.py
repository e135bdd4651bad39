"""Forgetting somebody who wrote little, against somebody who wrote very much: until their keys are dead, and until
every place was searched and it is proved that nothing of them is left. The whole product runs, as helpr up runs it.
"""

import asyncio
import time
from uuid import UUID

import msgspec

from api.run.demo.line import Headers
from api.run.demo.voice import Voice
from infrastructure.database.embedded import temporary_postgres
from tests.benchmarks.desk import sessions, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.past import Told, dialogues, tell
from tests.benchmarks.product import prepared, rebuilt, running, until_views_stand

FEW, SHORT, FULL = 10, 10_000, 100_000
OTHERS = 2_000
COMPLIANCE = "cora@kettle.example"
LOOK = 0.01
PATIENCE = 300


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints."""
    show(measure(FULL if is_full else SHORT), as_json=as_json)


def measure(messages: int, *, others: int = OTHERS, rounds: int = 3) -> Report:
    """Has people of both kinds forgotten, in turn, among others who stay."""
    with temporary_postgres() as postgres:
        settings = prepared(postgres)
        tell(settings, dialogues(others))
        much = tell(settings, dialogues(rounds, messages=messages))
        little = tell(settings, dialogues(rounds, messages=FEW))
        rebuilt(settings)
        with running(settings, "views"), running(settings, "clock"), running(settings, "api"):
            until_views_stand(settings)
            (shown,) = asyncio.run(sessions(settings, 1, emails=(COMPLIANCE,)))
            took = asyncio.run(_forget(url(settings), shown, list(zip(much, little, strict=True))))
    figures = [
        Figure(what="keys dead", unit="s", ours=[a for a, _ in took[0]], beside=[a for a, _ in took[1]], aim="≤ 1 s"),
        Figure(
            what="everything proved", unit="s", ours=[b for _, b in took[0]], beside=[b for _, b in took[1]],
            aim="≤ 60 s for 10,000",
        ),
    ]  # fmt: skip
    note = f"{others:,} others with their conversations stay."
    return Report(bench="erase", sides=(f"{messages:,} messages", f"{FEW}"), figures=figures, notes=[note])


async def _forget(where: str, shown: Headers, pairs: list[tuple[Told, Told]]) -> list[list[tuple[float, float]]]:
    voice = Voice(where)
    took: list[list[tuple[float, float]]] = [[], []]
    for pair in pairs:
        for kind, told in enumerate(pair):
            took[kind].append(await _until_proved(voice, shown, told.visitor))
    voice.hang_up()
    return took


async def _until_proved(voice: Voice, shown: Headers, visitor: UUID) -> tuple[float, float]:
    """Seconds from the request until the answer says shredded, and until it says proved."""
    path, before = f"/v1/visitors/{visitor}/erasure", time.perf_counter()
    answer = await voice.ask("POST", path, shown, {"reason": "requested"})
    shredded = 0.0
    while time.perf_counter() - before < PATIENCE:
        found = msgspec.json.decode(answer.body)
        now = time.perf_counter() - before
        shredded = shredded or (now if found["shredded_at"] else 0.0)
        if found["proved_at"]:
            return shredded, now
        await asyncio.sleep(LOOK)
        answer = await voice.ask("GET", path, shown)
    raise TimeoutError(f"{visitor} is not forgotten after {PATIENCE} s")
