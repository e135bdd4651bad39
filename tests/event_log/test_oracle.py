"""log.append against a model of it in a few lines: whatever is asked, both say the same."""

from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from infrastructure.event_log.appending import AppendRequest, Outcome
from infrastructure.event_log.synchronous import append
from infrastructure.keys.digests import new_id
from tests.conftest import Database
from tests.event_log.writing import request, row

STREAMS = [UUID(int=number) for number in range(4)]
KINDS = ["conversation", "visitor"]
Key = tuple[str, UUID]

places = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(STREAMS)), max_size=3, unique=True)
steps = st.lists(st.sampled_from([1] * 8 + [0, 2]), min_size=1, max_size=3)
moves = st.lists(st.tuples(st.sampled_from([0] * 8 + [-1, 1]), steps), min_size=3, max_size=3)


class Model:
    """What the log holds of one organisation, and how it decides."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.versions: dict[Key, int] = {}
        self.done: dict[UUID, tuple[bytes, Outcome]] = {}
        self.events: list[tuple[int, str, UUID, int, UUID]] = []

    def append(self, batch: list[AppendRequest]) -> list[Outcome]:
        head = self.head
        return [self._append_one(asked, head) for asked in batch]

    def _append_one(self, asked: AppendRequest, before_the_batch: int) -> Outcome:
        if asked.command in self.done:
            known, first = self.done[asked.command]
            what: Any = "repeated" if known == asked.fingerprint else "reused"
            return Outcome(what, first.made, first.position, first.version)
        versions = dict(self.versions)
        for fact in asked.facts:
            key = (fact.kind, fact.stream)
            before = versions.get(key, fact.version - 1 if fact.version in (0, 1) else 0)
            if fact.version != before + 1:
                return Outcome("conflict", None, 0, 0)
            versions[key] = fact.version
        self.versions = versions
        for fact in asked.facts:
            self.head += 1
            self.events.append((self.head, fact.kind, fact.stream, fact.version, fact.event_id))
        position = self.head if asked.facts else before_the_batch
        outcome = Outcome("done", asked.made, position, asked.end)
        self.done[asked.command] = (asked.fingerprint, outcome)
        return outcome


class LogAndModel(RuleBasedStateMachine):
    """Batches of requests: fresh ones, repeated ones, others under a known name; in step, behind, ahead, with holes."""

    dsn: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.db = psycopg.connect(self.dsn, autocommit=True, options="-c role=helpr_app")
        self.tenant = new_id()
        self.asked: list[AppendRequest] = []

    @initialize()
    def begin(self) -> None:
        found = self.db.execute("select max(position) from log.events").fetchone()
        assert found is not None
        self.model = Model(found[0] or 0)

    @rule(batch=st.lists(st.tuples(places, moves), min_size=1, max_size=5), data=st.data())
    def appends(self, batch: list[tuple[list[Key], Any]], data: st.DataObject) -> None:
        requests: list[AppendRequest] = []
        claimed: set[Any] = set()
        for where, how in batch:
            asked = self._some_request(where, how, data)
            if claimed.isdisjoint(asked.claims):
                requests.append(asked)
                claimed |= asked.claims
        self.asked += requests
        assert append(self.db, requests) == self.model.append(requests)

    def _some_request(self, where: list[Key], how: Any, data: st.DataObject) -> AppendRequest:
        known = data.draw(st.sampled_from(["fresh", "fresh", "again", "otherwise"]))
        earlier = data.draw(st.sampled_from(self.asked)) if self.asked and known != "fresh" else None
        if earlier is not None and known == "again":
            return earlier
        facts = []
        for (kind, stream), (off, steps) in zip(where, how, strict=False):
            version = self.model.versions.get((kind, stream), 0) + off
            for step in steps:
                version += step
                facts.append(row(stream, max(version, 0), tenant=self.tenant, kind=kind))
        return request(
            *facts,
            tenant=self.tenant,
            command=earlier.command if earlier else None,
            fingerprint=b"?" if earlier else b"!",
        )

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        found = self.db.execute(
            """select position, stream_kind, stream_id, version, event_id from log.events
            where tenant_id = %s order by position""",
            (self.tenant,),
        ).fetchall()
        assert found == self.model.events

    def teardown(self) -> None:
        self.db.close()


@pytest.fixture
def machine(module_database: Database) -> type[LogAndModel]:
    LogAndModel.dsn = module_database.runtime
    return LogAndModel


@pytest.mark.requirement("R-OPS-2")
def test_the_log_does_what_its_model_does(machine: type[LogAndModel]) -> None:
    how = settings(
        max_examples=60,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],
    )
    run_state_machine_as_test(machine, settings=how)
