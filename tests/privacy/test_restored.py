"""Old copies are restored beside today's key store: who was forgotten since then stays forgotten.

A dump and a copy of all files were made while everything was still known. They hold the person's words, sealed under a
key that has been destroyed since; nothing in them says so.
"""

from collections.abc import AsyncIterator

import asyncpg
import psycopg
import pytest

from domain.accounts.events import Role
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres
from projections import views
from tests.api.routes import World
from tests.conftest import Database
from tests.house import Helpr, Organisation, Visitor, listening_to, running, signed_in
from tests.privacy.conftest import Forgotten, everything
from tests.privacy.copies import restored_dump
from tests.privacy.test_erasure import has_words
from tests.views.rebuilt import rebuild

pytestmark = pytest.mark.requirement("R-PRI-2")


@pytest.fixture(scope="module", params=["an old dump", "an old copy of all files"])
async def restored(
    request: pytest.FixtureRequest, cluster: EmbeddedPostgres, forgotten: Forgotten
) -> AsyncIterator[World]:
    """Helpr on what was restored, with the keys of today; its people sign in as they did."""
    name = forgotten.database.owner.rsplit("/", 1)[1]
    copy = forgotten.copied
    if request.param == "an old dump":
        owner = restored_dump(cluster, forgotten.dumped, f"{name}_restored")
        database = Database(owner, f"{cluster.runtime_dsn.rsplit('/', 1)[0]}/{name}_restored")
    else:
        copy.start()
        database = Database(
            f"{copy.owner_dsn.rsplit('/', 1)[0]}/{name}", f"{copy.runtime_dsn.rsplit('/', 1)[0]}/{name}"
        )
    assert RUNTIME_LOGIN in database.runtime
    async with running(database, forgotten.folder) as helpr:
        yield await in_front_of(helpr, forgotten)
    copy.stop()


async def in_front_of(helpr: Helpr, forgotten: Forgotten) -> World:
    old = forgotten.world
    organisation = Organisation(old.organisation.id, old.organisation.slug, old.organisation.agents)
    agents = {role: await signed_in(helpr, organisation, role) for role in Role}
    client = helpr.client(Authorization=old.visitor.client.headers["Authorization"])
    visitor = Visitor(client, old.visitor.id, old.visitor.secret, old.visitor.conversation)
    return World(helpr, organisation, visitor, agents, helpr.client(**{"Helpr-Request": "console"}))


async def test_what_was_restored_holds_what_was_sealed(restored: World, forgotten: Forgotten) -> None:
    """Else what follows would prove nothing: the old rows are there, and say of nobody that they were forgotten."""
    owner = await asyncpg.connect(restored.helpr.settings.owner_url)
    scope = f"subject:{forgotten.person}".encode()
    assert await owner.fetchval("select count(*) from read.thread where position($1 in text) > 0", scope) == 5
    assert await owner.fetchval("select count(*) from read.directory where position($1 in name) > 0", scope) == 1
    assert await owner.fetchval("select count(*) from log.events where name like 'compliance.%'") == 0
    await owner.close()


@pytest.mark.requirement("R-PRI-7")
async def test_nobody_reads_a_word_of_it(restored: World, forgotten: Forgotten) -> None:
    now = await everything(restored, at=forgotten.moment)
    assert [name for name, answer in now.items() if has_words(answer)] == []
    shown = now["readConversation"].json()
    said = [change for change in shown["changes"] if change["kind"] in ("message", "note")]
    assert [(change["text"], change["erased"]) for change in said] == [(None, True)] * 5
    assert [shown["visitor"][field] for field in ("name", "email", "phone", "page")] == [None] * 4
    assert shown["visitor"]["erased"]
    others = [row for row in now["listConversations"].json()["conversations"] if not row["visitor"]["erased"]]
    assert [row["preview"]["text"] for row in others] == ["And what about me?"]


async def test_nobody_hears_a_word_of_it(restored: World) -> None:
    async with listening_to(restored.helpr, restored.agents[Role.AGENT]) as ears:
        await ears.say("inbox", after=0)
        await ears.say("watch", conversation=restored.visitor.conversation, after=0)
        await ears.until(lambda frame: frame["type"] == "inbox")
        await ears.until(lambda frame: frame["type"] == "change" and frame["change"]["sequence"] == 9)
    assert not has_words(ears.heard)


async def test_a_rebuild_there_brings_nothing_back(restored: World, forgotten: Forgotten) -> None:
    with psycopg.connect(restored.helpr.settings.owner_url, autocommit=True) as owner:
        for view in views.ALL:
            rebuild(owner, view)
    now = await everything(restored, at=forgotten.moment)
    assert [name for name, answer in now.items() if has_words(answer)] == []


async def test_nothing_more_is_written_about_them_there(restored: World) -> None:
    """The tombstone in the key store knows what the log has lost."""
    path = f"/v1/conversations/{restored.visitor.conversation}"
    for kind in ("messages", "notes"):
        answer = await restored.agents[Role.AGENT].post(f"{path}/{kind}", json={"text": "About you"})
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("This person was forgotten")


async def test_whoever_comes_back_there_is_somebody_new(restored: World, forgotten: Forgotten) -> None:
    secret, organisation = restored.visitor.secret, str(restored.organisation.id)
    known = {"organisation": organisation, "visitor": str(forgotten.person), "secret": secret}
    begun = (await restored.anybody.post("/widget/v1/session", json=known)).json()
    assert (begun["resumed"], begun["identity"], begun["conversation"]) == (False, None, None)
    assert begun["visitor"] != str(forgotten.person)
