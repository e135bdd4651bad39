"""The demo's inbox is filled: once, and where it was broken off it goes on."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import uvloop

from api.run.demo.crowd import Credentials, Crowd
from api.run.demo.dialogues import file_of_dialogues, read_dialogues
from api.run.demo.journal import Journal
from api.run.demo.people import People
from api.run.demo.story import Story, story
from api.run.demo.voice import NobodyAnswers
from api.settings import Settings
from domain.accounts.events import Role

BAR = "Filling the inbox"
TICK = 0.1


def fill(
    settings: Settings,
    url: str,
    people: People,
    *,
    progress: Callable[[str, int, int], None],
    stopped: Callable[[], bool],
    meanwhile: Callable[[], None] = lambda: None,
) -> str:
    """A crowd talks, unless it has talked before; not by way of ``url``, which is where people come. What became of it
    in a sentence; "" when there was nothing to do.

    ``meanwhile`` is called ten times a second; ``stopped`` ends it at once. Raises DialoguesAreUnreadable, TurnedAway.
    """
    file, source = file_of_dialogues()
    talkers = [agent for agent in people.agents if agent.role in (Role.OWNER, Role.AGENT)]
    ids = [agent.id for agent in talkers]
    stories = [story(dialogue, ids, f"{url}/demo") for dialogue in read_dialogues(file)]
    total, done = sum(story.messages for story in stories), 0

    def said(messages: int) -> None:
        nonlocal done
        done += messages

    def tick() -> None:
        meanwhile()
        if done:
            progress(BAR, done, total)

    crowd = Crowd(settings.here, people.organisation, Journal(settings.data / "demo.jsonl"), said=said)
    credentials = [Credentials(agent.id, agent.email, people.password) for agent in talkers]
    try:
        is_filled = _aside(lambda: _until_stopped(crowd, credentials, stories, stopped), tick)
    except NobodyAnswers as silence:
        return f"{silence} The crowd has left; it comes back when Helpr starts again."
    if not is_filled:
        return ""
    refused = f" {len(crowd.turned_away)} were turned away: {crowd.turned_away[-1]}." if crowd.turned_away else ""
    return f"The inbox holds {len(stories):,} conversations, {source}.{refused}"


def _aside(work: Callable[[], bool], tick: Callable[[], None]) -> bool:
    """Works in a thread of its own, while this one looks after the processes."""
    with ThreadPoolExecutor(1, thread_name_prefix="crowd") as thread:
        working = thread.submit(work)
        while not working.done():
            tick()
            wait([working], timeout=TICK)
    return working.result()


def _until_stopped(
    crowd: Crowd, agents: Sequence[Credentials], stories: Sequence[Story], stopped: Callable[[], bool]
) -> bool:
    """Whether the crowd had something to say and has said it all."""

    async def talk() -> bool:
        talking = asyncio.create_task(crowd.fill(agents, stories))
        while not talking.done() and not stopped():
            await asyncio.wait({talking}, timeout=TICK)
        if talking.done():
            return talking.result()
        talking.cancel()
        await asyncio.wait({talking})
        return False

    return uvloop.run(talk())
