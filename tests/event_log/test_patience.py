"""How long a command is tried for, and how long those wait who stand behind it."""

import asyncio

import pytest

from domain.conversations.conversation import Conversation
from domain.shared.event import Facts
from infrastructure.event_log.appending import AppendRequest, LogUnavailable, Outcome
from infrastructure.event_log.event_store import LogEventStore
from infrastructure.keys.digests import new_id
from infrastructure.keys.keyring import TenantKeyring
from tests.event_log.process import Process, asked
from tests.event_log.test_event_store import hello, started, words
from tests.event_log.writing import ACME

pytestmark = pytest.mark.requirement("R-CON-1")


class Faster:
    """Somebody else writes just before, so many times."""

    def __init__(self, times: int) -> None:
        self._times = times

    async def append(self, request: AppendRequest, *, within: float) -> Outcome:
        self._times -= 1
        return Outcome("done", None, 2, 2) if self._times < 0 else Outcome("conflict", None, 0, 0)


@pytest.mark.parametrize(("patience", "times", "decisions", "is_sent_away"), [(60, 25, 26, False), (0, 25, 2, True)])
async def test_who_is_too_late_again_and_again_decides_until_their_patience_ends(
    here: Process, keys: TenantKeyring, patience: float, times: int, decisions: int, is_sent_away: bool
) -> None:
    decided: list[Conversation] = []

    def decide(memory: Conversation) -> Facts:
        decided.append(memory)
        return hello(new_id())(memory)

    events = LogEventStore(Faster(times), here.reader, keys, here.memories, patience=patience)
    change = events.change(Conversation, new_id(), decide, asked=asked())
    if is_sent_away:
        with pytest.raises(LogUnavailable):
            await change
    else:
        await change
    assert len(decided) == decisions


async def test_no_memory_that_is_behind_refuses_for_good_though_no_time_is_left(
    here: Process, there: Process, keys: TenantKeyring
) -> None:
    conversation, visitor = new_id(), new_id()
    await there.events.load(Conversation, conversation, tenant=ACME)
    await here.events.change(Conversation, conversation, hello(visitor), asked=asked())
    hurried = LogEventStore(there.log, there.reader, keys, there.memories, patience=0)
    assert (await hurried.change(Conversation, conversation, words(visitor), asked=asked())).version == 3


class Away:
    """A log that never answers, and says so when somebody has waited long enough."""

    async def append(self, request: AppendRequest, *, within: float) -> Outcome:
        await asyncio.sleep(within)
        raise LogUnavailable


@pytest.mark.requirement("R-OPS-2")
async def test_those_who_queue_up_do_not_add_up_their_patience(here: Process, keys: TenantKeyring) -> None:
    events = LogEventStore(Away(), here.reader, keys, here.memories, patience=0.5)
    conversation = new_id()
    async with asyncio.timeout(5):
        ends = await asyncio.gather(
            *[events.change(Conversation, conversation, hello(new_id()), asked=asked()) for _ in range(100)],
            return_exceptions=True,
        )
    assert {type(end) for end in ends} == {LogUnavailable}


class Slow:
    """A log that takes its time. ``within`` is how long each was ready to wait."""

    def __init__(self) -> None:
        self.within: list[float] = []

    async def append(self, request: AppendRequest, *, within: float) -> Outcome:
        self.within.append(within)
        await asyncio.sleep(0.05)
        return Outcome("done", None, 2, 2)


async def test_who_has_waited_for_their_turn_waits_the_less_for_the_log(here: Process, keys: TenantKeyring) -> None:
    log = Slow()
    events = LogEventStore(log, here.reader, keys, here.memories, patience=5)
    conversation, visitor = await started(here)
    await asyncio.gather(*[events.change(Conversation, conversation, words(visitor), asked=asked()) for _ in range(3)])
    assert 5 >= log.within[0] > log.within[1] > log.within[2]
