"""Joining takes an address only together with somebody who joins."""

from typing import Any

import httpx
import msgspec
import pytest

from application.accounts.registration import Join, join
from application.ports import Asked, Receipt
from domain.accounts.events import Role
from domain.accounts.joining import AddressIsTaken, AgentHasJoined
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.recorded import Actor, ActorKind
from domain.shared.refusal import Malformed
from infrastructure.keys.digests import new_id
from tests.house import PASSWORD, Helpr, Organisation

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-ACC-3")]


def asking(organisation: Organisation) -> Asked:
    """A new command of the organisation's own."""
    tenant, command = OrganisationId(organisation.id), new_id()
    actor = Actor(ActorKind.SYSTEM, tenant)
    return Asked(tenant=tenant, actor=actor, command=command, fingerprint=b"", correlation=command)


def wanting(organisation: Organisation, email: str, **said: Any) -> Join:
    """Somebody new would like to join."""
    new = Join(
        agent=AgentId(new_id()), organisation=OrganisationId(organisation.id), role=Role.AGENT, name="José",
        email=email, password=PASSWORD,
    )  # fmt: skip
    return msgspec.structs.replace(new, **said)


async def joining(helpr: Helpr, command: Join, asked: Asked) -> Receipt:
    house = helpr.house
    return await join(
        command, asked=asked, events=house.events, keyring=house.keyring, passwords=house.passwords
    )  # fmt: skip


async def signing_in(helpr: Helpr, email: str) -> httpx.Response:
    return await helpr.client().post("/v1/session", json={"email": email, "password": PASSWORD})


@pytest.mark.parametrize("wrong", [{"name": ""}, {"password": "short"}], ids=["the name", "the password"])
async def test_who_may_not_join_leaves_the_address_to_others(
    helpr: Helpr, acme: Organisation, wrong: dict[str, str]
) -> None:
    (field,) = wrong
    email = f"free-{field}@acme.example"
    with pytest.raises(Malformed, match=field):
        await joining(helpr, wanting(acme, email, **wrong), asking(acme))
    await joining(helpr, wanting(acme, email), asking(acme))
    assert (await signing_in(helpr, email)).status_code == 201


async def test_who_has_joined_does_not_take_another_address(helpr: Helpr, acme: Organisation) -> None:
    command = wanting(acme, "first@acme.example")
    await joining(helpr, command, asking(acme))
    with pytest.raises(AgentHasJoined):
        await joining(helpr, msgspec.structs.replace(command, email="second@acme.example"), asking(acme))
    assert (await signing_in(helpr, "second@acme.example")).status_code == 401
    await joining(helpr, wanting(acme, "second@acme.example"), asking(acme))


async def test_joining_once_more_under_the_same_command_gives_the_same_receipt(
    helpr: Helpr, acme: Organisation
) -> None:
    command, asked = wanting(acme, "again@acme.example"), asking(acme)
    assert await joining(helpr, command, asked) == await joining(helpr, command, asked)


async def test_an_address_signs_in_one_agent_however_it_is_written(helpr: Helpr, acme: Organisation) -> None:
    await joining(helpr, wanting(acme, "jos\u00e9@acme.example"), asking(acme))
    for other in ("jose\u0301@acme.example", "JOSE\u0301@acme.example", "\uff4aos\u00e9@acme.example"):
        assert (await signing_in(helpr, other)).status_code == 201
        with pytest.raises(AddressIsTaken):
            await joining(helpr, wanting(acme, other), asking(acme))
