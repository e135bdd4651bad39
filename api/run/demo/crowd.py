"""A crowd of visitors and agents who talk through the public API, as people would, only all at once."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from random import Random
from uuid import UUID

import msgspec

from api.run.demo.faces import face
from api.run.demo.journal import Entry, Journal
from api.run.demo.line import Headers
from api.run.demo.story import Move, Story
from api.run.demo.voice import NobodyAnswers, TurnedAway, Voice

AT_ONCE = 48
"""Conversations that go on at the same time."""
CONSOLE = {"helpr-request": "console"}


class Credentials(msgspec.Struct, frozen=True):
    """What an agent signs in with."""

    id: UUID
    email: str
    password: str


class Began(msgspec.Struct, frozen=True):
    visitor: UUID
    secret: str


class Written(msgspec.Struct, frozen=True):
    """What a write answers; those that change no conversation name none."""

    conversation: UUID | None = None
    sequence: int = 0


class Counts(msgspec.Struct, frozen=True):
    open: int
    resolved: int


class Crowd:
    """Everybody who talks. ``said`` is told of messages, as many as were said; ``turned_away`` is the last refusal."""

    def __init__(self, url: str, organisation: UUID, journal: Journal, *, said: Callable[[int], None]) -> None:
        self._url, self._organisation, self._journal, self._said = url, organisation, journal, said
        self._agents: dict[UUID, Headers] = {}
        self.turned_away: list[TurnedAway] = []

    async def fill(self, agents: Sequence[Credentials], stories: Sequence[Story]) -> bool:
        """All stories are told, some at a time; whether there was any need. Where an earlier crowd broke off they go
        on. Raises TurnedAway, NobodyAnswers."""
        await self._sign_in(agents[0])
        if not self._journal.is_begun and await self._have_talked():
            return False
        await asyncio.gather(*map(self._sign_in, agents[1:]))
        with self._journal:
            await self._talk(stories)
        self._journal.forget()
        await self._sign_out()
        return True

    async def _have_talked(self) -> bool:
        """Whether anybody has written to the organisation yet."""
        voice = Voice(self._url)
        try:
            answer = await voice.ask("GET", "/v1/conversations/counts", next(iter(self._agents.values())))
        finally:
            voice.hang_up()
        counts = msgspec.json.decode(answer.body, type=Counts)
        return counts.open + counts.resolved > 0

    async def _talk(self, stories: Sequence[Story]) -> None:
        waiting = iter(stories)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(stories))):
                    group.create_task(self._tell_on(waiting))
        except* NobodyAnswers as silent:
            raise silent.exceptions[0] from None

    async def _sign_out(self) -> None:
        """The agents' day is over."""
        voice = Voice(self._url)
        for headers in self._agents.values():
            await voice.ask("DELETE", "/v1/session", headers)
        voice.hang_up()

    async def _sign_in(self, agent: Credentials) -> None:
        voice = Voice(self._url)
        browser = face(Random(str(agent.id)), self._url).headers  # noqa: S311
        content = {"email": agent.email, "password": agent.password}
        try:
            answer = await voice.ask("POST", "/v1/session", browser | CONSOLE, content)
        finally:
            voice.hang_up()
        self._agents[agent.id] = browser | CONSOLE | {"cookie": answer.header("set-cookie").partition(";")[0]}

    async def _tell_on(self, waiting: Iterator[Story]) -> None:
        voice = Voice(self._url)
        try:
            for story in waiting:
                if self._journal.is_over(story.dialogue):
                    self._said(story.messages)
                    continue
                try:
                    await self._tell(story, voice)
                except TurnedAway as refusal:
                    self.turned_away.append(refusal)
                self._journal.add(Entry(story.dialogue))
        finally:
            voice.hang_up()

    async def _tell(self, story: Story, voice: Voice) -> None:
        visitor = await self._arrive(story, voice)
        who = {"visitor": visitor, "agent": self._agents[story.agent]}
        first = Move("visitor", "POST", "messages", {"text": story.words})
        conversation, sequence = None, 0
        for number, move in enumerate((first, *story.moves)):
            headers = who[move.side] | {"idempotency-key": f"demo {story.dialogue} {number}"}
            content = {"sequence": sequence} if move.what == "read" else move.content
            answer = await voice.ask(move.method, _path(move, conversation), headers, content)
            done = msgspec.json.decode(answer.body, type=Written)
            conversation, sequence = conversation or done.conversation, done.sequence or sequence
            if move.what == "messages":
                self._said(1)

    async def _arrive(self, story: Story, voice: Voice) -> Headers:
        """The visitor opens the shop, with what their browser remembers if they were there before the crowd broke
        off; what they show from now on."""
        known = self._journal.visitor_of(story.dialogue)
        content = {"organisation": self._organisation, "page": story.visitor.page}
        if known:
            content |= {"visitor": known.visitor, "secret": known.secret}
        answer = await voice.ask("POST", "/widget/v1/session", story.visitor.headers, content)
        began = msgspec.json.decode(answer.body, type=Began)
        if not known or known.visitor != began.visitor:
            self._journal.add(Entry(story.dialogue, began.visitor, began.secret))
        bearer = f"Bearer {self._organisation}.{began.visitor}.{began.secret}"
        return story.visitor.headers | {"authorization": bearer}


def _path(move: Move, conversation: UUID | None) -> str:
    if move.what == "visitor":
        return "/widget/v1/visitor"
    door = "/widget/v1" if move.side == "visitor" else "/v1"
    return f"{door}/conversations/{conversation}/{move.what}" if conversation else f"{door}/conversations"
