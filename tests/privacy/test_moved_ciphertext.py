"""Somebody who may write in the database moves what is sealed: to other rows, fields, people, organisations, versions.

It opens nowhere but in its own place. Nobody is shown it; in its stead stands that it is damaged, which nobody takes
for erased or for nothing; everything else is shown as ever. It is noted, and told to the log once.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
import pytest
from psycopg import sql
from structlog.testing import capture_logs

from api.compliance.damage import Damages
from domain.accounts.events import Role
from domain.compliance.damage import Damage
from domain.compliance.events import DamageFound
from domain.shared.event import Place
from infrastructure.keys import digests
from projections.visitors import directory
from tests.conftest import Database
from tests.house import Helpr, Organisation, Visitor, arrived, founded, listening_to, running, signed_in
from tests.views.rebuilt import rebuild

WORDS = ("First words", "Second words", "Their words", "Vera", "vera@example.org", "Walter")
Ask = Callable[[], Awaitable[httpx.Response]]


class Organisations(msgspec.Struct, frozen=True):
    """Two organisations, and somebody who may see everything in each."""

    helpr: Helpr
    acme: Organisation
    other: Organisation
    agent: httpx.AsyncClient
    stranger: httpx.AsyncClient
    database: Database
    folder: Path


class Scene(Organisations, frozen=True):
    """Two visitors of one of them, who have both written twice, and one of the other."""

    vera: Visitor
    walter: Visitor
    theirs: Visitor


@pytest.fixture(scope="module")
async def organisations(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Organisations]:
    folder = tmp_path_factory.mktemp("helpr")
    async with running(module_database, folder) as helpr:
        acme, other = await founded(helpr, "acme"), await founded(helpr, "other")
        agent, stranger = await signed_in(helpr, acme, Role.OWNER), await signed_in(helpr, other, Role.OWNER)
        yield Organisations(helpr, acme, other, agent, stranger, module_database, folder)


@pytest.fixture
async def scene(organisations: Organisations) -> Scene:
    helpr, agent = organisations.helpr, organisations.agent
    vera, walter = [await talking(helpr, organisations.acme, name) for name in ("Vera", "Walter")]
    theirs = await talking(helpr, organisations.other, "Their Vera", first="Their words")
    for path in ("/v1/conversations", "/v1/visitors", f"/v1/conversations/{vera.conversation}"):
        assert (await agent.get(path, headers=await at_the_head(helpr))).is_success
    return Scene(**msgspec.structs.asdict(organisations), vera=vera, walter=walter, theirs=theirs)


async def at_the_head(helpr: Helpr) -> dict[str, str]:
    return {"Helpr-Min-Position": str(await helpr.house.reader.head())}


async def talking(helpr: Helpr, organisation: Organisation, name: str, *, first: str = "First words") -> Visitor:
    visitor = await arrived(helpr, organisation, **{"CF-IPCity": "Graz"})
    said = {"name": name, "email": f"{name.split()[-1].lower()}@example.org"}
    assert (await visitor.client.put("/widget/v1/visitor", json=said)).is_success
    for text in (first, "Second words"):
        await visitor.says(text)
    return visitor


class Intruder:
    """May do everything in the database; puts everything back in the end."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner
        self._back: list[tuple[sql.Composable, list[Any]]] = []

    def rows(self, table: str, columns: str, where: str, *values: Any) -> list[tuple[Any, ...]]:
        query = sql.SQL("select {} from {} where {}").format(sql.SQL(columns), self._place(table), sql.SQL(where))
        return self._owner.execute(query, values).fetchall()

    def set(self, table: str, column: str, value: Any, where: str, *values: Any) -> None:
        """Writes one value, past triggers and policies."""
        ((old,),) = self.rows(table, column, where, *values)
        query = sql.SQL("update {} set {} = %s where {}").format(
            self._place(table), sql.Identifier(column), sql.SQL(where)
        )
        self._back.append((query, [old, *values]))
        self._owner.execute(query, [value, *values])

    def put_back(self) -> None:
        for query, values in reversed(self._back):
            self._owner.execute(query, values)

    def _place(self, table: str) -> sql.Identifier:
        if table == "events":
            return sql.Identifier("log", "events")
        found = self._owner.execute("select schemaname from pg_tables where tablename = %s", (table,)).fetchall()
        return sql.Identifier(found[0][0], table)


