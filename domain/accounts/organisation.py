"""What an organisation remembers in order to decide, and its founding."""

import re
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from domain.accounts.events import OrganisationEvent, OrganisationRegistered
from domain.shared.event import Facts
from domain.shared.line import LONGEST_NAME, one_line
from domain.shared.refusal import Malformed, Refusal

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class OrganisationIsRegistered(Refusal):
    """This organisation is registered already."""


class Organisation(Struct, frozen=True):
    STREAM: ClassVar = "organisation"

    name: str = ""
    slug: str = ""

    def after(self, event: OrganisationEvent) -> Self:
        """The memory once this fact, too, has happened."""
        match event:
            case OrganisationRegistered():
                return replace(self, name=event.name, slug=event.slug)


def register(organisation: Organisation, *, name: str, slug: str) -> Facts:
    """A customer signs up under a name and a slug for addresses."""
    if organisation.slug:
        raise OrganisationIsRegistered
    if not SLUG.fullmatch(slug):
        raise Malformed("slug", "must be 1 to 63 lower-case letters, digits and hyphens")
    return OrganisationRegistered(name=one_line("name", name, longest=LONGEST_NAME), slug=slug)
