"""From the moment at which a visitor's message is due to be sent until its frame is on an agent's socket.

Messages come at a fixed rate, whether or not the last one was answered, so that waiting counts. Ours is stored,
sealed, audited and limited, with a worker folding the views on the same cores and one beside who asks for everything,
the inbox too, and does not read (or, to compare, does). The bare handler does one INSERT and tells its sockets, and
nobody is stalled there.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import msgspec

from api.run.demo.line import Headers, Line
from api.run.demo.people import people
from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from tests.benchmarks.desk import address, bearer, sessions, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.hearing import listening, stalled
from tests.benchmarks.past import SECRET, Told, dialogues, tell
from tests.benchmarks.product import free_port, made, prepared, process, rebuilt, running, spent, until_it_listens

RATES = (50, 300, 500)
SOCKETS, WATCHED = 10, 50
"""A console watches up to fifty conversations."""
LINES = 64
REST = 1.0
"""Seconds in which the stalled reader gets what it will never read."""
GRACE = 30.0
"""Seconds for which the last frames are waited for."""
TEXT = "Thank you, that works! One more question: does the lid of the large one fit the medium pot too?"


class Post(msgspec.Struct, frozen=True):
    """Where one visitor writes."""

    path: str
    headers: Headers


class Place(msgspec.Struct, frozen=True):
    """A side: where it is, who writes there, and which conversations are watched, from which version on."""

    pid: int
    url: str
    live: str
    posts: list[Post]
    watches: list[tuple[UUID, int]]
    token: str = ""

    @property
    def answers(self) -> int:
        return 2 if self.token else 1

    def hellos(self) -> list[list[str]]:
        """For each listener: who it is, and what it watches from now on. What cannot be read is answered, too, and in
        its turn: then all before it has been done."""
        groups = [self.watches[start : start + WATCHED] for start in range(0, len(self.watches), WATCHED)]
        if not self.token:
            return [[" ".join(str(conversation) for conversation, _ in group)] for group in groups]
        hello = _frame(type="hello", token=self.token)
        return [
            [hello, *(_frame(type="watch", conversation=each, after=version) for each, version in group), "done?"]
            for group in groups
        ]

    def everything(self) -> list[str]:
        """What one says who asks for all that there is."""
        return [*self.hellos()[0], _frame(type="inbox", after=0)]

    def wrote(self, turn: int) -> None:
        """One conversation is a message longer."""
        conversation, version = self.watches[turn % len(self.watches)]
        self.watches[turn % len(self.watches)] = (conversation, version + 1)


class Round(msgspec.Struct, frozen=True):
    """The milliseconds of each message, sorted, and the microseconds of CPU that one took where it was served."""

    taken: list[float]
    cpu: float

    def quantile(self, percent: int) -> float:
        return self.taken[len(self.taken) * percent // 100]


class Named(msgspec.Struct, frozen=True):
    id: UUID | None = None


class Heard(msgspec.Struct, frozen=True):
    """A frame of either side, as far as it names a message."""

    id: UUID | None = None
    change: Named = Named()


def main(*, as_json: bool) -> None:
    """Measures and prints."""
    show(measure(), as_json=as_json)


def measure(*, rates: Sequence[int] = RATES, rounds: int = 3, seconds: int = 3) -> Report:
    """Every rate on both sides, in turn; ours beside one who does not read and one who does."""
    with temporary_postgres() as postgres:
        settings, bare, port = prepared(postgres), made(postgres, "bare"), free_port()
        told = tell(settings, dialogues(SOCKETS * WATCHED))
        rebuilt(settings)
        with (
            running(settings, "views"),
            running(settings, "api") as pid,
            process(["tests.benchmarks.bare", bare, str(port), "16"]) as bare_pid,
        ):
            until_it_listens(port)
            places = asyncio.run(_ours(settings, told, pid)), _bare(port, bare_pid)
            figures = asyncio.run(_measure(*places, rates, rounds, seconds))
    notes = [f"{SOCKETS} sockets of agents that watch {WATCHED} conversations each; {seconds} s a rate and round."]
    return Report(bench="live", sides=("Helpr", "other side"), figures=figures, notes=notes)


async def _measure(ours: Place, bare: Place, rates: Sequence[int], rounds: int, seconds: int) -> list[Figure]:
    for place in (ours, bare):
        await _times(place, 100, max(1, SOCKETS * WATCHED // 100))
    figures = []
    for rate in rates:
        found: dict[str, list[Round]] = {"stalled": [], "brisk": [], "bare": []}
        for _ in range(rounds):
            found["bare"].append(await _times(bare, rate, seconds))
            async with listening(ours.live, [ours.everything()]):
                found["brisk"].append(await _times(ours, rate, seconds))
            async with stalled(ours.live, ours.everything()):
                await asyncio.sleep(REST)
                found["stalled"].append(await _times(ours, rate, seconds))
        for percent, aim in ((50, "≤ 10 ms"), (99, "≤ 50 ms")):
            mine, brisk, theirs = (
                [each.quantile(percent) for each in found[name]] for name in ("stalled", "brisk", "bare")
            )
            what = f"{rate}/s, p{percent}"
            figures.append(Figure(what=f"{what}, beside bare", unit="ms", ours=mine, beside=theirs, aim=aim))
            figures.append(Figure(what=f"{what}, beside the same reading", unit="ms", ours=mine, beside=brisk))
        mine, theirs = ([each.cpu for each in found[name]] for name in ("stalled", "bare"))
        figures.append(Figure(what=f"{rate}/s, CPU of the API process", unit="µs each", ours=mine, beside=theirs))
    return figures


async def _ours(settings: Settings, told: Sequence[Told], pid: int) -> Place:
    organisation, (shown,) = people(settings).organisation, await sessions(settings, 1)
    line = await Line.to(url(settings))
    answer = await line.ask("POST", "/v1/session/live-token", shown)
    line.close()
    token = msgspec.json.decode(answer.body)["token"]
    posts = [
        Post(
            f"/widget/v1/conversations/{each.conversation}/messages",
            bearer(organisation, each.visitor, SECRET) | {"x-forwarded-for": address(turn)},
        )
        for turn, each in enumerate(told)
    ]
    live = url(settings).replace("http", "ws") + "/v1/live"
    return Place(pid, url(settings), live, posts, [(each.conversation, each.version) for each in told], token)


def _bare(port: int, pid: int) -> Place:
    conversations = [uuid4() for _ in range(SOCKETS * WATCHED)]
    posts = [Post(f"/conversations/{each}/messages", {}) for each in conversations]
    where, watches = f"127.0.0.1:{port}", [(each, 0) for each in conversations]
    return Place(pid, f"http://{where}", f"ws://{where}/live", posts, watches)


async def _times(place: Place, rate: int, seconds: int) -> Round:
    """From due to heard, every message. Raises TimeoutError when one is never heard of."""
    due: dict[UUID, float] = {}
    taken: list[float] = []
    all_heard = asyncio.Event()
    decode, lines = msgspec.json.Decoder(Heard).decode, asyncio.LifoQueue[Line]()

    def told(message: str | bytes) -> None:
        heard = decode(message)
        if (moment := due.pop(heard.id or heard.change.id or UUID(int=0), None)) is not None:
            taken.append((time.perf_counter() - moment) * 1000)
        if len(taken) == rate * seconds:
            all_heard.set()

    async def write(turn: int, id: UUID) -> None:
        line, post = await lines.get(), place.posts[turn % len(place.posts)]
        headers = post.headers | {"idempotency-key": str(id)}
        answer = await line.ask("POST", post.path, headers, {"text": TEXT, "id": id})
        assert answer.status == 201, answer.body
        place.wrote(turn)
        lines.put_nowait(line)

    for _ in range(LINES):
        lines.put_nowait(await Line.to(place.url))
    async with listening(place.live, place.hellos(), told, answers=place.answers):
        before, started, writing = spent(place.pid), time.perf_counter() + 0.05, []
        for turn in range(rate * seconds):
            moment, id = started + turn / rate, uuid4()
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            due[id] = moment
            writing.append(asyncio.create_task(write(turn, id)))
        await asyncio.gather(*writing)
        async with asyncio.timeout(GRACE):
            await all_heard.wait()
        cpu = spent(place.pid) - before
    while not lines.empty():
        lines.get_nowait().close()
    return Round(sorted(taken), cpu / (rate * seconds) * 1e6)


def _frame(**content: object) -> str:
    return msgspec.json.encode(content).decode()
