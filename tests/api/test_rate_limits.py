"""Who asks too often is told when to come again; who asks is not what they say, unless a proxy of ours says it."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets

from api.rate_limits import LIMITS
from domain.accounts.events import Role
from tests.api.quiet import nothing_happens
from tests.conftest import Database
from tests.house import PASSWORD, Helpr, Organisation, arrived, founded, running, signed_in

pytestmark = [pytest.mark.requirement("R-OPS-1")]
FEW = 3
_hours = count(1)


@pytest.fixture(scope="module")
async def alone(helpr: Helpr, module_database: Database, folder: Path) -> AsyncIterator[Helpr]:
    """The same Helpr, with no proxy before it that it would believe."""
    async with running(module_database, folder, trusted_proxies=()) as started:
        yield started


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, helpr: Helpr, alone: Helpr) -> None:
    """The limit that the test names is reached soon, the others never are; it is the same second all the time, and
    long after the test before."""
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, FEW if name == request.param else 10**9)
    moment = 3600.0 * next(_hours)
    for each in (helpr, alone):
        monkeypatch.setattr(each.house.limits, "_clock", lambda: moment)


def limited(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("few", [name], indirect=True)


def is_told_to_wait(answer: httpx.Response, name: str) -> bool:
    """A problem document, when to come again, and what the limit is (RateLimit header fields)."""
    seconds = int(answer.headers["retry-after"])
    return (
        (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
        and 1 <= seconds <= 60
        and answer.json()["detail"] == f"Try again in {seconds} seconds."
        and answer.headers["ratelimit-policy"] == f'"{name}";q={FEW};w=60'
        and answer.headers["ratelimit"] == f'"{name}";r=0;t={seconds}'
    )


async def signing_in(helpr: Helpr, email: str, address: str) -> httpx.Response:
    headers = {"X-Forwarded-For": address}
    return await helpr.client().post("/v1/session", json={"email": email, "password": PASSWORD}, headers=headers)


@limited("sign-in by account")
async def test_nobody_tries_passwords_of_one_account_from_many_places(
    few: None, helpr: Helpr, acme: Organisation
) -> None:
    """Not even the right one is taken then."""
    agent = acme.email(Role.AGENT)
    wide = agent.replace("a", "\uff41")
    for number, email in enumerate((agent, agent.upper(), f" {wide}")):
        assert (await signing_in(helpr, email, f"203.0.113.{number}")).is_success
    assert is_told_to_wait(await signing_in(helpr, agent, "203.0.113.99"), "sign-in-by-account")
    assert (await signing_in(helpr, acme.email(Role.OWNER), "203.0.113.99")).is_success


@limited("sign-in by address")
async def test_nobody_tries_many_accounts_from_one_place(few: None, helpr: Helpr, acme: Organisation) -> None:
    for number in range(FEW):
        assert (await signing_in(helpr, f"{number}@acme.example", "203.0.113.41")).status_code == 401
    assert is_told_to_wait(await signing_in(helpr, acme.email(Role.AGENT), "203.0.113.41"), "sign-in-by-address")
    assert (await signing_in(helpr, acme.email(Role.AGENT), "203.0.113.42")).is_success


@limited("sign-in by address")
async def test_whoever_has_more_addresses_than_there_are_seconds_is_one_place(
    few: None, helpr: Helpr, acme: Organisation
) -> None:
    """A network of version 6 (a /64) is one household's."""
    for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:0db8:0001:0002:ffff::3"):
        assert (await signing_in(helpr, acme.email(Role.AGENT), address)).is_success
    again = await signing_in(helpr, acme.email(Role.AGENT), "2001:db8:1:2:3:4:5:6")
    assert is_told_to_wait(again, "sign-in-by-address")
    for elsewhere in ("2001:db8:1:3::1", "203.0.113.60"):
        assert (await signing_in(helpr, acme.email(Role.AGENT), elsewhere)).is_success


@limited("live by address")
async def test_nobody_opens_live_connections_without_end(few: None, helpr: Helpr) -> None:
    """Whoever they are: they say so only afterwards."""
    url = f"{helpr.url.replace('http', 'ws')}/v1/live"
    for _ in range(FEW):
        async with websockets.connect(url):
            pass
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(url)


@pytest.mark.requirement("R-VIS-6")
@limited("arrival by organisation")
async def test_all_places_together_do_not_send_visitors_without_end(
    few: None, helpr: Helpr, acme: Organisation
) -> None:
    said = {"organisation": str(acme.id)}
    for number in range(FEW + 1):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        answer = await helpr.client().post("/widget/v1/session", json=said, headers=headers)
        assert answer.status_code == (201 if number < FEW else 429)


@limited("sign-in by address")
async def test_an_address_is_believed_from_our_own_proxies_only(
    few: None, helpr: Helpr, alone: Helpr, acme: Organisation
) -> None:
    """What a client says of itself stands before what the proxy saw, and counts for nothing."""
    for number in range(FEW):
        assert (await signing_in(helpr, acme.email(Role.AGENT), f"198.51.100.{number}, 203.0.113.5")).is_success
        assert (await signing_in(alone, acme.email(Role.AGENT), f"203.0.113.{number}")).is_success
    spoofed = await signing_in(helpr, acme.email(Role.AGENT), "198.51.100.77, 203.0.113.5")
    assert is_told_to_wait(spoofed, "sign-in-by-address")
    assert is_told_to_wait(await signing_in(alone, acme.email(Role.AGENT), "203.0.113.77"), "sign-in-by-address")
    for odd in ("nonsense", "127.0.0.1", "::ffff:203.0.113.9", ", ,", "203.0.113.6:4711", "x" * 4000):
        assert (await signing_in(helpr, acme.email(Role.AGENT), odd)).status_code in (201, 429)


