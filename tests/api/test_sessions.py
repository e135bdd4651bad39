"""Sessions: what a browser keeps, what Helpr keeps of it, and how they end, here and in every other process."""

import asyncio
import contextlib
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets

from api.caller import Door
from application.accounts.signing_in import SignIn, sign_in
from application.ports import Asked
from domain.accounts.events import Role, SessionStarted
from domain.accounts.session import ABSOLUTE, IDLE, NOTED, SessionIsOver
from domain.shared.ids import OrganisationId, SessionId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.keys import digests
from tests.conftest import Database
from tests.house import PASSWORD, Ears, Helpr, Organisation, arrived, listening_to, running, signed_in

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-ACC-7")]
TABLES = """select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"""


@pytest.fixture(scope="module")
async def secure(helpr: Helpr, module_database: Database, folder: Path) -> AsyncIterator[Helpr]:
    """The same Helpr, as people reach it by https."""
    async with running(module_database, folder, public_url="https://helpr.example") as started:
        yield started


def cookie_of(answer: httpx.Response) -> Any:
    """The one cookie that an answer sets."""
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return cookie


async def entering(helpr: Helpr, organisation: Organisation) -> httpx.Response:
    """An agent signs in, from a browser that knows nothing."""
    said = {"email": organisation.email(Role.AGENT), "password": PASSWORD}
    return await helpr.client().post("/v1/session", json=said)


async def test_the_cookie_is_for_nobody_but_helpr(helpr: Helpr, secure: Helpr, acme: Organisation) -> None:
    plain, safe = cookie_of(await entering(helpr, acme)), cookie_of(await entering(secure, acme))
    assert (plain.key, safe.key) == ("helpr_session", "__Host-helpr_session")
    assert (plain["secure"], safe["secure"]) == ("", True)
    for cookie in (plain, safe):
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
        assert (cookie["domain"], cookie["max-age"]) == ("", str(ABSOLUTE))


async def test_a_token_is_256_random_bits_and_new_each_time(helpr: Helpr, acme: Organisation) -> None:
    """Whatever cookie the browser came with."""
    client = helpr.client(Cookie="helpr_session=chosen-by-somebody-else")
    said = {"email": acme.email(Role.AGENT), "password": PASSWORD}
    tokens = {cookie_of(await client.post("/v1/session", json=said)).value for _ in range(2)}
    assert len(tokens) == 2
    assert {len(token.split(".")[1]) for token in tokens} == {43}


async def test_nothing_that_lets_anybody_in_is_stored(helpr: Helpr, acme: Organisation) -> None:
    """Neither an agent's token, nor a visitor's secret, nor what live connections say first: digests at most."""
    agent, visitor = await signed_in(helpr, acme), await arrived(helpr, acme)
    await visitor.says("Hello")
    token = agent.cookies["helpr_session"].split(".")[1]
    live = (await agent.post("/v1/session/live-token")).json()["token"]
    everything = await contents(helpr)
    assert digests.digest(agent.cookies["helpr_session"])[:16].hex() in everything, "the search finds what is there"
    assert digests.digest(visitor.secret).hex() in everything, "the search finds what is there"
    for secret in (token, visitor.secret, live, live.split(".")[1], PASSWORD):
        for written in (secret, secret.encode().hex(), b64encode(secret.encode()).decode().rstrip("=")):
            assert written not in everything


async def contents(helpr: Helpr) -> str:
    """Every value of every table, bytes as hex."""
    owner = await asyncpg.connect(helpr.settings.owner_url)
    found: list[str] = []
    for schema, table in await owner.fetch(TABLES):
        for row in await owner.fetch(f'select * from "{schema}"."{table}"'):
            found += [value.hex() if isinstance(value, bytes) else str(value).replace("-", "") for value in row]
    await owner.close()
    return "\n".join(found)


