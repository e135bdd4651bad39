"""Canaries: words of people, planted through the API, and then looked for in everything that Helpr has written.

Everything that ``helpr up`` runs is run here, as processes of their own, on a folder of their own.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import psycopg
import pytest

from api.main import House, opened
from api.run.up import running
from api.settings import Settings
from application.accounts.registration import Join, RegisterOrganisation, join, register_organisation
from application.ports import Asked
from domain.accounts.events import Role
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.keys.digests import new_id
from tests.house import Helpr, Organisation, Visitor, arrived, free_port, listening_to
from tests.privacy.copies import dump
from tests.privacy.search import files, search

pytestmark = pytest.mark.requirement("R-PRI-7")
BIRD = "zqkanari7"
PHONE, ADDRESS, AGENTS_ADDRESS = "7391846205577", "2001:db8:7391:8462::57", "203.0.113.177"
PASSWORD = f"{BIRD} horse battery staple"
CONTROL = "zqspatz4"
EMAIL = f"amir@{BIRD}.example"
AWAY = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'helpr%'"


class Planted(msgspec.Struct, frozen=True):
    """Where Helpr has written, and what must not stand there."""

    settings: Settings
    dumped: Path
    words: list[str]
    agent: httpx.AsyncClient
    visitor: Visitor


@pytest.fixture(scope="module")
async def planted() -> AsyncIterator[Planted]:
    data = Path(mkdtemp(prefix="helpr-canaries-"))
    wanted = Settings(
        data=data,
        keys_url=f"sqlite://{data}/keys/keys.sqlite",
        kms_url=f"file://{data}/root/root.key",
        port=free_port(),
    )
    with running(wanted, said=lambda text: None, progress=lambda view, done, total: None) as started:
        async with opened(started.settings) as house:
            helpr = Helpr(started.url, house, started.settings)
            agent, visitor = await plant(helpr)
            await trouble(helpr, visitor)
            with psycopg.connect(started.settings.owner_url, autocommit=True) as owner:
                plant_the_control(owner, data)
                owner.execute("checkpoint")
            secrets = [agent.cookies["helpr_session"].split(".")[1], visitor.secret]
            dumped = dump(started.settings.owner_url, data.with_name(f"{data.name}.sql"))
            words = [BIRD, PHONE, ADDRESS, AGENTS_ADDRESS, *secrets]
            yield Planted(started.settings, dumped, words, agent, visitor)
            for client in helpr.clients:
                await client.aclose()
    shutil.rmtree(data)
    dumped.unlink()


async def plant(helpr: Helpr) -> tuple[httpx.AsyncClient, Visitor]:
    """A conversation in which everything is said that people say."""
    organisation = await found(helpr.house)
    agent = helpr.client(**{"Helpr-Request": "console", "X-Forwarded-For": AGENTS_ADDRESS})
    assert (await agent.post("/v1/session", json={"email": EMAIL, "password": PASSWORD})).is_success
    browser = {
        "X-Forwarded-For": ADDRESS, "CF-IPCity": f"{BIRD}ville", "CF-Region": BIRD, "CF-IPCountry": BIRD,
        "User-Agent": f"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0 {BIRD}",
    }  # fmt: skip
    visitor = await arrived(helpr, organisation, **browser)
    page = {"url": f"https://shop.example/{BIRD}?email={BIRD}", "referrer": f"https://{BIRD}.example/{BIRD}"}
    known = {"organisation": str(organisation.id), "visitor": str(visitor.id), "secret": visitor.secret}
    again = {**known, "page": {**page, "utm_source": BIRD, "utm_campaign": f"{BIRD}-spring"}}
    assert (await visitor.client.post("/widget/v1/session", json=again)).json()["resumed"]
    identity = {"name": f"Vera {BIRD}", "email": f"vera@{BIRD}.example", "phone": f"+43 {PHONE}"}
    assert (await visitor.client.put("/widget/v1/visitor", json=identity)).is_success
    await visitor.says(f"Subject: {BIRD}. My parcel, the {BIRD}, never came; call me: {PHONE}")
    await visitor.says(f"{BIRD} " * 1000)
    path = f"/v1/conversations/{visitor.conversation}"
    for kind, text in (("messages", f"We look into the {BIRD}"), ("notes", f"She said {BIRD} on the phone")):
        assert (await agent.post(f"{path}/{kind}", json={"text": text})).is_success
    async with listening_to(helpr, agent) as ears:
        await ears.say("watch", conversation=visitor.conversation, after=0)
        await ears.until(lambda frame: BIRD in str(frame))
    return agent, visitor


async def found(house: House) -> Organisation:
    """An organisation whose agent's name, address and password are canaries."""
    organisation, agent = OrganisationId(new_id()), AgentId(new_id())
    command = RegisterOrganisation(organisation=organisation, name="Acme", slug="acme")
    await register_organisation(command, asked=_asked(organisation), events=house.events)
    wanted = Join(
        agent=agent, organisation=organisation, role=Role.OWNER, name=f"Amir {BIRD}", email=EMAIL, password=PASSWORD
    )
    parts: dict[str, Any] = {"events": house.events, "keyring": house.keyring, "passwords": house.passwords}
    await join(wanted, asked=_asked(organisation), **parts)
    return Organisation(organisation, "acme", {Role.OWNER: agent})


