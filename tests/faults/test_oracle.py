"""Two processes with one log, its keys and its views, against an oracle that keeps it all in memory: whatever is asked,
both say the same."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from msgspec.structs import replace

from application.compliance.erasure import shred
from application.ports import Asked, Change
from domain.compliance import erasure
from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureReason
from domain.conversations.conversation import Conversation
from domain.conversations.events import Author, MessageSent, Party
from domain.conversations.lifecycle import reopen, resolve
from domain.conversations.messaging import leave_note, send_message, start_conversation
from domain.shared.event import Facts, Place, Sealed
from domain.shared.ids import AgentId, MessageId, VisitorId
from domain.shared.refusal import Refusal
from infrastructure.database.connections import connect_worker
from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.keys.digests import new_id
from projections import views
from tests.conftest import fresh_database
from tests.event_log.keyring import keyring_in
from tests.event_log.process import Process, asked, process_on
from tests.event_log.writing import ACME
from tests.faults.oracle import Answer, Oracle
from tests.views.rebuilt import rebuild
from tests.views.test_rebuilt_equals_live import fold_somehow, rows

TALKS = [UUID(int=100 + number) for number in range(4)]
VISITORS = [VisitorId(UUID(int=200 + number)) for number in range(3)]
AGENT = AgentId(UUID(int=300))
LOG = "select position, stream_kind, stream_id, version, name, command_id from log.events order by position"
THREAD = """select version, event_id, text, is_erased, name from read.thread
    join log.events using (tenant_id, event_id) where conversation_id = %s and kind = 'message' order by version"""
Decide = Callable[[Conversation], Facts]
T = TypeVar("T")

words = st.integers(0, 9).map(lambda number: f"Words {number}")
visitors, talks, places = st.sampled_from(VISITORS), st.sampled_from(TALKS), st.sampled_from([0, 1])


def starting(visitor: VisitorId, text: str) -> Decide:
    return partial(start_conversation, visitor=visitor, message=MessageId(new_id()), text=text)


def writing(visitor: VisitorId, text: str) -> Decide:
    return partial(send_message, author=Author(Party.VISITOR, visitor), message=MessageId(new_id()), text=text)


def answering(text: str) -> Decide:
    return partial(send_message, author=Author(Party.AGENT, AGENT), message=MessageId(new_id()), text=text)


def noting(text: str) -> Decide:
    return partial(leave_note, agent=AGENT, message=MessageId(new_id()), text=text)


decisions = st.one_of(
    st.builds(starting, visitors, words),
    st.builds(writing, visitors, words),
    st.builds(answering, words),
    st.builds(noting, words),
    st.sampled_from([resolve, reopen]),
)


class Command(msgspec.Struct, frozen=True):
    """What somebody asks for."""

    changes: tuple[Change, ...]
    asked: Asked

    async def at(self, process: Process) -> Answer:
        try:
            return await process.events.change_all(self.changes, asked=self.asked, made=self.changes[0].stream)
        except Refusal as refusal:
            return type(refusal)

    def of(self, oracle: Oracle) -> Answer:
        return oracle.change_all(self.changes, self.asked, made=self.changes[0].stream)


def command(*changes: tuple[UUID, Decide]) -> Command:
    return Command(tuple(Change(Conversation, talk, decide) for talk, decide in changes), asked())


class HouseAndOracle(RuleBasedStateMachine):
    """Each of two processes knows only what it has read itself; views are folded when it pleases somebody."""

    cluster: ClassVar[EmbeddedPostgres]
    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        self.loop, self.opened, self.sync = asyncio.new_event_loop(), AsyncExitStack(), ExitStack()
        folder = Path(self.sync.enter_context(TemporaryDirectory()))
        self.database = self.sync.enter_context(fresh_database(self.cluster))
        self.owner = self.sync.enter_context(psycopg.connect(self.database.owner, autocommit=True))
        self.work = self.sync.enter_context(connect_worker(self.database.runtime))
        self.keys = self.do(self.opened.enter_async_context(keyring_in(folder)))
        self.processes = [self.do(self.opened.enter_async_context(self._process())) for _ in range(2)]
        self.oracle, self.commands = Oracle(), list[Command]()

    def _process(self) -> Any:
        return process_on(self.database.runtime, self.keys)

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(what)

    @rule(place=places, talk=talks, decide=decisions)
    def somebody_acts(self, place: int, talk: UUID, decide: Decide) -> None:
        self._same(place, command((talk, decide)))

    @rule(place=places, one=talks, other=talks, decide=decisions, decide_other=decisions)
    def several_streams_change(self, place: int, one: UUID, other: UUID, decide: Decide, decide_other: Decide) -> None:
        if one != other:
            self._same(place, command((one, decide), (other, decide_other)))

    @rule(talk=talks, decide=decisions, decide_other=decisions)
    def two_act_at_once(self, talk: UUID, decide: Decide, decide_other: Decide) -> None:
        self._at_once(command((talk, decide)), command((talk, decide_other)))

    @rule(talk=talks, decide=decisions)
    def one_command_comes_twice_at_once(self, talk: UUID, decide: Decide) -> None:
        twice = command((talk, decide))
        self._at_once(twice, twice)

    @precondition(lambda self: bool(getattr(self, "commands", None)))
    @rule(place=places, data=st.data(), fingerprint=st.sampled_from([b"!", b"!", b"?"]))
    def a_command_comes_again(self, place: int, data: st.DataObject, fingerprint: bytes) -> None:
        known = data.draw(st.sampled_from(self.commands))
        self._same(place, replace(known, asked=replace(known.asked, fingerprint=fingerprint)))

    @rule(place=places, visitor=visitors)
    def somebody_is_forgotten(self, place: int, visitor: VisitorId) -> None:
        events = self.processes[place].events
        decide = partial(erasure.decide_erasure, subject=visitor, reason=ErasureReason.REQUESTED)
        self._same(place, Command((Change(Erasure, visitor, decide),), asked()))
        wanted, living = asked(), self.do(self.keys.living(ACME, f"subject:{visitor}"))
        receipt = self.do(shred(visitor, asked=wanted, events=events, keyring=self.keys))
        self.oracle.forget(visitor)
        decide = partial(erasure.shred, subject=visitor, keys=living)
        assert self.oracle.change_all([Change(Erasure, visitor, decide)], wanted) == receipt

    @rule(place=places)
    def a_process_starts_anew(self, place: int) -> None:
        self.processes[place] = self.do(self.opened.enter_async_context(self._process()))

    @rule(place=places, talk=talks)
    def somebody_reads(self, place: int, talk: UUID) -> None:
        process = self.processes[place]
        memory = self.do(process.events.refresh(Conversation, talk, tenant=ACME))
        assert memory == self.oracle.memory(Conversation, talk)
        page = self.do(process.reader.stream(ACME, "conversation", talk))
        texts = [found.fact.text for found in page if isinstance(found.fact, MessageSent)]
        assert self._opened([text for text in texts if isinstance(text, Sealed)]) == self.oracle.said(talk)

    @rule(view=st.sampled_from(views.ALL), seed=st.integers(0, 99))
    def a_view_catches_up(self, view: Any, seed: int) -> None:
        fold_somehow(self.work, view, Random(seed))
        if view.NAME == "thread":
            self._thread_is_the_oracles()

    @rule(view=st.sampled_from(views.ALL), seed=st.integers(0, 99))
    def a_view_is_rebuilt(self, view: Any, seed: int) -> None:
        fold_somehow(self.work, view, Random(seed))
        live = rows(self.owner, view)
        rebuild(self.owner, view)
        assert rows(self.owner, view) == live
        if view.NAME == "thread":
            self._thread_is_the_oracles()

    @invariant()
    def both_hold_the_same(self) -> None:
        if hasattr(self, "oracle"):
            HouseAndOracle.steps += 1
            assert self.owner.execute(LOG).fetchall() == self.oracle.log

    def teardown(self) -> None:
        if hasattr(self, "oracle"):
            self.do(self.opened.aclose())
            self.sync.close()
            self.loop.close()

    def _same(self, place: int, wanted: Command) -> None:
        self.commands.append(wanted)
        assert self.do(wanted.at(self.processes[place])) == wanted.of(self.oracle)

    def _at_once(self, one: Command, other: Command) -> None:
        """Either may have been first."""
        self.commands += [one, other]
        here, there = self.processes

        async def both() -> tuple[Answer, Answer]:
            return await asyncio.gather(one.at(here), other.at(there))

        said = self.do(both())
        assert one is not other or said[0] == said[1]
        orders = [self._after({one: said[0], other: said[1]}), self._after({other: said[1], one: said[0]})]
        possible = [known for known in orders if known is not None]
        assert possible, said
        self.oracle = possible[0]

    def _after(self, said: dict[Command, Answer]) -> Oracle | None:
        """The oracle when these were asked for in this order; None when it would have said something else."""
        later = self.oracle.later()
        expected = [(wanted.asked.command, wanted.of(later), answer) for wanted, answer in said.items()]
        return later if all(later.takes(*each) for each in expected) else None

    def _opened(self, sealed: list[Sealed]) -> list[str | None]:
        opened = self.do(self.keys.open(ACME, sealed))
        return [msgspec.msgpack.decode(each) if each is not None else None for each in opened]

    def _thread_is_the_oracles(self) -> None:
        for talk in self.oracle.conversations():
            found = self.owner.execute(THREAD, (talk,)).fetchall()
            texts = [
                Sealed(text, Place(ACME, talk, version, event, name, "text"))
                for version, event, text, is_erased, name in found
                if not is_erased
            ]
            said = self.oracle.said(talk)
            assert [is_erased for *_, is_erased, _ in found] == [words is None for words in said]
            assert self._opened(texts) == [words for words in said if words is not None]


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("steps", [150, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_house_does_what_its_oracle_says(
    cluster: EmbeddedPostgres, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step is one rule, after which the whole log is compared. The first example of a run is always the dullest."""
    HouseAndOracle.cluster, HouseAndOracle.steps = cluster, 0
    how = settings(
        max_examples=max(12, steps // 100),
        stateful_step_count=20 if steps < 1000 else 50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    while HouseAndOracle.steps < steps:
        run(HouseAndOracle, settings=how)
    with capsys.disabled():
        print(f"\n{HouseAndOracle.steps} steps, and the oracle knew what came of each")
