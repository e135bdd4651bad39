"""The event store: decisions become facts, once, whoever else decides at the same time."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from application.ports import Change, CommandReused, Receipt
from domain.compliance.erasure import SubjectIsForgotten
from domain.conversations.conversation import Conversation, Status
from domain.conversations.events import Author, MessageSent, Party
from domain.conversations.lifecycle import reopen, resolve
from domain.conversations.messaging import ConversationHasStarted, send_message, start_conversation
from domain.shared.event import Event, Facts, Sealed
from domain.shared.ids import MessageId, VisitorId
from domain.shared.recorded import Recorded
from domain.shared.refusal import Malformed, Refusal
from infrastructure.event_log.appending import Outcome
from infrastructure.event_log.event_store import LogEventStore
from infrastructure.event_log.memories import Remembered, key_of
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import plain
from infrastructure.keys.keyring import TenantKeyring
from tests.event_log.process import Process, asked
from tests.event_log.writing import ACME

pytestmark = pytest.mark.requirement("R-CON-1")

Decides = Callable[[Conversation], Facts]


def hello(visitor: UUID, text: str = "Hello?") -> Decides:
    return partial(start_conversation, visitor=VisitorId(visitor), message=MessageId(new_id()), text=text)


def words(visitor: UUID, text: str = "Anybody?") -> Decides:
    author = Author(Party.VISITOR, VisitorId(visitor))
    return partial(send_message, author=author, message=MessageId(new_id()), text=text)


async def started(process: Process) -> tuple[UUID, UUID]:
    """A conversation and its visitor."""
    conversation, visitor = new_id(), new_id()
    await process.events.change(Conversation, conversation, hello(visitor), asked=asked())
    return conversation, visitor


async def test_what_was_decided_is_stored_sealed_and_remembered(here: Process, keys: TenantKeyring) -> None:
    conversation, visitor = new_id(), new_id()
    receipt = await here.events.change(
        Conversation, conversation, hello(visitor, "My secret"), asked=asked(), made=conversation
    )
    assert receipt == Receipt(position=2, version=2, made=conversation)
    memory = await here.events.load(Conversation, conversation, tenant=ACME)
    assert (memory.visitor, memory.version) == (visitor, 2)
    _, said = await here.reader.stream(ACME, "conversation", conversation)
    assert isinstance(said.fact, MessageSent)
    assert isinstance(said.fact.text, Sealed)
    (opened,) = await keys.open(ACME, [said.fact.text])
    assert opened is not None
    assert plain(said.fact.text, opened) == "My secret"
    rows = await here.pool.fetch("select to_jsonb(events)::text from log.events")
    assert not any("secret" in str(row) or b"secret".hex() in str(row) for row in rows)


async def test_a_process_that_is_behind_decides_again(here: Process, there: Process) -> None:
    conversation, _ = await started(here)
    await there.events.load(Conversation, conversation, tenant=ACME)
    await here.events.change(Conversation, conversation, resolve, asked=asked())
    seen: list[Conversation] = []

    def look_and_reopen(memory: Conversation) -> Facts:
        seen.append(memory)
        return reopen(memory) or resolve(memory)

    receipt = await there.events.change(Conversation, conversation, look_and_reopen, asked=asked())
    assert [memory.status for memory in seen] == [Status.OPEN, Status.RESOLVED]
    assert receipt.version == 4
    assert (await there.events.load(Conversation, conversation, tenant=ACME)).status is Status.OPEN


async def test_a_refusal_by_a_memory_that_is_behind_is_thought_over(here: Process, there: Process) -> None:
    conversation = new_id()
    await there.events.load(Conversation, conversation, tenant=ACME)
    visitor = new_id()
    await here.events.change(Conversation, conversation, hello(visitor), asked=asked())
    receipt = await there.events.change(Conversation, conversation, words(visitor), asked=asked())
    assert receipt.version == 3
    with pytest.raises(ConversationHasStarted):
        await there.events.change(Conversation, conversation, hello(visitor), asked=asked())


async def test_a_stream_that_a_command_makes_is_not_looked_for_first(
    here: Process, there: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who makes one that is there already finds out like anybody who was too late."""
    read: list[UUID] = []
    stream = LogReader.stream

    async def counted(self: LogReader, tenant: UUID, kind: str, id: UUID, **options: Any) -> Any:
        read.append(id)
        return await stream(self, tenant, kind, id, **options)

    monkeypatch.setattr(LogReader, "stream", counted)
    conversation, visitor = new_id(), new_id()
    request = asked()
    receipt = await here.events.change(Conversation, conversation, hello(visitor), asked=request, made=conversation)
    assert read == []
    again = partial(there.events.change, Conversation, conversation, hello(visitor), made=conversation)
    assert await again(asked=request) == receipt
    with pytest.raises(ConversationHasStarted):
        await again(asked=asked())
    assert await here.reader.head() == 2


