"""An application of the eventsourcing library and the product itself, on one log."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    DataError,
    InfrastructureFactoryError,
    IntegrityError,
    Tracking,
)
from msgspec.structs import replace

from domain.compliance.erasure import SubjectIsForgotten
from domain.conversations.conversation import Conversation, Status
from domain.conversations.events import (
    Author,
    ConversationResolved,
    ConversationStarted,
    MessageSent,
    Party,
)
from domain.conversations.lifecycle import reopen, resolve
from domain.shared.event import Sealed
from domain.shared.ids import MessageId, VisitorId
from infrastructure.event_log.db_functions import DbFunctionsLoseEvents, refuse_db_functions
from infrastructure.event_log.library import LogFactory
from infrastructure.event_log.library.mapper import FactInStream, remembering
from infrastructure.event_log.library.recorder import LogApplicationRecorder
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import plain
from infrastructure.keys.keyring import TenantKeyring
from tests.conftest import Database
from tests.event_log.cutting import wire_to
from tests.event_log.process import Process, asked
from tests.event_log.waiting import eventually
from tests.event_log.writing import ACME, ALICE, OTHER, READ

VISITOR = VisitorId(UUID(int=9))
Starts = Callable[[], Awaitable[Process]]
Environment = dict[str, str]


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> Environment:
    return {
        "PERSISTENCE_MODULE": "infrastructure.event_log.library",
        "HELPR_DATABASE_URL": database.runtime,
        "HELPR_TENANT": str(ACME),
        "HELPR_STREAM_KIND": "conversation",
        "HELPR_KEYRING_TOPIC": "tests.event_log.keyring:opened",
        "KEYS_FOLDER": str(tmp_path),
    }


@pytest.fixture
def desk(environment: Environment) -> Iterator[Application[UUID]]:
    with Application[UUID](environment) as application:
        yield application


def fact(conversation: UUID, version: int, what: Any = READ) -> FactInStream[UUID]:
    return FactInStream(originator_id=conversation, originator_version=version, fact=what)


def message(text: str) -> MessageSent:
    author = Author(Party.VISITOR, VISITOR)
    return MessageSent(visitor=VISITOR, author=author, message=MessageId(new_id()), text=text)


def started(desk: Application[UUID], *facts: Any) -> UUID:
    """A conversation that the library's application writes."""
    conversation = new_id()
    what = (ConversationStarted(visitor=VISITOR), *facts)
    desk.save(*[fact(conversation, version, each) for version, each in enumerate(what, start=1)])
    return conversation


@pytest.mark.requirement("R-PRI-7")
async def test_the_product_reads_what_the_library_has_written_sealed(
    desk: Application[UUID], process: Starts, keys: TenantKeyring
) -> None:
    conversation = started(desk, message("My secret"))
    here = await process()
    memory = await here.events.load(Conversation, conversation, tenant=ACME)
    assert (memory.visitor, memory.version) == (VISITOR, 2)
    _, said = await here.reader.stream(ACME, "conversation", conversation)
    assert isinstance(said.fact, MessageSent)
    assert isinstance(said.fact.text, Sealed)
    (opened,) = await keys.open(ACME, [said.fact.text])
    assert opened is not None
    assert plain(said.fact.text, opened) == "My secret"
    (found,) = await here.pool.fetch("select data from log.events where position = 2")
    assert b"secret" not in found[0]


async def test_the_library_reads_what_the_product_has_written(desk: Application[UUID], process: Starts) -> None:
    here, conversation = await process(), started(desk)
    await here.events.change(Conversation, conversation, resolve, asked=asked())
    *_, last = desk.events.get(conversation)
    assert isinstance(last, FactInStream)
    assert (last.originator_version, last.fact) == (2, ConversationResolved())
    assert [found.topic for found in desk.notification_log.select(1, 10)] == [
        "conversations.ConversationStarted",
        "conversations.ConversationResolved",
    ]


@pytest.mark.requirement("R-PRI-1")
async def test_a_repository_of_the_library_remembers_any_moment(desk: Application[UUID], process: Starts) -> None:
    here, conversation = await process(), started(desk)
    for decide in (resolve, reopen, resolve):
        await here.events.change(Conversation, conversation, decide, asked=asked())
    then = [
        desk.repository.get(conversation, version=version, projector_func=remembering(Conversation)).status
        for version in range(1, 5)
    ]
    assert then == [Status.OPEN, Status.RESOLVED, Status.OPEN, Status.RESOLVED]
    with pytest.raises(AggregateNotFoundError):
        desk.repository.get(new_id(), projector_func=remembering(Conversation))


@pytest.mark.requirement("R-PRI-7")
def test_only_facts_go_into_the_log(desk: Application[UUID]) -> None:
    with pytest.raises(TypeError, match="only facts go into the log"):
        desk.save(Aggregate())
    assert desk.recorder.max_notification_id() is None