@pytest.mark.requirement("R-VIS-6")
@limited("arrival by address")
async def test_one_place_does_not_send_visitors_without_end(few: None, helpr: Helpr, acme: Organisation) -> None:
    async def arrives(address: str) -> httpx.Response:
        said, headers = {"organisation": str(acme.id)}, {"X-Forwarded-For": address}
        return await helpr.client().post("/widget/v1/session", json=said, headers=headers)

    left = [(await arrives("203.0.113.20")).headers["ratelimit"].split(";")[1] for _ in range(FEW)]
    assert left == ["r=2", "r=1", "r=0"]
    async with nothing_happens(helpr):
        assert is_told_to_wait(await arrives("203.0.113.20"), "arrival-by-address")
    assert (await arrives("203.0.113.21")).is_success


def asking(acme: Organisation) -> dict[str, dict[str, Any]]:
    """What a visitor may do, as often as their limit says."""
    return {
        "visitor": {"method": "POST", "url": "/widget/v1/live-token", "json": {}},
        "message": {"method": "POST", "url": "/widget/v1/conversations", "json": {"text": "Again"}},
        "organisation": {"method": "PUT", "url": "/widget/v1/visitor", "json": {"name": "Vera"}},
        "visitor by address": {"method": "POST", "url": "/widget/v1/session", "json": {"organisation": str(acme.id)}},
    }


@pytest.mark.requirement("R-VIS-6")
@pytest.mark.parametrize("few", ["visitor", "message"], indirect=True)
async def test_a_visitor_does_not_write_without_end(
    few: None, helpr: Helpr, acme: Organisation, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["few"]
    vera, walter = await arrived(helpr, acme), await arrived(helpr, acme)
    asked = asking(acme)[name]
    for _ in range(FEW):
        assert (await vera.client.request(**asked)).is_success
    async with nothing_happens(helpr):
        assert is_told_to_wait(await vera.client.request(**asked), name)
    assert (await walter.client.request(**asked)).is_success


@pytest.mark.requirement("R-VIS-6")
@limited("visitor by address")
async def test_strangers_do_not_ask_without_end(few: None, helpr: Helpr, acme: Organisation) -> None:
    """Also who shows no secret, or a wrong one."""
    client = helpr.client(**{"X-Forwarded-For": "203.0.113.30", "Authorization": f"Bearer {acme.id}.{uuid4()}.wrong"})
    for _ in range(FEW):
        assert (await client.post("/widget/v1/live-token", json={})).status_code == 401
    assert is_told_to_wait(await client.post("/widget/v1/live-token", json={}), "visitor-by-address")


@limited("organisation")
async def test_one_organisation_does_not_take_everybodys_share(few: None, helpr: Helpr, other: Organisation) -> None:
    busy = await founded(helpr, "busy")
    vera, walter = await arrived(helpr, busy), await arrived(helpr, other)
    asked = asking(busy)["visitor"]
    for _ in range(FEW):
        assert (await vera.client.request(**asked)).is_success
    assert is_told_to_wait(await vera.client.request(**asked), "organisation")
    assert (await walter.client.request(**asked)).is_success


@limited("agent")
async def test_a_session_does_not_ask_without_end(few: None, helpr: Helpr, acme: Organisation) -> None:
    one, another = await signed_in(helpr, acme), await signed_in(helpr, acme)
    for _ in range(FEW):
        assert (await one.get("/v1/conversations")).is_success
    assert is_told_to_wait(await one.get("/v1/conversations"), "agent")
    assert (await another.get("/v1/conversations")).is_success


@pytest.mark.requirement("R-ACC-7")
@limited("unknown session by address")
async def test_one_place_does_not_make_up_sessions_without_end(
    few: None, helpr: Helpr, acme: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a read. Whoever is at work in the same place goes on, and so does everybody elsewhere."""
    amir, cora = await signed_in(helpr, acme), await signed_in(helpr, acme)
    here = {"X-Forwarded-For": "203.0.113.60"}
    assert (await amir.get("/v1/session", headers=here)).is_success
    stranger = helpr.client(**here)
    reads, read = count(), helpr.house.reader.stream

    async def counted(*asked: Any, **how: Any) -> Any:
        next(reads)
        return await read(*asked, **how)

    monkeypatch.setattr(helpr.house.reader, "stream", counted)
    answers = [await stranger.get("/v1/session", headers=_made_up(acme)) for _ in range(FEW)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert next(reads) == FEW - 1
    assert (await stranger.get("/v1/session", headers=_made_up(acme))).status_code == 429
    assert next(reads) == FEW
    for _ in range(FEW):
        assert (await amir.get("/v1/session", headers=here)).is_success
    assert (await cora.get("/v1/session", headers={"X-Forwarded-For": "203.0.113.61"})).is_success


def _made_up(acme: Organisation) -> dict[str, str]:
    return {"Cookie": f"helpr_session={acme.id.hex}.{uuid4().hex}"}