async def test_the_login_log_says_from_where(helpr: Helpr, other: Organisation) -> None:
    """The client's address, device and place are kept, sealed under the day: with its key they are gone."""
    headers = {"X-Forwarded-For": "203.0.113.77", "CF-IPCity": "Graz", "User-Agent": "Mozilla/5.0 Firefox/130.0"}
    said = {"email": other.email(Role.AGENT), "password": PASSWORD}
    position = int((await helpr.client(**headers).post("/v1/session", json=said)).headers["Helpr-Position"])
    (recorded,) = await helpr.house.reader.after(position - 1, most=1)
    fact = recorded.fact
    assert isinstance(fact, SessionStarted)
    sealed: list[Any] = [fact.address, fact.place, fact.device]
    opened = await helpr.house.keyring.open(other.id, sealed)
    for word, value in zip((b"203.0.113.77", b"Graz", b"Firefox"), opened, strict=True):
        assert word in (value or b"")
    assert fact.method == "password"
    await helpr.house.keyring.destroy(other.id, f"bucket:{fact.day}")
    assert await helpr.house.keyring.open(other.id, sealed) == [None] * 3


async def test_who_signs_out_is_out_everywhere(helpr: Helpr, second: Helpr, acme: Organisation) -> None:
    """In this process at once, in every other a moment later, and on every open connection."""
    agent, colleague = await signed_in(helpr, acme), await signed_in(helpr, acme)
    elsewhere = second.client(**{"Helpr-Request": "console"})
    elsewhere.cookies = agent.cookies
    stolen = agent.cookies["helpr_session"]
    assert (await elsewhere.get("/v1/session")).is_success
    async with (
        listening_to(helpr, agent) as here,
        listening_to(second, elsewhere) as there,
        listening_to(helpr, colleague) as stays,
    ):
        answer = await agent.delete("/v1/session")
        assert (answer.status_code, cookie_of(answer)["max-age"]) == (204, "0")
        assert await is_refused(helpr, stolen)
        assert [await let_go(here), await let_go(there)] == [4410, 4410]
        await until(lambda: is_refused(second, stolen))
        await stays.say("inbox", after=stays.heard[0]["position"])
        await (await arrived(helpr, acme)).says("Are you there?")
        await stays.until(lambda frame: frame["type"] == "inbox")


async def test_a_token_for_live_connections_dies_with_its_session(helpr: Helpr, acme: Organisation) -> None:
    agent = await signed_in(helpr, acme)
    token = (await agent.post("/v1/session/live-token")).json()["token"]
    await agent.delete("/v1/session")
    async with websockets.connect(helpr.url.replace("http", "ws") + "/v1/live") as socket:
        ears = Ears(socket)
        await ears.say("hello", token=token)
        assert await let_go(ears) == 4401