@pytest.mark.requirement("R-PRI-2")
async def test_the_library_writes_nothing_about_a_forgotten_person(
    desk: Application[UUID], keys: TenantKeyring
) -> None:
    conversation = started(desk)
    await keys.destroy(ACME, f"subject:{VISITOR}")
    with pytest.raises(SubjectIsForgotten):
        desk.save(fact(conversation, 2, message("Remember me")))
    assert desk.recorder.max_notification_id() == 1


def test_one_organisation_sees_nothing_of_another(desk: Application[UUID], environment: Environment) -> None:
    conversation = started(desk)
    with Application[UUID](environment | {"HELPR_TENANT": str(OTHER)}) as other:
        assert list(other.events.get(conversation)) == []
        assert other.recorder.select_notifications(1, 10) == []
        assert other.recorder.max_notification_id() is None
        other.save(fact(conversation, 1))
        assert [found.id for found in other.recorder.select_notifications(None, 10)] == [2]
    assert [found.id for found in desk.recorder.select_notifications(None, 10)] == [1]


def test_an_application_sees_the_kind_of_stream_that_it_asked_for_or_all(
    desk: Application[UUID], environment: Environment
) -> None:
    conversation = started(desk)
    with Application[str](environment | {"HELPR_STREAM_KIND": ""}) as all_kinds:
        visitor = f"visitor:{VISITOR}"
        all_kinds.save(FactInStream(originator_id=visitor, originator_version=1, fact=READ))
        found = [found.originator_id for found in all_kinds.recorder.select_notifications(None, 10)]
        assert found == [f"conversation:{conversation}", visitor]
        assert [each.fact for each in all_kinds.events.get(visitor) if isinstance(each, FactInStream)] == [READ]
    assert [found.originator_id for found in desk.recorder.select_notifications(None, 10)] == [conversation]
    assert desk.recorder.max_notification_id() == 1


@pytest.mark.parametrize("id", ["note", "note:", "note:x", ":00000000-0000-0000-0000-000000000001", UUID(int=1)])
def test_an_id_that_names_no_stream_is_refused(id: Any, environment: Environment) -> None:
    with Application[str](environment | {"HELPR_STREAM_KIND": ""}) as all_kinds, pytest.raises(DataError):
        all_kinds.recorder.select_events(id)


def test_a_text_names_no_stream_where_ids_are_uuids(desk: Application[UUID]) -> None:
    with pytest.raises(DataError, match="a UUID is expected"):
        desk.recorder.select_events(f"conversation:{VISITOR}")


@pytest.mark.requirement("R-PRI-1")
async def test_the_envelope_names_who_asked(desk: Application[UUID], process: Starts) -> None:
    here, conversation, command = await process(), new_id(), asked()
    desk.save(fact(conversation, 1), asked=command)
    desk.save(fact(conversation, 2))
    first, second = await here.reader.after(0)
    assert (first.actor, first.command, first.correlation) == (ALICE, command.command, command.correlation)
    assert (second.actor.kind, second.actor.id) == ("system", ACME)


@pytest.mark.requirement("R-OPS-2")
def test_a_command_that_comes_again_gets_its_first_ids(desk: Application[UUID]) -> None:
    command, conversation = asked(), new_id()
    facts = [fact(conversation, 1), fact(conversation, 2)]
    for _ in range(2):
        recordings = desk.save(*facts, asked=command)
        assert [recording.notification.id for recording in recordings] == [1, 2]
    with pytest.raises(IntegrityError, match="taken"):
        desk.save(fact(conversation, 3), asked=replace(command, fingerprint=b"?"))
    with pytest.raises(ValueError, match="one organisation"):
        desk.save(fact(conversation, 3), asked=replace(command, tenant=OTHER))
    assert desk.recorder.max_notification_id() == 2


@pytest.mark.requirement("R-OPS-2")
async def test_a_commit_whose_answer_was_lost_is_no_conflict(environment: Environment) -> None:
    """Where the library's own recorder tries again and runs into what it has itself written."""
    async with wire_to(environment["HELPR_DATABASE_URL"]) as wire:

        def work() -> None:
            factory = LogFactory(environment | {"HELPR_DATABASE_URL": wire.dsn})
            recorder, mapper, conversation = factory.process_recorder(), factory.mapper(), new_id()
            first, second, third = [mapper.to_stored_event(fact(conversation, version)) for version in (1, 2, 3)]
            assert recorder.insert_events([first]) == [1]
            wire.swallow_the_next_answer()
            assert recorder.insert_events([second]) == [2]
            wire.swallow_the_next_answer(to=b"COMMIT")
            assert recorder.insert_events([third], tracking=Tracking("elsewhere", 7)) == [3]
            assert len(recorder.select_events(conversation)) == 3
            assert recorder.max_tracking_id("elsewhere") == 7
            factory.close()

        await asyncio.to_thread(work)
        assert wire.cuts == 2