@pytest.fixture
def intruder(module_database: Database) -> Any:
    with psycopg.connect(module_database.owner, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        made = Intruder(owner)
        yield made
        made.put_back()


@asynccontextmanager
async def noticed() -> AsyncIterator[None]:
    """Fails unless somebody is told that something is damaged."""
    with capture_logs() as log:
        yield
    assert ("critical", "damaged") in [(line["log_level"], line["event"]) for line in log]
    assert not [word for word in WORDS if word in str(log)]


def differences(before: Any, now: Any, where: str = "") -> dict[str, tuple[Any, Any]]:
    """Every value that is not what it was, by its place in the answer."""
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        parts = [differences(before[key], now[key], f"{where}.{key}") for key in before]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now) and "damaged" not in where:
        parts = [
            differences(one, other, f"{where}[{n}]") for n, (one, other) in enumerate(zip(before, now, strict=True))
        ]
    else:
        return {} if before == now else {where: (before, now)}
    return {place: values for part in parts for place, values in part.items()}


class Shown(msgspec.Struct, frozen=True):
    """What was shown before anything was touched."""

    asks: list[Ask]
    before: list[Any]

    async def but(self, *fields: str) -> bool:
        """Whether the same is shown now, but that these fields, in every answer, are nothing and said to be damaged."""
        for ask, before in zip(self.asks, self.before, strict=True):
            async with noticed():
                answer = await ask()
            assert answer.status_code == 200, answer.text
            changed = differences(before, answer.json())
            gone = {place: now for place, (_, now) in changed.items() if "damaged" not in place}
            marked = [now for place, (was, now) in changed.items() if "damaged" in place and not was]
            assert {place.rsplit(".", 1)[1] for place in gone} <= set(fields), gone
            assert set(gone.values()) == {None}, gone
            assert {True} <= {mark is True or set(mark) <= set(fields) for mark in marked} <= {True}, changed
        return True


async def shown(*asks: Ask) -> Shown:
    answers = [await ask() for ask in asks]
    assert {answer.status_code for answer in answers} == {200}
    return Shown(list(asks), [answer.json() for answer in answers])


async def known(scene: Scene, stream: Any) -> list[Any]:
    """What the log knows of damage in a stream."""
    found = await scene.helpr.house.reader.stream(scene.acme.id, Damage.STREAM, stream)
    return [recorded.fact for recorded in found]


def thread_of(scene: Scene, visitor: Visitor) -> list[Ask]:
    """Everything that shows a visitor's thread."""
    path = f"/v1/conversations/{visitor.conversation}"
    mine = f"/widget/v1/conversations/{visitor.conversation}"
    return [
        lambda: scene.agent.get(path), lambda: scene.agent.get(f"{path}/changes"), lambda: visitor.client.get(mine)
    ]  # fmt: skip


SPOKEN = "conversation_id = %s and kind = 'message' and sequence = %s"


@pytest.mark.parametrize("source", ["another row", "another person's row", "another organisation's row"])
async def test_words_open_in_their_own_row_only(scene: Scene, intruder: Intruder, source: str) -> None:
    here = {"another row": scene.vera, "another person's row": scene.walter}.get(source, scene.theirs)
    ((text,),) = intruder.rows("thread", "text", SPOKEN, here.conversation, 3)
    pages = await shown(*thread_of(scene, scene.vera))
    intruder.set("thread", "text", text, SPOKEN, scene.vera.conversation, 2)
    assert await pages.but("text")
    assert (await scene.agent.get(f"/v1/conversations/{scene.walter.conversation}")).is_success


async def test_damage_is_told_to_the_log_once_however_often_it_is_read(scene: Scene, intruder: Intruder) -> None:
    """And whoever reads does not wait for that: nothing is written on the way."""
    pages = await shown(*thread_of(scene, scene.vera))
    ((event,),) = intruder.rows("thread", "event_id", SPOKEN, scene.vera.conversation, 2)
    intruder.set("thread", "text", b"First words", SPOKEN, scene.vera.conversation, 2)
    scene.helpr.house.events.change, change = None, scene.helpr.house.events.change  # type: ignore[method-assign,assignment]
    assert await pages.but("text")
    scene.helpr.house.events.change = change  # type: ignore[method-assign]
    found = DamageFound(damaged=event, at_version=2, fact="conversations.MessageSent", field="text")
    while not await known(scene, scene.vera.conversation):
        assert await pages.but("text")
    another = Damages(lambda: scene.helpr.house.events, digests)
    another.start()
    another.found([Place(scene.acme.id, scene.vera.conversation, 2, event, found.fact, found.field)])  # type: ignore[arg-type]
    await another.empty()
    await another.stop()
    assert await known(scene, scene.vera.conversation) == [found]


