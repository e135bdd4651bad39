"""Who works for an organisation: what their name and their address may be, and who signs in with an address."""

from uuid import UUID

import pytest

from domain.accounts import joining, organisation
from domain.accounts.agent import Agent
from domain.accounts.events import AddressClaimed, AgentJoined, OrganisationRegistered, PasswordRehashed, Role
from domain.accounts.joining import Address, AddressIsTaken, AgentHasJoined, AgentIsUnknown, claim, join
from domain.accounts.organisation import Organisation
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.line import folded
from domain.shared.refusal import Malformed
from tests.spec import given

pytestmark = pytest.mark.requirement("R-ACC-3")

acme, anna, ben = OrganisationId(UUID(int=9)), AgentId(UUID(int=1)), AgentId(UUID(int=2))
wanted = {
    "id": anna, "organisation": acme, "role": Role.AGENT, "name": "Anna", "email": "anna@acme.example", "password": "$",
}  # fmt: skip
joined = AgentJoined(
    agent=anna, organisation=acme, role=Role.AGENT, name="Anna", email="anna@acme.example", password="$"
)
claimed = AddressClaimed(organisation=acme, agent=anna)


def test_an_agent_joins_under_a_name_and_an_address_without_the_blanks_around_them() -> None:
    given(Agent).when(join, **wanted | {"name": " Anna ", "email": " anna@acme.example "}).then(joined)


def test_nobody_joins_twice() -> None:
    given(Agent, joined).when(join, **wanted).refuses(AgentHasJoined)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_what_is_no_name_names_neither_an_agent_nor_an_organisation(name: str) -> None:
    given(Agent).when(join, **wanted | {"name": name}).refuses(Malformed)
    given(Organisation).when(organisation.register, name=name, slug="acme").refuses(Malformed)


@pytest.mark.parametrize(
    "email", ["", " ", "anna", "@acme.example", "anna@", "an na@acme.example", "a@b\n", "x@" * 161]
)
def test_what_is_no_address_signs_nobody_in(email: str) -> None:
    given(Agent).when(join, **wanted | {"email": email}).refuses(Malformed)


def test_an_organisation_registers_once() -> None:
    registered = OrganisationRegistered(name="Acme", slug="acme")
    given(Organisation).when(organisation.register, name=" Acme ", slug="acme").then(registered)
    given(Organisation, registered).when(organisation.register, name="Acme", slug="acme").refuses(
        organisation.OrganisationIsRegistered
    )


def test_an_address_signs_in_one_agent() -> None:
    given(Address).when(claim, organisation=acme, agent=anna).then(claimed)
    given(Address, claimed).when(claim, organisation=acme, agent=anna).then()
    given(Address, claimed).when(claim, organisation=acme, agent=ben).refuses(AddressIsTaken)


def test_only_who_has_joined_has_a_password() -> None:
    given(Agent, joined).when(joining.rehash, password="$$").then(PasswordRehashed(agent=anna, password="$$"))
    given(Agent).when(joining.rehash, password="$$").refuses(AgentIsUnknown)


@pytest.mark.parametrize(
    "other",
    ["JOSE\u0301@acme.example", "jose\u0301@acme.example", " José@ACME.example ", "ｊｏｓé@acme.example"],
    ids=["capitals in parts", "in parts", "with blanks", "wide"],
)
def test_an_address_is_the_same_however_it_is_written(other: str) -> None:
    assert folded(other) == folded("josé@acme.example") == "josé@acme.example"


def test_a_letter_that_has_no_capital_of_its_own_is_the_same_letter_as_its_capital() -> None:
    assert folded("\u0390@acme.example") == folded("\u0390@acme.example".upper())
    assert folded("straße@acme.example") == folded("STRASSE@acme.example")
