"""A whole Helpr in one test: the real server on a port of its own, the real view worker and reactions behind it."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import websockets
from msgspec.structs import replace

from api.main import House, opened
from api.run.clock import reactions
from api.run.serve import listening
from api.settings import Settings
from application.accounts.registration import Join, RegisterOrganisation, join, register_organisation
from application.ports import Asked
from domain.accounts.events import Role
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.database.connections import WORKER, connect_pool
from infrastructure.keys.digests import new_id
from infrastructure.keys.passwords import Argon2Passwords
from infrastructure.reactions.reacting import Reactor
from infrastructure.views.worker import run_worker
from projections import views
from tests.conftest import Database

PASSWORD = "correct horse battery staple"


class Helpr(msgspec.Struct, frozen=True):
    """A running product: where it is reached, and its parts for whoever looks inside."""

    url: str
    house: House
    settings: Settings
    clients: list[httpx.AsyncClient] = []

    def client(self, **headers: str) -> httpx.AsyncClient:
        """Somebody who is nobody yet; leaves when the house closes."""
        made = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)
        self.clients.append(made)
        return made


class Organisation(msgspec.Struct, frozen=True):
    """An organisation, with an agent of each role, who sign in as ``role@slug.example``."""

    id: UUID
    slug: str
    agents: dict[Role, UUID]

    def email(self, role: Role) -> str:
        return f"{role.value}@{self.slug}.example"


@asynccontextmanager
async def running(database: Database, folder: Path, **settings: Any) -> AsyncIterator[Helpr]:
    """Everything that helpr up runs, in this process; ``folder`` takes the keys."""
    wanted = Settings(
        data=folder,
        database_url=database.runtime,
        owner_url=database.owner,
        keys_url=f"sqlite://{folder}/keys/keys.sqlite",
        kms_url=f"file://{folder}/root/root.key",
        port=free_port(),
    )
    wanted = replace(wanted, **settings)
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(database.runtime, views.ALL), kwargs={"stop": stop})
    worker.start()
    try:
        async with opened(wanted) as house, _with_quick_passwords(house), _reacting(house), listening(house):
            helpr = Helpr(f"http://127.0.0.1:{wanted.port}", house, wanted)
            await _until_it_answers(helpr)
            yield helpr
            for client in helpr.clients:
                await client.aclose()
    finally:
        stop.set()
        await asyncio.to_thread(_wake_the_worker, database)
        await asyncio.to_thread(worker.join)


def _wake_the_worker(database: Database) -> None:
    """It would sleep for half a second before it sees that it is to stop."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("notify helpr_log")


@asynccontextmanager
async def _with_quick_passwords(house: House) -> AsyncIterator[None]:
    """Argon2id with a sixty-fourth of the memory: everybody in every test signs in."""
    house.passwords.close()
    house.passwords = Argon2Passwords(memory=1024)
    yield


@asynccontextmanager
async def _reacting(house: House) -> AsyncIterator[None]:
    workers = await connect_pool(house.settings.database_url, role=WORKER, size=2)
    reactor = Reactor(house.reader, house.pool, reactions(house, workers))
    house.follower.also(reactor.heard)
    task = asyncio.create_task(reactor.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await workers.close()


async def _until_it_answers(helpr: Helpr) -> None:
    async with helpr.client() as anybody:
        for _ in range(200):
            with contextlib.suppress(httpx.HTTPError):
                if (await anybody.get("/readyz")).is_success:
                    return
            await asyncio.sleep(0.02)
    raise AssertionError("the server does not answer")


def free_port() -> int:
    """Where nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def founded(helpr: Helpr, slug: str, *, id: UUID | None = None) -> Organisation:
    """A new organisation with one agent of each role."""
    organisation = OrganisationId(id or new_id())
    house = helpr.house
    command = RegisterOrganisation(organisation=organisation, name=slug.title(), slug=slug)
    await register_organisation(command, asked=_asked(organisation), events=house.events)
    made = Organisation(organisation, slug, {role: new_id() for role in Role})
    for role, agent in made.agents.items():
        wanted = Join(
            agent=AgentId(agent),
            organisation=organisation,
            role=role,
            name=f"{role.value.title()} of {slug}",
            email=made.email(role),
            password=PASSWORD,
        )
        await join(
            wanted,
            asked=_asked(organisation),
            events=house.events,
            keyring=house.keyring,
            passwords=house.passwords,
        )
    return made


def _asked(organisation: OrganisationId) -> Asked:
    command = new_id()
    actor = Actor(ActorKind.SYSTEM, organisation)
    return Asked(tenant=organisation, actor=actor, command=command, fingerprint=b"", correlation=command)


async def signed_in(helpr: Helpr, organisation: Organisation, role: Role = Role.AGENT) -> httpx.AsyncClient:
    """An agent's client, signed in."""
    client = helpr.client(**{"Helpr-Request": "console"})
    answer = await client.post("/v1/session", json={"email": organisation.email(role), "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return client


class Visitor(msgspec.Struct):
    """A visitor's browser: what the widget remembers, and its client."""

    client: httpx.AsyncClient
    id: UUID
    secret: str
    conversation: UUID | None = None

    async def says(self, text: str) -> httpx.Response:
        """Starts a conversation, or goes on with it; fails unless it was taken."""
        start = "/widget/v1/conversations"
        path = f"{start}/{self.conversation}/messages" if self.conversation else start
        answer = await self.client.post(path, json={"text": text}, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code == 201, answer.text
        self.conversation = UUID(answer.json()["conversation"])
        return answer


async def arrived(helpr: Helpr, organisation: Organisation, **headers: str) -> Visitor:
    """A new visitor of an organisation, in a browser of their own."""
    client = helpr.client(**headers)
    answer = await client.post("/widget/v1/session", json={"organisation": str(organisation.id)})
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    client.headers["Authorization"] = f"Bearer {organisation.id}.{begun['visitor']}.{begun['secret']}"
    return Visitor(client, UUID(begun["visitor"]), begun["secret"])


class Ears(msgspec.Struct):
    """A live connection, and everything that was heard on it."""

    socket: websockets.ClientConnection
    heard: list[dict[str, Any]] = []

    async def say(self, type: str, **content: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **content}, default=str))

    async def until(self, is_it: Callable[[dict[str, Any]], bool], *, seconds: float = 10) -> dict[str, Any]:
        """The next frame for which this holds; fails when none comes in time."""
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                self.heard.append(frame)
                if is_it(frame):
                    return frame


@asynccontextmanager
async def listening_to(helpr: Helpr, client: httpx.AsyncClient) -> AsyncIterator[Ears]:
    """A live connection of an agent or a visitor, whoever the client is, after the welcome."""
    door = "/widget/v1" if "Authorization" in client.headers else "/v1"
    path = f"{door}/live-token" if door == "/widget/v1" else f"{door}/session/live-token"
    token = (await client.post(path, json={} if door == "/widget/v1" else None)).json()["token"]
    async with websockets.connect(helpr.url.replace("http", "ws") + f"{door}/live") as socket:
        ears = Ears(socket)
        await ears.say("hello", token=token)
        await ears.until(lambda frame: frame["type"] == "welcome")
        yield ears