async def test_words_that_were_changed_open_nowhere(scene: Scene, intruder: Intruder) -> None:
    ((text,),) = intruder.rows("thread", "text", SPOKEN, scene.vera.conversation, 2)
    scope, other = (f"subject:{visitor.id}".encode() for visitor in (scene.vera, scene.walter))
    flipped = bytes([*text[:-1], text[-1] ^ 1])
    renamed = text.replace(scope, other)
    pages = await shown(*thread_of(scene, scene.vera))
    for changed in (flipped, text[:-1], text[:40], b"", None, b"First words", b"\x02" + text[1:], renamed):
        intruder.set("thread", "text", changed, SPOKEN, scene.vera.conversation, 2)
        assert await pages.but("text")


async def test_the_line_in_the_inbox_is_that_of_its_conversation(scene: Scene, intruder: Intruder) -> None:
    """News of the inbox say so, too, and go on."""
    of = "conversation_id = %s"
    ((preview,),) = intruder.rows("inbox", "preview", of, scene.walter.conversation)
    async with listening_to(scene.helpr, scene.agent) as ears, listening_to(scene.helpr, scene.stranger) as theirs:
        for each in (ears, theirs):
            await each.say("inbox", after=each.heard[0]["position"])
        pages = await shown(
            lambda: scene.agent.get("/v1/conversations"),
            lambda: scene.agent.get(f"/v1/visitors/{scene.vera.id}/conversations"),
            lambda: scene.agent.get(f"/v1/conversations/{scene.vera.conversation}"),
        )
        for wrong in (preview, None):
            intruder.set("inbox", "preview", wrong, of, scene.vera.conversation)
            assert await pages.but("text")
        async with noticed():
            path = f"/v1/conversations/{scene.vera.conversation}/priority"
            assert (await scene.agent.put(path, json={"priority": "urgent"})).is_success
            news = await ears.until(
                lambda frame: frame["type"] == "inbox" and str(scene.vera.conversation) in str(frame)
            )
        (row,) = [row for row in news["rows"] if row["id"] == str(scene.vera.conversation)]
        assert row["preview"] == {"author": "visitor", "text": None, "erased": False, "damaged": True}
        await scene.walter.says("And here")
        await ears.until(lambda frame: frame["type"] == "inbox" and "And here" in str(frame))
        await scene.theirs.says("Still here")
        await theirs.until(lambda frame: frame["type"] == "inbox" and "Still here" in str(frame))
    assert not [word for word in ("First words", "Second words") if word in str([*ears.heard, *theirs.heard])]


@pytest.mark.parametrize("column", ["name", "email"])
async def test_who_somebody_is_opens_in_its_own_field_only(scene: Scene, intruder: Intruder, column: str) -> None:
    of, other = "visitor_id = %s", "email" if column == "name" else "name"
    pages = await shown(
        lambda: scene.agent.get(f"/v1/visitors/{scene.vera.id}"),
        lambda: scene.agent.get("/v1/visitors"),
        lambda: scene.agent.get(f"/v1/conversations/{scene.vera.conversation}"),
    )
    for source, person in ((other, scene.vera), (column, scene.walter), (column, scene.theirs)):
        ((value,),) = intruder.rows("directory", source, of, person.id)
        intruder.set("directory", column, value, of, scene.vera.id)
        assert await pages.but(column)


async def test_where_somebody_is_opens_in_its_own_field_only(scene: Scene, intruder: Intruder) -> None:
    of = "visitor_id = %s"
    (((device, place, page),),) = intruder.rows("directory", "seen", of, scene.vera.id)
    pages = await shown(lambda: scene.agent.get(f"/v1/visitors/{scene.vera.id}"))
    intruder.set("directory", "seen", [place, device, page], of, scene.vera.id)
    assert await pages.but("device", "place")


async def test_a_name_in_the_inbox_is_that_of_its_visitor(scene: Scene, intruder: Intruder) -> None:
    of = "visitor_id = %s"
    ((name,),) = intruder.rows("inbox_people", "name", of, scene.walter.id)
    pages = await shown(lambda: scene.agent.get("/v1/conversations"))
    intruder.set("inbox_people", "name", name, of, scene.vera.id)
    assert await pages.but("name")