def _asked(organisation: OrganisationId) -> Asked:
    name = new_id()
    nobody = Actor(ActorKind.SYSTEM, organisation)
    return Asked(tenant=organisation, actor=nobody, command=name, fingerprint=b"", correlation=name)


async def trouble(helpr: Helpr, visitor: Visitor) -> None:
    """Everything that makes programs talk: mistakes, and a database that goes away in the middle of a sentence."""
    anybody = helpr.client(**{"X-Forwarded-For": ADDRESS})
    await anybody.post("/v1/session", json={"email": f"nobody@{BIRD}.example", "password": BIRD})
    await anybody.post("/v1/session", json={BIRD: BIRD})
    await anybody.post(
        "/v1/session", content=f'{{"email": {BIRD}'.encode(), headers={"Content-Type": "application/json"}
    )
    await anybody.get(f"/v1/{BIRD}", params={BIRD: BIRD}, headers={"Cookie": f"helpr_session={BIRD}"})
    path = f"/widget/v1/conversations/{visitor.conversation}"
    for text in (f"{BIRD}\x00", BIRD * 5000, "\ud800".join((BIRD, BIRD))):
        body = msgspec.json.encode({"text": text.encode("utf-8", "replace").decode()})
        await visitor.client.post(f"{path}/messages", content=body, headers={"Content-Type": "application/json"})
    await visitor.client.get(path, params={"after": BIRD})
    owner = await asyncpg.connect(helpr.settings.owner_url)
    for _ in range(3):
        says = [
            visitor.client.post(
                f"{path}/messages", json={"text": f"{BIRD} {n}"}, headers={"Idempotency-Key": str(uuid4())}
            )
            for n in range(8)
        ]
        await asyncio.gather(*says, owner.execute(AWAY), return_exceptions=True)
    await _interrupted(helpr, visitor, owner)
    await owner.close()
    for _ in range(300):
        if (await visitor.client.post(f"{path}/messages", json={"text": f"Back again, {BIRD}"})).is_success:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come back")


async def _interrupted(helpr: Helpr, visitor: Visitor, owner: asyncpg.Connection) -> None:
    """Somebody reads, and waits; then the database is gone."""
    killer = await asyncpg.connect(helpr.settings.owner_url)
    (schema,) = [row[0] for row in await owner.fetch("select schemaname from pg_tables where tablename = 'thread'")]
    async with owner.transaction():
        await owner.execute(f'lock table "{schema}".thread in access exclusive mode')
        path = f"/widget/v1/conversations/{visitor.conversation}"
        reading = asyncio.create_task(visitor.client.get(path, params={"after": 1}))
        await asyncio.sleep(0.3)
        await killer.execute(AWAY)
        assert (await reading).status_code == 503
    await killer.close()


def plant_the_control(owner: psycopg.Connection[Any], data: Path) -> None:
    """Words that are written in the clear on purpose: in a table, in PostgreSQL's log, beside the keys."""
    owner.execute("create table public.scratch (words text)")
    owner.execute("insert into public.scratch values (%s)", (CONTROL,))
    owner.execute(f"do $$ begin raise warning '{CONTROL}'; end $$")
    keys = sqlite3.connect(data / "keys" / "keys.sqlite")
    keys.execute("create table scratch (words text)")
    keys.execute("insert into scratch values (?)", (CONTROL,))
    keys.commit()
    keys.close()


async def test_the_search_finds_what_is_written_in_the_clear(planted: Planted) -> None:
    """In PostgreSQL's files and WAL, its log, the key store and the dump: a canary would be found there, too."""
    data = planted.settings.data
    for place in (
        data / "postgres" / "base",
        data / "postgres" / "pg_wal",
        data / "logs",
        data / "keys",
        planted.dumped,
    ):
        assert search([place], [CONTROL]) != [], place
    logs = {file.name for file in files([data / "logs"])}
    assert {"postgres.log", "api.log", "views.log"} <= logs, f"not every process has said something: {logs}"


async def test_the_canaries_are_there_for_those_who_may_read_them(planted: Planted) -> None:
    shown = (await planted.agent.get(f"/v1/conversations/{planted.visitor.conversation}")).json()
    person = shown["visitor"]
    assert [person["name"], person["email"], person["phone"]] == [
        f"Vera {BIRD}",
        f"vera@{BIRD}.example",
        f"+43 {PHONE}",
    ]
    assert (person["place"]["city"], person["page"]["utm_source"]) == (f"{BIRD}ville", BIRD)
    assert (person["page"]["url"], person["page"]["referrer"]) == (
        f"https://shop.example/{BIRD}?email={BIRD}",
        f"{BIRD}.example",
    )
    assert len([change for change in shown["changes"] if BIRD in (change["text"] or "")]) >= 4


async def test_no_canary_stands_in_anything_that_was_written(planted: Planted) -> None:
    """PostgreSQL's data files and WAL, key store, root key, logs of every process, and the dump."""
    assert search([planted.settings.data, planted.dumped], planted.words) == []
