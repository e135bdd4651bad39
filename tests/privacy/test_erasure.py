"""A person is forgotten: nobody reads a word of them any more, anywhere; that things happened stays."""

import sqlite3
from typing import Any

import asyncpg
import httpx
import psycopg
import pytest

from domain.accounts.events import Role
from infrastructure.keys.marks import marks_of
from projections import views
from tests.api.routes import ROUTES
from tests.house import arrived, listening_to
from tests.privacy.conftest import BIRD, PHONE, READS, WRAPPED, Forgotten, everything, key_files, proved
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-PRI-2")
OWN = ("date", "helpr-request-id", "ratelimit", "helpr-position")


def has_words(answer: Any) -> bool:
    """Whether anything that the person said, or was said about them, is in it."""
    text = answer.text if isinstance(answer, httpx.Response) else str(answer)
    return BIRD in text or PHONE in text


async def test_before_it_was_all_there(forgotten: Forgotten) -> None:
    """Else what follows would prove nothing."""
    with_words = {name for name, answer in forgotten.before.items() if has_words(answer)}
    assert with_words >= {
        "listConversations", "readConversation", "readChanges", "listVisitors", "readVisitor", "readMoment",
        "listVisitorsConversations", "readMyConversation",
    }  # fmt: skip


@pytest.mark.parametrize("role", Role)
async def test_no_route_shows_a_word(forgotten: Forgotten, role: Role) -> None:
    world = forgotten.world
    for route in READS:
        for changed in ({}, {"at": forgotten.moment}):
            answer = await world.agents[role].request(**world.good(route, **changed))
            assert not has_words(answer), route.name
    for query in ({"status": "all"}, {"status": "all", "sort": "oldest"}, {"status": "all", "sort": "priority"}):
        assert not has_words(await world.agents[role].get("/v1/conversations", params=query))


async def test_what_is_erased_is_said_to_be_erased(forgotten: Forgotten) -> None:
    """Never an empty text; nothing of the others is touched."""
    now = await everything(forgotten.world)
    shown, before = now["readConversation"].json(), forgotten.before["readConversation"].json()
    said = [change for change in shown["changes"] if change["kind"] in ("message", "note")]
    assert [(change["text"], change["erased"]) for change in said] == [(None, True)] * 5
    assert (shown["conversation"]["visitor"]["name"], shown["conversation"]["visitor"]["erased"]) == (None, True)
    assert shown["conversation"]["preview"] == {"author": "visitor", "text": None, "erased": True, "damaged": False}
    person = shown["visitor"]
    assert [person[field] for field in ("name", "email", "phone", "device", "place", "page")] == [None] * 6
    assert person["erased"]
    for change, old in zip(shown["changes"], before["changes"], strict=True):
        assert {**change, "text": None, "erased": False} == {**old, "text": None}
    others = [row for row in now["listConversations"].json()["conversations"] if not row["visitor"]["erased"]]
    assert [row["preview"]["text"] for row in others] == ["And what about me?"]


async def test_whoever_was_listening_was_told(forgotten: Forgotten) -> None:
    """Agents, that everything they are shown of this person must go; the visitor's connection is over."""
    told = await forgotten.agent.until(lambda frame: frame["type"] == "erased")
    assert told["visitor"] == str(forgotten.person)
    with pytest.raises(Exception, match="4410"):
        await forgotten.visitor.until(lambda frame: False)


async def test_nothing_is_heard_of_the_past(forgotten: Forgotten) -> None:
    """Not from the first change on, nor from the first news of the inbox on."""
    world = forgotten.world
    async with listening_to(forgotten.helpr, world.agents[Role.AGENT]) as ears:
        await ears.say("inbox", after=0)
        await ears.say("watch", conversation=world.visitor.conversation, after=0)
        rows = await ears.until(lambda frame: frame["type"] == "inbox")
        last = forgotten.before["readConversation"].json()["conversation"]["sequence"]
        await ears.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == last)
    assert not has_words(ears.heard)
    assert str(forgotten.person) in str(rows)
    changes = [frame["change"] for frame in ears.heard if frame["type"] == "change"]
    assert {change["text"] for change in changes} == {None}


