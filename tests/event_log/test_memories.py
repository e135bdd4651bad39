"""Memories: kept while they are used, and never behind what was followed."""

from datetime import UTC, datetime
from uuid import UUID

from domain.conversations.conversation import Conversation, Status
from domain.conversations.events import (
    ConversationEvent,
    ConversationReopened,
    ConversationResolved,
    ConversationStarted,
)
from domain.shared.event import Event
from domain.shared.ids import VisitorId
from domain.shared.recorded import Recorded
from infrastructure.event_log.memories import Memories, Remembered, key_of
from tests.event_log.writing import ACME, ALICE, OTHER

STREAM = UUID(int=7)
KEY = key_of(ACME, "conversation", STREAM)


def happened(version: int, fact: ConversationEvent, *, tenant: UUID = ACME) -> Recorded[Event]:
    return Recorded(
        position=version,
        tenant=tenant,
        kind="conversation",
        stream=STREAM,
        version=version,
        event_id=UUID(int=version),
        at=datetime(2025, 1, 1, tzinfo=UTC),
        actor=ALICE,
        correlation=UUID(int=0),
        causation=None,
        command=UUID(int=0),
        fact=fact,
    )


def remembering(version: int) -> Memories:
    memories = Memories()
    started = ConversationStarted(visitor=VisitorId(UUID(int=9)))
    memories.put(KEY, Remembered(Conversation().after(started), version))
    return memories


def test_a_memory_follows_the_next_fact() -> None:
    memories = remembering(1)
    memories.follow(happened(2, ConversationResolved()))
    found = memories.get(KEY)
    assert found is not None
    assert (found.version, found.memory.status) == (2, Status.RESOLVED)


def test_what_is_known_already_is_not_remembered_twice() -> None:
    memories = remembering(3)
    memories.follow(happened(3, ConversationResolved()))
    memories.follow(happened(2, ConversationResolved()))
    found = memories.get(KEY)
    assert found is not None
    assert (found.version, found.memory.status) == (3, Status.OPEN)


def test_a_memory_that_missed_something_is_forgotten() -> None:
    memories = remembering(1)
    memories.follow(happened(3, ConversationResolved()))
    assert memories.get(KEY) is None


def test_nothing_is_remembered_that_nobody_asked_for() -> None:
    memories = Memories()
    memories.follow(happened(1, ConversationReopened()))
    assert memories.get(KEY) is None


def test_the_stream_of_another_organisation_is_another_stream() -> None:
    memories = remembering(1)
    memories.follow(happened(2, ConversationResolved(), tenant=OTHER))
    found = memories.get(KEY)
    assert found is not None
    assert found.version == 1


def test_a_newer_memory_is_never_replaced_by_an_older_one() -> None:
    memories = remembering(5)
    memories.put(KEY, Remembered(Conversation(), 4))
    found = memories.get(KEY)
    assert found is not None
    assert found.version == 5
    memories.forget(KEY)
    memories.put(KEY, Remembered(Conversation(), 4))
    found = memories.get(KEY)
    assert found is not None
    assert found.version == 4


def test_the_memory_unused_for_longest_goes_first() -> None:
    memories = Memories(most=4)
    keys = [key_of(ACME, "conversation", UUID(int=number)) for number in range(3)]
    memories.put(keys[0], Remembered(Conversation(), 1))
    memories.put(keys[1], Remembered(Conversation(), 1))
    memories.get(keys[0])
    memories.put(keys[2], Remembered(Conversation(), 1))
    assert [memories.get(key) is not None for key in keys] == [True, False, True]