async def test_a_command_that_comes_again_gets_its_first_receipt_though_it_would_be_refused_now(
    here: Process, there: Process
) -> None:
    conversation, command = new_id(), asked()
    decide = hello(new_id())
    first = await here.events.change(Conversation, conversation, decide, asked=command, made=conversation)
    for process in (here, there):
        assert await process.events.change(Conversation, conversation, decide, asked=command) == first
    assert len(await here.reader.after(0)) == 2


async def test_a_command_that_comes_again_gets_its_first_receipt_when_nothing_forbids_it(
    here: Process, there: Process
) -> None:
    conversation, visitor = await started(here)
    command, decide = asked(), words(visitor)
    first = await here.events.change(Conversation, conversation, decide, asked=command)
    await here.events.change(Conversation, conversation, words(visitor), asked=asked())
    for process in (here, there):
        assert await process.events.change(Conversation, conversation, decide, asked=command) == first
    assert len(await here.reader.after(0)) == 4


class Late(LogReader):
    """Its answers are true when they are made, and are given when somebody says so."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        self.made, self.given = asyncio.Event(), asyncio.Event()

    async def stream(self, *stream: Any, **where: Any) -> list[Recorded[Event]]:
        page = await super().stream(*stream, **where)
        self.made.set()
        await self.given.wait()
        return page


async def test_a_memory_is_not_older_than_what_was_followed_while_it_was_read(
    here: Process, there: Process, keys: TenantKeyring
) -> None:
    conversation, _ = await started(there)
    reader = Late(here.pool)
    events = LogEventStore(here.log, reader, keys, here.memories)
    loading = asyncio.create_task(events.load(Conversation, conversation, tenant=ACME))
    await reader.made.wait()
    receipt = await there.events.change(Conversation, conversation, resolve, asked=asked())
    for recorded in await here.reader.after(receipt.position - 1):
        here.memories.follow(recorded)
    reader.given.set()
    assert (await loading).status is Status.RESOLVED
    assert (await events.load(Conversation, conversation, tenant=ACME)).status is Status.RESOLVED


async def test_one_name_for_two_commands_is_refused(here: Process) -> None:
    conversation, visitor = await started(here)
    command = asked()
    await here.events.change(Conversation, conversation, words(visitor), asked=command)
    other = replace(command, fingerprint=b"?")
    with pytest.raises(CommandReused):
        await here.events.change(Conversation, conversation, words(visitor), asked=other)
    with pytest.raises(CommandReused):
        await here.events.change(Conversation, conversation, hello(visitor), asked=other)


async def test_a_malformed_command_is_not_even_looked_up(here: Process, keys: TenantKeyring) -> None:
    class AsksNobody(LogReader):
        async def command(self, tenant: UUID, command: UUID, fingerprint: bytes) -> Outcome | None:
            raise AssertionError

    events = LogEventStore(here.log, AsksNobody(here.pool), keys, here.memories)
    with pytest.raises(Malformed):
        await events.change(Conversation, new_id(), hello(new_id(), " "), asked=asked())


async def test_nothing_to_say_is_an_answer_too(here: Process) -> None:
    conversation, _ = await started(here)
    command = asked()
    assert await here.events.change(Conversation, conversation, reopen, asked=command) == Receipt(position=2, version=2)
    await here.events.change(Conversation, conversation, resolve, asked=asked())
    assert await here.events.change(Conversation, conversation, reopen, asked=command) == Receipt(position=2, version=2)


@pytest.mark.requirement("R-PRI-2")
async def test_nothing_is_stored_about_a_forgotten_person(here: Process, keys: TenantKeyring) -> None:
    conversation, visitor = await started(here)
    command, decide = asked(), words(visitor)
    receipt = await here.events.change(Conversation, conversation, decide, asked=command)
    await keys.destroy(ACME, f"subject:{visitor}")
    with pytest.raises(SubjectIsForgotten):
        await here.events.change(Conversation, conversation, words(visitor), asked=asked())
    assert len(await here.reader.after(0)) == 3
    assert await here.events.change(Conversation, conversation, decide, asked=command) == receipt


async def test_commands_for_one_stream_queue_up_in_a_process(here: Process) -> None:
    conversation, visitor = await started(here)
    tries = 0

    def counted(memory: Conversation) -> Facts:
        nonlocal tries
        tries += 1
        return words(visitor)(memory)

    receipts = await asyncio.gather(
        *[here.events.change(Conversation, conversation, counted, asked=asked()) for _ in range(30)]
    )
    assert sorted(receipt.version for receipt in receipts) == list(range(3, 33))
    assert tries == 30


async def test_that_there_is_nothing_to_say_is_thought_over_too(here: Process, there: Process) -> None:
    conversation, _ = await started(here)
    await there.events.load(Conversation, conversation, tenant=ACME)
    await here.events.change(Conversation, conversation, resolve, asked=asked())
    assert (await there.events.change(Conversation, conversation, reopen, asked=asked())).version == 4


async def test_several_streams_change_together(here: Process) -> None:
    one, two, visitor = new_id(), new_id(), new_id()
    changes = [Change(Conversation, one, hello(visitor)), Change(Conversation, two, hello(visitor))]
    assert await here.events.change_all(changes, asked=asked(), made=two) == Receipt(position=4, version=2, made=two)
    commands = {found.command for found in await here.reader.after(0)}
    assert len(commands) == 1


async def test_what_one_of_several_streams_refuses_happens_in_none(here: Process) -> None:
    one, (two, visitor) = new_id(), await started(here)
    changes = [Change(Conversation, one, hello(visitor)), Change(Conversation, two, hello(visitor))]
    with pytest.raises(ConversationHasStarted):
        await here.events.change_all(changes, asked=asked())
    assert len(await here.reader.after(0)) == 2
    assert (await here.events.load(Conversation, one, tenant=ACME)).version == 0


async def test_who_is_behind_in_one_of_several_streams_decides_all_again(here: Process, there: Process) -> None:
    one, _ = await started(here)
    two, _ = await started(here)
    for stream in (one, two):
        await there.events.load(Conversation, stream, tenant=ACME)
    await here.events.change(Conversation, two, resolve, asked=asked())
    changes = [Change(Conversation, one, resolve), Change(Conversation, two, lambda memory: reopen(memory) or ())]
    await there.events.change_all(changes, asked=asked())
    assert [type(found.fact).__name__ for found in await here.reader.after(5)] == [
        "ConversationResolved",
        "ConversationReopened",
    ]


async def test_crossed_streams_do_not_wait_for_each_other_for_ever(here: Process) -> None:
    one, _ = await started(here)
    two, _ = await started(here)

    async def flip(*streams: UUID) -> None:
        for _ in range(10):
            changes = [
                Change(Conversation, stream, lambda memory: reopen(memory) or resolve(memory)) for stream in streams
            ]
            await here.events.change_all(changes, asked=asked())

    await asyncio.wait_for(asyncio.gather(flip(one, two), flip(two, one)), 60)


@pytest.mark.requirement("R-OPS-2")
async def test_a_memory_of_what_the_log_has_lost_is_given_up(here: Process) -> None:
    conversation, _ = await started(here)
    memory = await here.events.load(Conversation, conversation, tenant=ACME)
    here.memories.put(key_of(ACME, "conversation", conversation), Remembered(memory, 7))
    receipt = await here.events.change(Conversation, conversation, resolve, asked=asked())
    assert receipt.version == 3


async def test_a_long_stream_is_read_to_its_end(here: Process, there: Process) -> None:
    conversation, visitor = await started(here)

    def many(memory: Conversation) -> Facts:
        facts = words(visitor)(memory)
        return (facts if isinstance(facts, tuple) else (facts,)) * 1100

    await here.events.change(Conversation, conversation, many, asked=asked())
    assert (await there.events.refresh(Conversation, conversation, tenant=ACME)).version == 1102


async def test_refreshing_sees_what_another_process_wrote(here: Process, there: Process) -> None:
    conversation, _ = await started(here)
    await there.events.load(Conversation, conversation, tenant=ACME)
    await here.events.change(Conversation, conversation, resolve, asked=asked())
    assert (await there.events.load(Conversation, conversation, tenant=ACME)).status is Status.OPEN
    assert (await there.events.refresh(Conversation, conversation, tenant=ACME)).status is Status.RESOLVED


async def test_the_streams_of_another_organisation_are_not_there(here: Process) -> None:
    conversation, _ = await started(here)
    elsewhere: Any = UUID(int=99)
    assert (await here.events.refresh(Conversation, conversation, tenant=elsewhere)).version == 0
    with pytest.raises(Refusal):
        await here.events.change(Conversation, conversation, resolve, asked=replace(asked(), tenant=elsewhere))