async def test_the_visitors_door_is_closed(forgotten: Forgotten) -> None:
    world = forgotten.world
    for route in ROUTES:
        if route.path.startswith("/widget/") and route.name != "beginWidgetSession":
            answer = await world.visitor.client.request(**world.good(route))
            assert answer.status_code == 401, route.name


async def test_no_table_holds_a_word_or_a_piece(forgotten: Forgotten) -> None:
    """No text in any column; in views not even what was sealed under the person's key."""
    scope = f"subject:{forgotten.person}".encode()
    owner = await asyncpg.connect(forgotten.database.owner)
    tables = await owner.fetch("select schemaname, tablename from pg_tables where schemaname !~ '^pg_|^information'")
    pieces = dict[str, int]()
    for schema, table in tables:
        for row in await owner.fetch(f'select * from "{schema}"."{table}"'):
            for value in row:
                for each in value if isinstance(value, list) else [value]:
                    assert not has_words(each)
                    if isinstance(each, bytes):
                        assert BIRD.encode() not in each
                        pieces[schema] = pieces.get(schema, 0) + (scope in each)
    await owner.close()
    assert {schema: found for schema, found in pieces.items() if found} == {"log": pieces["log"]}


async def test_what_the_log_still_holds_opens_for_nobody(forgotten: Forgotten) -> None:
    """Neither in this process nor in one that has never seen the key."""
    house, tenant = forgotten.helpr.house, forgotten.world.organisation.id
    sealed = []
    for recorded in await house.reader.after(0, most=10_000):
        about = getattr(recorded.fact, "visitor", None)
        if recorded.tenant == tenant and about == forgotten.person:
            values = [getattr(recorded.fact, name) for name in marks_of(type(recorded.fact)).personal]
            sealed += [value for value in values if value is not None]
    assert len(sealed) > 10
    assert await house.keyring.open(tenant, sealed) == [None] * len(sealed)
    house.keyring.evict_all()
    assert await house.keyring.open(tenant, sealed) == [None] * len(sealed)


@pytest.mark.requirement("R-PRI-1")
async def test_the_trail_and_its_export_are_as_they_were(forgotten: Forgotten) -> None:
    now = await everything(forgotten.world)
    for name in ("readTrail", "exportTrail"):
        assert now[name].content == forgotten.before[name].content
    (route,) = [route for route in READS if route.name == "exportTrail"]
    request = forgotten.world.good(route) | {"params": {"format": "csv"}}
    table = await forgotten.world.agents[Role.COMPLIANCE].request(**request)
    assert len(table.text.splitlines()) == len(now["readTrail"].json()["entries"]) + 1


@pytest.mark.requirement("R-PRI-1")
async def test_an_earlier_moment_is_as_it_was_but_for_the_words(forgotten: Forgotten) -> None:
    now = (await everything(forgotten.world, at=forgotten.moment))["readMoment"].json()
    before = forgotten.before["readMoment"].json()
    assert [{**change, "text": None, "erased": False} for change in now["changes"]] == [
        {**change, "text": None} for change in before["changes"]
    ]
    assert {**now, "changes": [], "at": ""} == {**before, "changes": [], "at": ""}


@pytest.mark.requirement("R-ANA-1")
async def test_what_is_counted_stays(forgotten: Forgotten) -> None:
    now = await everything(forgotten.world)
    for name in ("countConversations", "readDays"):
        assert now[name].content == forgotten.before[name].content
    assert now["readVisitor"].json()["conversations"] == forgotten.before["readVisitor"].json()["conversations"] == 1
    rows, old = (
        [row["id"] for row in each["listConversations"].json()["conversations"]] for each in (now, forgotten.before)
    )
    assert rows == old


