"""Sixteen who write, whatever happens: each message under a key of its own, asked again until it is acknowledged."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID, uuid4

import msgspec

from api.run.demo.line import Answer, Headers, Line
from api.run.demo.people import people
from tests.benchmarks.desk import bearer, sessions
from tests.faults.standing import Standing

WRITERS, AGENTS = 16, 12
"""The others are visitors: each says a few words, leaves, and is another one then."""
ROOMS = 24
"""Conversations in which the agents write, several of them in each."""
AWAY = (429, 503)
PATIENCE = 60.0
AGAIN = 0.1
"""Seconds before the same is asked again: sooner than Retry-After says, so that more is under way."""


class Written(msgspec.Struct, frozen=True):
    """What a write answers."""

    id: UUID
    conversation: UUID
    sequence: int


class Said(msgspec.Struct, frozen=True):
    """A message that was acknowledged, and how to ask for it again."""

    door: str
    key: str
    shown: Headers
    text: str
    answer: Written
    position: int


class Arrived(msgspec.Struct, frozen=True):
    visitor: UUID
    secret: str


class Writers:
    """What they have said (``said``, by message), whom the officer had forgotten, and how often nobody answered."""

    def __init__(self, helpr: Standing, seed: int, *, longest: int) -> None:
        self.helpr, self._random, self._longest = helpr, Random(seed), longest
        self._organisation = people(helpr.at).organisation
        self._rooms: list[UUID] = []
        self._lasting: list[Said] = []
        self._writing: list[asyncio.Task[None]] = []
        self._is_over = False
        self.desk: list[Headers] = []
        self.said: dict[UUID, Said] = {}
        self.forgotten: set[UUID] = set()
        self.answers: Counter[int | str] = Counter()
        self.repeated = 0

    @property
    def position(self) -> int:
        """The last position that somebody was told."""
        return max((said.position for said in self.said.values()), default=0)

    async def begin(self) -> None:
        """Agents sign in, rooms are opened, everybody writes."""
        self.desk = await sessions(self.helpr.at, AGENTS)
        [officer] = await sessions(self.helpr.at, 1, emails=("cora@kettle.example",))
        first = Writer(self)
        for _ in range(ROOMS):
            _, shown = await self._arrive(first)
            self._rooms.append(
                (await first.says("/widget/v1/conversations", shown, "May I ask something?")).conversation
            )
        first.hang_up()
        self._writing = [asyncio.create_task(self._answer(shown)) for shown in self.desk]
        self._writing += [asyncio.create_task(self._visit(officer)) for _ in range(WRITERS - AGENTS)]

    async def end(self) -> None:
        """What is under way is said to its end."""
        self._is_over = True
        await asyncio.gather(*self._writing)

    def check(self) -> None:
        """Raises what a writer has come upon."""
        for each in self._writing:
            if each.done() and not self._is_over:
                each.result()

    def heard(self, said: Said) -> None:
        """Somebody was told that their message is kept."""
        assert said.answer.id not in self.said, f"{said.answer.id} was given to two messages"
        self.said[said.answer.id] = said
        if said.answer.conversation in self._rooms:
            self._lasting.append(said)

    async def until_somebody_is_heard(self) -> int:
        """The position of something that is said from now on."""
        before, until = self.position, time.monotonic() + PATIENCE
        while self.position == before:
            assert time.monotonic() < until, f"nobody is heard any more: {self.helpr.last_words()}"
            await self.goes_on(0.01)
        return self.position

    async def until_somebody_is_refused(self) -> None:
        """Somebody is told from now on that they cannot be served."""
        before, until = self.answers[503], time.monotonic() + PATIENCE
        while self.answers[503] == before:
            assert time.monotonic() < until, "nobody is refused"
            await self.goes_on(0.01)

    async def goes_on(self, seconds: float) -> None:
        """Some time passes."""
        self.check()
        await asyncio.sleep(seconds)

    def begins_to_say(self, size: int) -> asyncio.Task[Written]:
        """An agent says something long; what they are told in the end."""
        door, words = f"/v1/conversations/{self._rooms[0]}/messages", self._random.randbytes(size // 2).hex()
        writer = Writer(self)
        saying = asyncio.create_task(writer.says(door, self.desk[0], words))
        saying.add_done_callback(lambda _: writer.hang_up())
        return saying

    async def _answer(self, shown: Headers) -> None:
        writer = Writer(self)
        while not self._is_over:
            room = self._random.choice(self._rooms)
            await writer.says(f"/v1/conversations/{room}/messages", shown, self._words())
            await self._breathe(writer)
        writer.hang_up()

    async def _visit(self, officer: Headers) -> None:
        writer = Writer(self)
        while not self._is_over:
            visitor, shown = await self._arrive(writer)
            room = (await writer.says("/widget/v1/conversations", shown, self._words())).conversation
            for _ in range(self._random.randrange(4)):
                await self._breathe(writer)
                await writer.says(f"/widget/v1/conversations/{room}/messages", shown, self._words())
            if self._random.random() < 0.2:
                shown, wanted = officer | {"idempotency-key": str(uuid4())}, {"reason": "requested"}
                await writer.ask("POST", f"/v1/visitors/{visitor}/erasure", shown, wanted)
                self.forgotten.add(visitor)
        writer.hang_up()

    async def _arrive(self, writer: "Writer") -> tuple[UUID, Headers]:
        headers = {"x-forwarded-for": ".".join(str(self._random.randrange(1, 255)) for _ in range(4))}
        answer = await writer.ask("POST", "/widget/v1/session", headers, {"organisation": self._organisation})
        came = msgspec.json.decode(answer.body, type=Arrived)
        return came.visitor, headers | bearer(self._organisation, came.visitor, came.secret)

    async def _breathe(self, writer: "Writer") -> None:
        """Now and then somebody who was answered asks for the same again: their answer may have been lost."""
        if self._random.random() < 0.05:
            await writer.repeats(self._random.choice(self._lasting))
        await asyncio.sleep(self._random.uniform(0, 0.03))

    def _words(self) -> str:
        """Different ones each time; one in thirty may say so much that PostgreSQL keeps it apart."""
        size = self._longest if self._random.random() < 0.03 else 20
        return f"{uuid4()} {self._random.randbytes(size).hex()}"


class Writer:
    """One line to Helpr, opened again whenever it breaks."""

    def __init__(self, all_of_them: Writers) -> None:
        self._all, self._url = all_of_them, all_of_them.helpr.url
        self._line: Line | None = None

    async def says(self, door: str, shown: Headers, text: str) -> Written:
        """Says it once, however often it takes."""
        key = str(uuid4())
        answer = await self.ask("POST", door, shown | {"idempotency-key": key}, {"text": text})
        written = msgspec.json.decode(answer.body, type=Written)
        position = int(answer.header("helpr-position"))
        self._all.heard(Said(door, key, shown, text, written, position))
        return written

    async def repeats(self, said: Said) -> None:
        """Says what was said, under its key: the answer is the same."""
        answer = await self.ask("POST", said.door, said.shown | {"idempotency-key": said.key}, {"text": said.text})
        assert msgspec.json.decode(answer.body, type=Written) == said.answer
        assert int(answer.header("helpr-position")) == said.position
        self._all.repeated += 1

    async def ask(self, method: str, path: str, headers: Headers, content: object) -> Answer:
        """The good answer. Whatever else is answered tells to try again, and when."""
        while True:
            try:
                self._line = self._line or await Line.to(self._url)
                answer = await self._line.ask(method, path, headers, content)
            except OSError:
                self._line = None
                self._all.answers["none"] += 1
            else:
                self._all.answers[answer.status] += 1
                if answer.status < 400:
                    return answer
                assert answer.status in AWAY, f"{method} {path}: {answer.status} {self._all.helpr.last_words('api')}"
                assert answer.header("content-type") == "application/problem+json", answer.head
                assert int(answer.header("retry-after")) > 0
            await asyncio.sleep(AGAIN)

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.close()


@asynccontextmanager
async def writing(helpr: Standing, seed: int, *, longest: int = 3_000) -> AsyncIterator[Writers]:
    """Sixteen writers, until the block ends; then everything that was begun is said. Fails when one was turned away."""
    writers = Writers(helpr, seed, longest=longest)
    await writers.begin()
    try:
        yield writers
        await writers.end()
    finally:
        for each in writers._writing:
            each.cancel()
        await asyncio.gather(*writers._writing, return_exceptions=True)