async def let_go(ears: Ears) -> int:
    """The code with which the server closes."""
    with contextlib.suppress(websockets.ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await ears.socket.recv()
    return ears.socket.close_code or 0


async def is_refused(helpr: Helpr, token: str) -> bool:
    return (await helpr.client(Cookie=f"helpr_session={token}").get("/v1/session")).status_code == 401


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110  (it is asked over HTTP)
            await asyncio.sleep(0.02)


class Clock:
    """Seconds since 1970, as far as the door knows."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


async def session_begun(helpr: Helpr, organisation: Organisation, at: float) -> str:
    """The token of a session that began at this second."""
    token = helpr.house.door.new_token(OrganisationId(organisation.id))
    command = SignIn(
        session=lambda _: SessionId(helpr.house.door.session_of(token)[1]),
        email=organisation.email(Role.AGENT), password=PASSWORD, now=int(at),
        day=datetime.now(UTC).date().isoformat(), address="", device={}, place={},
    )  # fmt: skip
    nobody, name = Actor(ActorKind.SYSTEM, organisation.id), digests.new_id()
    asked = Asked(tenant=OrganisationId(organisation.id), actor=nobody, command=name, fingerprint=b"", correlation=name)
    house = helpr.house
    await sign_in(command, asked=asked, events=house.events, keyring=house.keyring, passwords=house.passwords)
    return token


async def test_a_session_ends_when_nobody_uses_it(helpr: Helpr, acme: Organisation) -> None:
    """After an hour at the latest; and not before an hour less the few minutes within which its use is not noted."""
    clock = Clock()
    door = Door(helpr.house.events, digests, helpr.house.limits, now=clock, is_secure=False)
    token = await session_begun(helpr, acme, clock.now)
    for _ in range(5):
        clock.now += NOTED - 1
        await door.caller(token)
        clock.now += IDLE - NOTED
        await door.caller(token)
    clock.now += IDLE
    with pytest.raises(SessionIsOver):
        await door.caller(token)


async def test_a_session_ends_after_a_day_however_busy(helpr: Helpr, acme: Organisation) -> None:
    clock = Clock()
    door = Door(helpr.house.events, digests, helpr.house.limits, now=clock, is_secure=False)
    token, began = await session_begun(helpr, acme, clock.now), clock.now
    while clock.now + IDLE < began + ABSOLUTE:
        clock.now += IDLE - 1
        await door.caller(token)
    clock.now = began + ABSOLUTE
    with pytest.raises(SessionIsOver):
        await door.caller(token)


async def test_a_session_that_ends_by_time_ends_on_live_connections_too(helpr: Helpr, acme: Organisation) -> None:
    """A day that was busy to its last seconds."""
    clock = Clock()
    clock.now += 3 - ABSOLUTE
    door = Door(helpr.house.events, digests, helpr.house.limits, now=clock, is_secure=False)
    token = await session_begun(helpr, acme, clock.now)
    while clock.now + IDLE < time.time():
        clock.now += IDLE - 1
        await door.caller(token)
    agent = helpr.client(**{"Helpr-Request": "console", "Cookie": f"helpr_session={token}"})
    async with listening_to(helpr, agent) as ears:
        assert await let_go(ears) == 4401
    assert (await agent.get("/v1/session")).status_code == 401


async def test_a_wrong_password_is_answered_like_an_unknown_address(helpr: Helpr, acme: Organisation) -> None:
    answers = [
        await helpr.client().post("/v1/session", json={"email": email, "password": password})
        for email, password in [
            (acme.email(Role.AGENT), "wrong horse battery staple"),
            ("nobody@acme.example", PASSWORD),
            ("", ""),
            (acme.email(Role.AGENT), PASSWORD.upper()),
            (acme.email(Role.AGENT), f"{PASSWORD} "),
        ]
    ]
    own = ("date", "helpr-request-id", "ratelimit")
    said = [(a.status_code, a.content, {k: v for k, v in a.headers.items() if k not in own}) for a in answers]
    assert said == [said[0]] * 5
    assert answers[0].status_code == 401
    assert "set-cookie" not in answers[0].headers


async def test_the_work_is_the_same_for_nobody(
    helpr: Helpr, acme: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time of the answer would tell who has an account."""
    checked: list[bool] = []
    verify = helpr.house.passwords.verify

    async def counted(hashed: str | None, password: str) -> bool:
        checked.append(hashed is not None)
        return await verify(hashed, password)

    monkeypatch.setattr(helpr.house.passwords, "verify", counted)
    for email in (acme.email(Role.AGENT), "nobody@acme.example"):
        await helpr.client().post("/v1/session", json={"email": email, "password": "wrong"})
    assert checked == [True, False]


async def test_an_address_is_the_same_in_capitals(helpr: Helpr, acme: Organisation) -> None:
    said = {"email": f" {acme.email(Role.OWNER).upper()} ", "password": PASSWORD}
    assert (await helpr.client().post("/v1/session", json=said)).is_success


async def test_too_many_who_sign_in_at_once_wait_outside(
    helpr: Helpr, acme: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each password takes 64 MiB to check: more at once would be a memory bomb."""
    monkeypatch.setattr(helpr.house.passwords, "_most_waiting", 0)
    answer = await entering(helpr, acme)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("secret", ["", "wrong", "\u00e9", "x" * 5000])
async def test_a_visitor_is_known_by_their_secret_alone(helpr: Helpr, acme: Organisation, secret: str) -> None:
    vera = await arrived(helpr, acme)
    stranger = {b"Authorization": f"Bearer {acme.id}.{vera.id}.{secret}".encode()}
    assert (await helpr.client().post("/widget/v1/live-token", json={}, headers=stranger)).status_code == 401
    said = {"organisation": str(acme.id), "visitor": str(vera.id), "secret": secret[:200]}
    begun = (await helpr.client().post("/widget/v1/session", json=said)).json()
    assert (begun["resumed"], begun["visitor"] == str(vera.id)) == (False, False)
