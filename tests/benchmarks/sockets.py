"""What a live connection takes: visitors who look at their conversation and say nothing, then slowly talk.

Memory is that of the API process (PSS) with the sockets, less what it took without, divided by their number. The other
side is a bare Litestar socket that was accepted and is read, on the same server.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from api.main import key_store, root_key
from api.run.demo.people import people
from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.live_tokens import LiveTokens
from tests.benchmarks.desk import url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.hearing import listening
from tests.benchmarks.past import Told, dialogues, tell
from tests.benchmarks.product import (
    free_port,
    made,
    memory,
    prepared,
    process,
    rebuilt,
    running,
    until_it_listens,
)

SHORT, FULL = 1_000, 5_000
FEW = 50
EVERY = 10.0
"""Seconds after which each says something again."""


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints."""
    show(measure(FULL if is_full else SHORT), as_json=as_json)


def measure(sockets: int, *, rest: float = 5.0, every: float = EVERY) -> Report:
    """Opens so many on each side, one after the other."""
    with temporary_postgres() as postgres:
        settings, bare, port = prepared(postgres), made(postgres, "bare"), free_port()
        told = tell(settings, dialogues(sockets))
        rebuilt(settings)
        hellos, words = asyncio.run(_hellos(settings, told))
        with running(settings, "api") as pid:
            live = url(settings).replace("http", "ws") + "/widget/v1/live"
            ours = asyncio.run(_taken(live, pid, hellos, words, rest, every))
        with process(["tests.benchmarks.bare", bare, str(port), "16"]) as pid:
            until_it_listens(port)
            hellos = [[str(each.conversation)] for each in told]
            theirs = asyncio.run(_taken(f"ws://127.0.0.1:{port}/live", pid, hellos, words, rest, every))
    figures = [
        Figure(what=f"{sockets:,} sockets, {how}", unit="KB each", ours=[mine], beside=[bare_one], aim="≤ 40 KB")
        for how, mine, bare_one in zip(("idle", "talking"), ours, theirs, strict=True)
    ]
    note = f"Talking: each says that it writes, once in {every:.0f} s."
    return Report(bench="sockets", sides=("Helpr", "bare socket"), figures=figures, notes=[note])


async def _hellos(settings: Settings, told: Sequence[Told]) -> tuple[list[list[str]], list[str]]:
    """What each visitor's widget says first, and what it says when somebody types."""
    organisation = people(settings).organisation
    keyring = TenantKeyring(root_key(settings.kms_url), key_store(settings.keys_url))
    await keyring.open_store()
    tokens = LiveTokens(keyring.master("live tokens"))
    await keyring.close()
    hellos, words = [], []
    for each in told:
        token, _ = tokens.issue("visitor", organisation, each.visitor)
        watch = _frame(type="watch", conversation=each.conversation, after=each.version)
        hellos.append([_frame(type="hello", token=token), watch])
        words.append(_frame(type="typing", conversation=each.conversation, on=True))
    return hellos, words


async def _taken(
    live: str, pid: int, hellos: Sequence[Sequence[str]], words: Sequence[str], rest: float, every: float
) -> tuple[float, float]:
    """KB a socket, idle and talking."""
    async with listening(live, hellos[:FEW]):
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    before = memory([pid])
    async with listening(live, hellos) as sockets:
        await asyncio.sleep(rest)
        idle = memory([pid])
        for socket, said in zip(sockets, words, strict=True):
            await socket.send(said)
            await asyncio.sleep(every / len(sockets))
        talking = memory([pid])
    each = len(hellos) * 1000
    return (idle - before) / each, (talking - before) / each


def _frame(**content: object) -> str:
    return msgspec.json.encode(content).decode()