async def test_a_colleagues_name_is_their_own(scene: Scene, intruder: Intruder) -> None:
    of, agent = "agent_id = %s", scene.acme.agents[Role.AGENT]
    ((name,),) = intruder.rows("agents", "name", of, scene.acme.agents[Role.OWNER])
    pages = await shown(lambda: scene.agent.get("/v1/agents"))
    intruder.set("agents", "name", name, of, agent)
    assert await pages.but("name")


FACT = "stream_kind = 'conversation' and stream_id = %s and version = %s"


@pytest.mark.parametrize("source", ["another version", "another stream", "another organisation"])
async def test_facts_open_in_their_own_place_in_the_log_only(scene: Scene, intruder: Intruder, source: str) -> None:
    """Neither at an earlier moment, nor live, nor to the visitor."""
    here = {"another version": scene.vera, "another stream": scene.walter}.get(source, scene.theirs)
    ((data,),) = intruder.rows("events", "data", FACT, here.conversation, 3)
    intruder.set("events", "data", data, FACT, scene.vera.conversation, 2)
    path = f"/v1/conversations/{scene.vera.conversation}/moment"
    async with noticed():
        moment = (await scene.agent.get(path, params={"at": "2100-01-01T00:00:00Z"})).json()
    assert said(moment["changes"]) == {2: (None, True), 3: ("Second words", False)}
    for client in (scene.agent, scene.vera.client):
        async with listening_to(scene.helpr, client) as ears, noticed():
            await ears.say("watch", conversation=scene.vera.conversation, after=0)
            await ears.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == 3)
        heard = [frame["change"] for frame in ears.heard if frame["type"] == "change"]
        assert said(heard) == {2: (None, True), 3: ("Second words", False)}


def said(changes: list[dict[str, Any]]) -> dict[int, tuple[str | None, bool]]:
    """Text, and whether it is damaged, by sequence."""
    return {each["sequence"]: (each["text"], each["damaged"]) for each in changes if each["kind"] == "message"}


async def test_fields_of_a_fact_do_not_change_places(scene: Scene, intruder: Intruder) -> None:
    """What a view shows that was built anew from it."""
    fact = "stream_kind = 'visitor' and stream_id = %s and name = 'visitors.VisitorIdentified'"
    ((data,),) = intruder.rows("events", "data", fact, scene.vera.id)
    said = msgspec.msgpack.decode(data)
    swapped = said | {"name": said["email"], "email": said["name"]}
    pages = await shown(lambda: scene.agent.get(f"/v1/visitors/{scene.vera.id}"))
    intruder.set("events", "data", msgspec.msgpack.encode(swapped), fact, scene.vera.id)
    with psycopg.connect(scene.database.owner, autocommit=True) as owner:
        rebuild(owner, directory)
    assert await pages.but("name", "email")
    intruder.put_back()
    with psycopg.connect(scene.database.owner, autocommit=True) as owner:
        rebuild(owner, directory)
    assert (await scene.agent.get(f"/v1/visitors/{scene.vera.id}")).json()["name"] == "Vera"


async def test_a_wrapped_key_is_that_of_its_scope(scene: Scene) -> None:
    """Keys that were moved in the key store open nothing either, and nothing is sealed under them."""
    pages = await shown(*thread_of(scene, scene.vera))
    keys = sqlite3.connect(scene.folder / "keys" / "keys.sqlite")
    people = [f"subject:{visitor.id}" for visitor in (scene.vera, scene.walter)]
    wrapped = [wrapped_key(keys, scene.acme.id, scope) for scope in people]
    for scope, moved in zip(people, reversed(wrapped), strict=True):
        keys.execute("update scope_keys set wrapped = ? where scope = ?", (moved, scope))
    keys.commit()
    scene.helpr.house.keyring.evict_all()
    assert await pages.but("text", "name", "email", "device", "place", "page")
    path = f"/widget/v1/conversations/{scene.vera.conversation}/messages"
    answer = await scene.vera.client.post(path, json={"text": "Third words"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    for scope, own in zip(people, wrapped, strict=True):
        keys.execute("update scope_keys set wrapped = ? where scope = ?", (own, scope))
    keys.commit()
    keys.close()
    scene.helpr.house.keyring.evict_all()
    assert (await scene.agent.get(f"/v1/conversations/{scene.vera.conversation}")).is_success


def wrapped_key(keys: sqlite3.Connection, tenant: UUID, scope: str) -> bytes:
    query = "select wrapped from scope_keys where tenant = ? and scope = ?"
    found: bytes = keys.execute(query, (tenant.bytes, scope)).fetchone()[0]
    return found