async def test_that_it_was_done_is_on_record(forgotten: Forgotten) -> None:
    listed = (await forgotten.world.agents[Role.COMPLIANCE].get("/v1/erasures")).json()["erasures"]
    (erasure,) = [each for each in listed if each["visitor"] == str(forgotten.person)]
    assert (erasure["visitor"], erasure["reason"], erasure["state"]) == (str(forgotten.person), "requested", "proved")
    assert erasure["keys"] == 1
    assert erasure["decided_at"] <= erasure["shredded_at"] <= erasure["proved_at"]
    again = await forgotten.world.agents[Role.OWNER].post(
        f"/v1/visitors/{forgotten.person}/erasure", json={"reason": "child"}
    )
    assert again.json() == erasure


@pytest.mark.requirement("R-PRI-8")
async def test_a_child_is_forgotten_on_the_same_way_and_the_reason_is_on_record(forgotten: Forgotten) -> None:
    child = await arrived(forgotten.helpr, forgotten.world.organisation)
    await child.says(f"I am nine, and my {BIRD} has flown")
    officer, path = forgotten.world.agents[Role.COMPLIANCE], f"/v1/visitors/{child.id}/erasure"
    assert (await officer.post(path, json={"reason": "child"})).json()["reason"] == "child"
    assert (await proved(officer, path))["reason"] == "child"
    assert not has_words(await officer.get(f"/v1/conversations/{child.conversation}"))


async def test_a_rebuild_of_every_view_brings_nothing_back(forgotten: Forgotten) -> None:
    before = {name: shown(answer) for name, answer in (await everything(forgotten.world)).items()}
    with psycopg.connect(forgotten.database.owner, autocommit=True) as owner:
        for view in views.ALL:
            rebuild(owner, view)
    after = {name: shown(answer) for name, answer in (await everything(forgotten.world)).items()}
    assert after == before
    assert not has_words(after)


def shown(answer: httpx.Response) -> tuple[Any, ...]:
    return answer.status_code, answer.content, {name: text for name, text in answer.headers.items() if name not in OWN}


async def test_nothing_more_is_written_about_a_forgotten_person(forgotten: Forgotten) -> None:
    """Refused, never sealed under a fresh key; what says nothing about them is still done."""
    agent, conversation = forgotten.world.agents[Role.AGENT], forgotten.world.visitor.conversation
    before = await forgotten.helpr.house.reader.head()
    for kind in ("messages", "notes"):
        answer = await agent.post(f"/v1/conversations/{conversation}/{kind}", json={"text": f"About {BIRD}"})
        assert (answer.status_code, answer.json()["detail"]) == (
            409, "This person was forgotten: nothing about them is kept any more.",
        )  # fmt: skip
    assert await forgotten.helpr.house.reader.head() == before
    assert (await agent.put(f"/v1/conversations/{conversation}/status", json={"status": "open"})).is_success


async def test_whoever_comes_back_is_somebody_new(forgotten: Forgotten) -> None:
    world = forgotten.world
    known = {
        "organisation": str(world.organisation.id),
        "visitor": str(forgotten.person),
        "secret": world.visitor.secret,
    }
    begun = (await world.anybody.post("/widget/v1/session", json=known)).json()
    assert (begun["resumed"], begun["identity"], begun["conversation"]) == (False, None, None)
    assert begun["visitor"] != str(forgotten.person)
    assert begun["secret"] != world.visitor.secret


async def test_the_destroyed_key_stands_in_no_file(forgotten: Forgotten) -> None:
    """It did before. A tombstone stays, so that no other is ever made."""
    assert forgotten.wrapped in forgotten.key_files_before
    assert forgotten.wrapped not in key_files(forgotten.folder)
    keys = sqlite3.connect(forgotten.folder / "keys" / "keys.sqlite")
    found = keys.execute(WRAPPED, (forgotten.world.organisation.id.bytes, f"subject:{forgotten.person}")).fetchall()
    keys.close()
    assert found == [(None,)]
