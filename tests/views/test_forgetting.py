"""No view remembers a forgotten person: whatever it listens to, however it was folded, whenever they were forgotten."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from domain.compliance.events import ErasureDecided, ErasureProved, ErasureReason, KeysDestroyed
from domain.shared.event import Event, Sealed
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect_worker
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import ScopeKey, scopes_of, seal, unfold
from infrastructure.keys.marks import marks_of
from infrastructure.views.generations import Generation, serving, tables
from projections import views
from projections.view import View
from tests.conftest import Database
from tests.shown import SOMEBODY
from tests.views.anything import life_of, stream_of
from tests.views.conftest import Connection

pytestmark = pytest.mark.requirement("R-PRI-2")

ACME, OTHER = UUID(int=1), UUID(int=2)
VERA, VICTOR = UUID(int=11), UUID(int=12)
WORDS = {VERA: "canary of vera", VICTOR: "canary of victor"}
START = datetime(2026, 11, 3, tzinfo=UTC)
Facts = list[Recorded[Event]]


@pytest.fixture(scope="module")
def work(module_database: Database) -> Iterator[Connection]:
    with connect_worker(module_database.runtime) as connection:
        yield connection


class Happening(msgspec.Struct, frozen=True):
    """A fact that is going to happen."""

    tenant: UUID
    person: UUID
    kind: str
    fact: Event


def lives(view: View, random: Random) -> list[list[Happening]]:
    """Two people in each of two organisations, under the same ids: what happens to them, stream by stream."""
    listens = set(view.LISTENS)
    return [
        [Happening(tenant, person, kind, fact) for fact in facts]
        for tenant in (ACME, OTHER)
        for person, words in WORDS.items()
        for kind, facts in life_of(person, words, listens, random).items()
    ]


def forgetting(view: View) -> list[Happening]:
    """Acme forgets vera."""
    said = (
        ErasureDecided(subject=VERA, reason=ErasureReason.REQUESTED),
        KeysDestroyed(subject=VERA, keys=1),
        ErasureProved(subject=VERA, places={}),
    )
    return [Happening(ACME, VERA, "erasure", fact) for fact in said if type(fact) in view.LISTENS]


def interleaved(streams: Sequence[list[Happening]], random: Random) -> list[Happening]:
    """The streams in one order, each in its own."""
    left = [list(stream) for stream in streams if stream]
    order = []
    while left:
        stream = random.choice(left)
        order.append(stream.pop(0))
        left = [stream for stream in left if stream]
    return order


def as_recorded(order: Sequence[Happening]) -> Facts:
    """As the log would give them: sealed, numbered."""
    versions: dict[tuple[UUID, str, UUID], int] = {}
    recorded = []
    for position, happening in enumerate(order, start=1):
        tenant, fact = happening.tenant, happening.fact
        stream = stream_of(happening.person, happening.kind)
        version = versions[tenant, happening.kind, stream] = versions.get((tenant, happening.kind, stream), 0) + 1
        place: Any = {"tenant": tenant, "stream": stream, "version": version, "event_id": new_id()}
        keys = {scope: ScopeKey(1, bytes(32)) for scope in scopes_of(fact)}
        kept = unfold(fact.NAME, seal(fact, keys=keys, **place).data, **place)
        envelope: Any = {"actor": SOMEBODY, "correlation": new_id(), "causation": None, "command": new_id()}
        at = START + timedelta(seconds=position)
        recorded.append(Recorded(position=position, kind=happening.kind, at=at, fact=kept, **place, **envelope))
    return recorded


def ciphertexts(facts: Facts, tenant: UUID, person: UUID) -> set[str]:
    """What was sealed of a person, as PostgreSQL writes it out."""
    of_person = [r for r in facts if r.tenant == tenant and person in subjects(r.fact)]
    values = [getattr(r.fact, name) for r in of_person for name in r.fact.__struct_fields__]
    return {value.ciphertext.hex() for value in values if isinstance(value, Sealed)}


def subjects(fact: Event) -> set[UUID]:
    """Whose data a fact is."""
    return {getattr(fact, name) for name, kind in marks_of(type(fact)).scopes.items() if kind == "subject"}


def folded(work: Connection, view: View, facts: Facts, sizes: Iterator[int]) -> dict[str, list[str]]:
    """Every row of every table once the view has taken these facts, in batches of these sizes; nothing is kept."""
    generation = serving(work)[view.NAME][0]
    with work.transaction(force_rollback=True):
        work.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(generation.schema)))
        left = list(facts)
        while left:
            size = next(sizes)
            view.fold(left[:size], work)
            left = left[size:]
        return _rows(work, generation)


def _rows(work: Connection, generation: Generation) -> dict[str, list[str]]:
    query = "select t::text from {} t order by 1"
    return {
        table: [row for (row,) in work.execute(sql.SQL(query).format(sql.Identifier(generation.schema, table)))]
        for table in tables(work, generation)
    }


def seen(rows: dict[str, list[str]], wanted: set[str]) -> set[str]:
    """Which of these stand in any row."""
    everything = "\n".join(row for table in rows.values() for row in table)
    return {each for each in wanted if each in everything}


def holds_ciphertext(work: Connection, view: View) -> bool:
    query = (
        "select count(*) from information_schema.columns where table_schema = %s and udt_name in ('bytea', '_bytea')"
    )
    row = work.execute(query, (serving(work)[view.NAME][0].schema,)).fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize("view", views.ALL, ids=lambda view: view.NAME)
@given(
    random=st.randoms(use_true_random=False),
    sizes=st.one_of(st.just([1]), st.just([500]), st.lists(st.integers(1, 5), min_size=1, max_size=5)),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_of_a_forgotten_person_is_left_and_everything_else_stays(
    work: Connection, view: View, random: Random, sizes: list[int]
) -> None:
    facts = as_recorded(interleaved([*lives(view, random), forgetting(view)], random))
    endless = (size for _ in iter(int, 1) for size in sizes)
    after = folded(work, view, facts, endless)
    theirs = ciphertexts(facts, ACME, VERA)
    assert seen(after, theirs) == set()
    assert seen(after, set(WORDS.values())) == set(), "words in the clear"

    without = [r for r in facts if not isinstance(r.fact, ErasureDecided | KeysDestroyed | ErasureProved)]
    before = folded(work, view, without, iter(lambda: 500, 0))
    assert bool(seen(before, theirs)) is holds_ciphertext(work, view), "the search must find what is there"
    for tenant, person in ((ACME, VICTOR), (OTHER, VERA), (OTHER, VICTOR)):
        stays = ciphertexts(facts, tenant, person)
        assert seen(after, stays) == seen(before, stays)
    assert len(after[view.NAME]) >= len(before[view.NAME]), "its rows are counted, and counts stay"


def test_days_count_the_same_whoever_was_forgotten(work: Connection) -> None:
    daily = next(view for view in views.ALL if view.NAME == "daily")
    facts = as_recorded(interleaved([*lives(daily, Random(1)), forgetting(daily)], Random(1)))
    without = [r for r in facts if not isinstance(r.fact, ErasureDecided)]
    assert folded(work, daily, facts, iter(lambda: 3, 0)) == folded(work, daily, without, iter(lambda: 3, 0))


def test_every_view_with_words_of_people_listens_to_forgetting(work: Connection) -> None:
    with_words = {view.NAME for view in views.ALL if holds_ciphertext(work, view)}
    assert with_words == {"inbox", "thread", "directory", "agents"}
    assert all(ErasureDecided in view.LISTENS for view in views.ALL if view.NAME in with_words)
