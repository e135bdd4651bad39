"""Every view rebuilt from the log equals the live one, row for row, before and after people were forgotten."""

from random import Random
from typing import get_args
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from domain.accounts.events import AgentJoined
from domain.compliance.events import ComplianceEvent
from domain.conversations.events import ConversationEvent
from domain.visitors.events import VisitorEvent
from infrastructure.database.connections import connect_worker
from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.event_log.pages import LogPages
from infrastructure.views.folding import Folding, commit
from infrastructure.views.generations import SHARDS, serving, tables
from infrastructure.views.rebuilding import rebuild_all
from projections import views
from projections.view import View
from tests.conftest import fresh_database
from tests.views.conftest import Connection
from tests.views.histories import Organisation
from tests.views.log import Log
from tests.views.rebuilt import rebuild

Rows = dict[str, list[str]]


def fold_somehow(work: Connection, view: View, random: Random) -> None:
    """As workers might: the shards in two hands, each at its own pace, in pages of any size."""
    folding, pages = Folding(work, view, serving(work)[view.NAME][0]), LogPages(work, most=random.choice([4, 15, 500]))
    head, shards = pages.head(), list(range(SHARDS))
    random.shuffle(shards)
    hands = [shards[:5], shards[5:]]
    while behind := [hand for hand in hands if folding.checkpoints()[hand[0]] < head]:
        hand = random.choice(behind)
        start = folding.checkpoints()[hand[0]]
        page = pages.between(start, head)
        commit([folding], page, hand, start, page[-1].position)


def rows(owner: Connection, view: View) -> Rows:
    """All rows of all tables of the serving generation, in a fixed order."""
    generation = serving(owner)[view.NAME][0]
    found = {}
    for table in tables(owner, generation):
        query = sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(generation.schema, table))
        found[table] = [row for (row,) in owner.execute(query)]
    return found


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.requirement("R-ANA-1")
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 120))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_view_rebuilt_equals_the_live_one_row_for_row(cluster: EmbeddedPostgres, seed: int, steps: int) -> None:
    """Each history has a database of its own, and organisations that are the same when it is told again."""
    with (
        fresh_database(cluster) as database,
        psycopg.connect(database.owner, autocommit=True) as owner,
        connect_worker(database.runtime) as work,
    ):
        log, random = Log(owner), Random(seed)
        tenants = [UUID(int=random.getrandbits(128)) for _ in range(2)]
        organisations = [(tenant, Organisation(random)) for tenant in tenants]
        for forgets in (False, True):
            for tenant, organisation in organisations:
                for what in organisation.live(steps, forgets=forgets):
                    log.write(tenant, what)
            for view in views.ALL:
                fold_somehow(work, view, random)
                live = rows(owner, view)
                rebuild(owner, view)
                assert rows(owner, view) == live, view.NAME
            before = {view.NAME: rows(owner, view) for view in views.ALL}
            rebuild_all(owner, views.ALL)
            assert {view.NAME: rows(owner, view) for view in views.ALL} == before, "the log read once for all of them"


def test_such_histories_hold_everything_that_happens_to_visitors_and_conversations() -> None:
    happened = Organisation(Random(1)).live(3000, forgets=True)
    kinds = {type(fact) for what in happened for fact in what.facts}
    assert kinds == {*get_args(ConversationEvent), *get_args(VisitorEvent), *get_args(ComplianceEvent), AgentJoined}
