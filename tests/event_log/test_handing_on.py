"""What a process wrote itself is handed on to who follows there, without being read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from domain.conversations.conversation import Conversation
from domain.conversations.lifecycle import reopen, resolve
from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.keys.digests import new_id
from infrastructure.keys.keyring import TenantKeyring
from tests.event_log.process import Process, asked
from tests.event_log.test_event_store import hello, started
from tests.event_log.waiting import eventually

pytestmark = pytest.mark.requirement("R-CON-1")

Starts = Callable[[], Awaitable[Process]]


class Seen(list[Recorded[Event]]):
    """Everything that a follower was told, in that order."""

    def follow(self, page: Sequence[Recorded[Event]]) -> None:
        self.extend(page)


async def followed(process: Process) -> Seen:
    seen = Seen()
    process.follower.also(seen.follow)
    await process.follower.start()
    return seen


async def test_it_is_what_reading_would_give_and_nothing_is_read(
    process: Starts, keys: TenantKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await process()
    seen = await followed(here)

    reads: list[int] = []

    async def read(position: int) -> Any:
        reads.append(position)
        return []

    with monkeypatch.context() as patched:
        patched.setattr(here.reader, "page", read)
        conversation, _ = await started(here)
        await here.events.change(Conversation, conversation, resolve, asked=asked())
        await asyncio.gather(
            *[here.events.change(Conversation, new_id(), hello(new_id()), asked=asked()) for _ in range(9)]
        )
        here.follower.wake(str(seen[-1].position))
        await asyncio.sleep(0.05)
    assert reads == []
    assert len(seen) == 2 + 1 + 18
    assert seen == await here.reader.after(0)


async def test_between_what_others_write_everything_is_told_once_and_in_order(process: Starts) -> None:
    here, there = await process(), await process()
    seen, also = await followed(here), await followed(there)

    async def talk(one: Process) -> None:
        conversation, _ = await started(one)
        for _ in range(15):
            await one.events.change(Conversation, conversation, resolve, asked=asked())
            await one.events.change(Conversation, conversation, reopen, asked=asked())

    await asyncio.gather(*map(talk, [here, there] * 4))
    for one in (here, there):
        one.follower.wake()
    await eventually(lambda: len(seen) == len(also) == 8 * 32)
    assert [each.position for each in seen] == [each.position for each in also] == list(range(1, 257))


async def test_a_command_that_is_asked_again_is_told_once(process: Starts) -> None:
    here = await process()
    seen = await followed(here)
    again = asked()
    conversation = new_id()
    for _ in range(2):
        await here.events.change(Conversation, conversation, hello(new_id()), asked=again, made=conversation)
    await started(here)
    here.follower.wake()
    await eventually(lambda: len(seen) == 4)
    assert [each.position for each in seen] == [1, 2, 3, 4]