@pytest.mark.requirement("R-OPS-2")
def test_how_far_one_has_followed_moves_with_the_facts_or_not_at_all(environment: Environment) -> None:
    factory = LogFactory(environment)
    recorder, mapper, conversation = factory.process_recorder(), factory.mapper(), new_id()
    late = mapper.to_stored_event(fact(conversation, 2))
    with pytest.raises(IntegrityError):
        recorder.insert_events([late], tracking=Tracking("elsewhere", 1))
    assert recorder.max_tracking_id("elsewhere") is None
    recorder.insert_events([], tracking=Tracking("elsewhere", 1))
    first = mapper.to_stored_event(fact(conversation, 1))
    with pytest.raises(IntegrityError):
        recorder.insert_events([first], tracking=Tracking("elsewhere", 1))
    assert recorder.select_events(conversation) == []
    factory.close()


def test_how_far_one_has_followed_is_each_organisations_own(environment: Environment, database: Database) -> None:
    ours, theirs = LogFactory(environment), LogFactory(environment | {"HELPR_TENANT": str(OTHER)})
    ours.tracking_recorder().insert_tracking(Tracking("elsewhere", 7))
    assert theirs.tracking_recorder().max_tracking_id("elsewhere") is None
    with theirs.connections.lent() as db:
        assert db.execute("select count(*) from log.tracking").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            db.execute("insert into log.tracking values (%s, 'elsewhere', 9)", (ACME,))
    for factory in (ours, theirs):
        factory.close()


@pytest.mark.requirement("R-OPS-2")
async def test_a_subscription_outlives_its_connection(desk: Application[UUID], owner: Any) -> None:
    conversation, seen = started(desk), list[int]()
    with desk.recorder.subscribe(gt=0) as subscription:
        listening = asyncio.create_task(asyncio.to_thread(lambda: seen.extend(found.id for found in subscription)))
        for version in range(2, 6):
            await eventually(lambda: seen == list(range(1, version)))  # noqa: B023
            await owner.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                where query like 'listen%' and datname = current_database()"""
            )
            await asyncio.to_thread(desk.save, fact(conversation, version))
        await eventually(lambda: seen == [1, 2, 3, 4, 5])
    await listening


def test_a_closed_application_ends_its_subscriptions(environment: Environment) -> None:
    factory = LogFactory(environment)
    factory.close()
    recorder = LogApplicationRecorder(factory.connections, factory.streams)
    with recorder.subscribe() as subscription:
        patience = Timer(20, subscription.stop)
        patience.start()
        with pytest.raises(ConnectionPoolClosedError):
            next(subscription)
        patience.cancel()


@pytest.mark.parametrize("value", ["y", "yes", "true", "1", "on"])
@pytest.mark.parametrize("name", ["POSTGRES_ENABLE_DB_FUNCTIONS", "DESK_POSTGRES_ENABLE_DB_FUNCTIONS"])
@pytest.mark.requirement("R-OPS-2")
def test_nothing_starts_with_the_setting_that_loses_events(name: str, value: str, environment: Environment) -> None:
    with pytest.raises(DbFunctionsLoseEvents, match=f"^{name} "):
        refuse_db_functions({name: value})
    with pytest.raises(DbFunctionsLoseEvents):
        Application[UUID](environment | {name: value})


@pytest.mark.parametrize("value", ["", "n", "no", "False", "0", "off"])
def test_the_setting_that_loses_events_may_be_off(value: str) -> None:
    refuse_db_functions({"POSTGRES_ENABLE_DB_FUNCTIONS": value, "HOME": "/root"})


@pytest.mark.parametrize(
    "unwanted",
    [
        {"CIPHER_TOPIC": "eventsourcing.cipher:AESCipher"},
        {"CIPHER_KEY": "x"},
        {"COMPRESSOR_TOPIC": "zlib"},
        {"MAPPER_TOPIC": "eventsourcing.persistence:Mapper"},
        {"IS_SNAPSHOTTING_ENABLED": "y"},
        {"HELPR_TENANT": ""},
        {"HELPR_TENANT": "acme"},
        {"HELPR_ACTOR": "alice"},
        {"HELPR_DATABASE_URL": ""},
    ],
)
def test_what_the_log_does_not_want_is_refused_with_a_reason(unwanted: Environment, environment: Environment) -> None:
    with pytest.raises(InfrastructureFactoryError, match=next(iter(unwanted))):
        Application[UUID](environment | unwanted)


def test_there_are_no_snapshots(environment: Environment) -> None:
    factory = LogFactory(environment)
    with pytest.raises(InfrastructureFactoryError, match="snapshots"):
        factory.aggregate_recorder(purpose="snapshots")
    factory.close()


def test_without_a_keyring_nothing_personal_is_written(environment: Environment) -> None:
    with Application[UUID](environment | {"HELPR_KEYRING_TOPIC": ""}) as desk:
        desk.save(fact(new_id(), 1))
        with pytest.raises(InfrastructureFactoryError, match="HELPR_KEYRING_TOPIC"):
            desk.save(fact(new_id(), 1, message("Hello")))
        assert desk.recorder.max_notification_id() == 1
