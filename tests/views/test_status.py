"""How the views are: what serves, how far behind, what is parked."""

from uuid import UUID

import pytest

from infrastructure.event_log.pages import LogPages
from infrastructure.views.status import ViewStatus, status
from projections import views
from tests.conversations.talk import in_conversation, one, started, two, visitor_says
from tests.views import tally
from tests.views.conftest import Connection, Tallied
from tests.views.log import Log
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-OPS-2")

ACME = UUID(int=1)


def of_tally(owner: Connection) -> list[ViewStatus]:
    """The lines about the counting view."""
    return [line for line in status(owner) if line.view == "tally"]


def test_every_view_has_a_line_and_an_empty_log_leaves_nobody_behind(owner: Connection) -> None:
    assert [line.view for line in status(owner)] == sorted(view.NAME for view in views.ALL)
    for line in status(owner):
        assert (line.state, line.position, line.lag, line.seconds, line.parked) == ("serving", 0, 0, 0, 0)


def age_of(owner: Connection, position: int) -> float:
    """How many seconds ago the fact at a position was recorded."""
    query = "select extract(epoch from now() - recorded_at)::float8 from log.events where position = %s"
    (age,) = owner.execute(query, (position,)).fetchone() or (0.0,)
    return float(age)


def test_a_view_is_as_far_as_its_last_shard_and_as_late_as_the_first_fact_it_misses(
    tallied: Tallied, log: Log, owner: Connection
) -> None:
    log.write(ACME, in_conversation(one, started(), visitor_says("Hello")))
    log.write(ACME, in_conversation(one, visitor_says("again")))
    tallied.folding.step(LogPages(tallied.work).between(0, 2), range(8), 0, 2)
    youngest = age_of(owner, 1)
    (behind,) = of_tally(owner)
    assert (behind.position, behind.lag) == (0, 3)
    assert youngest <= behind.seconds <= age_of(owner, 1)
    tallied.folding.step(LogPages(tallied.work).between(0, 2), range(8, 16), 0, 2)
    youngest = age_of(owner, 3)
    (nearly,) = of_tally(owner)
    assert (nearly.position, nearly.lag) == (2, 1)
    assert youngest <= nearly.seconds <= age_of(owner, 3)
    assert behind.moved_at is not None
    assert nearly.moved_at is not None
    assert nearly.moved_at > behind.moved_at
    tallied.fold()
    (there,) = of_tally(owner)
    assert (there.position, there.lag, there.seconds, there.version) == (3, 0, 0, tally.VERSION)


def test_parked_streams_are_counted(tallied: Tallied, log: Log, owner: Connection) -> None:
    log.write(ACME, in_conversation(one, started()), in_conversation(two, started()))
    tally.poisoned.update({one, two})
    tallied.fold()
    (line,) = of_tally(owner)
    assert (line.parked, line.lag) == (2, 0)


def test_a_rebuild_under_way_has_a_line_of_its_own(tallied: Tallied, log: Log, owner: Connection) -> None:
    log.write(ACME, in_conversation(one, started()))
    tallied.fold()
    seen: list[list[tuple[int, str]]] = []
    rebuild(owner, tally, progress=lambda *_: seen.append([(line.generation, line.state) for line in of_tally(owner)]))
    assert seen == [[(1, "serving"), (2, "filling")]]
    assert [(line.generation, line.state) for line in of_tally(owner)] == [(2, "serving")]
