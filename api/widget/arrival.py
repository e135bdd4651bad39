"""A visitor opens a page with the widget: somebody new, or somebody who comes back to their conversation."""

from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.accounts.signing_in import LiveToken
from api.asking import POSITION, AnyRequest, asked
from api.opening import opened, shown
from api.origin import device_of, network_of, page_of, place_of
from api.rate_limits import RateLimits
from api.settings import Settings
from api.widget.guest import Guest, WidgetDoor
from application.ports import Digests, EventStore, Keyring, Receipt, Tokens
from application.visitors.arrival import Arrive, ComeBack, arrive, come_back
from domain.accounts.organisation import Organisation
from domain.compliance.erasure import SubjectIsForgotten
from domain.shared.ids import OrganisationId, VisitorId
from domain.shared.recorded import ActorKind
from domain.shared.refusal import Absent
from domain.visitors.arrival import VisitorIsUnknown
from projections.conversations import inbox_queries
from projections.view import Reads
from projections.visitors import directory

Line = Annotated[str, msgspec.Meta(max_length=2048)]


class OrganisationIsUnknown(Absent):
    """There is no such organisation."""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the visitor is, and the campaign that brought them."""

    url: Line = ""
    referrer: Line = ""
    utm_source: Line = ""
    utm_medium: Line = ""
    utm_campaign: Line = ""
    utm_term: Line = ""
    utm_content: Line = ""


class Arrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``visitor`` and ``secret`` come from an earlier session; without good ones a new visitor begins."""

    organisation: UUID
    visitor: UUID | None = None
    secret: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    page: Page = Page()


class Identity(msgspec.Struct, frozen=True):
    """What the visitor has said of themselves."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Host(msgspec.Struct, frozen=True):
    """The organisation, as its visitors see it."""

    name: str


class Session(msgspec.Struct, frozen=True):
    """``secret`` is shown when it is drawn and lets this browser, and nobody else, come back."""

    visitor: UUID
    secret: str
    resumed: bool
    identity: Identity | None
    conversation: UUID | None
    organisation: Host


@post("/session", operation_id="beginWidgetSession", status_code=201, opt={"audience": "everybody"})
async def begin_session(
    request: AnyRequest,
    data: JSONBody[Arrival],
    widget_door: NamedDependency[WidgetDoor],
    limits: NamedDependency[RateLimits],
    settings: NamedDependency[Settings],
    events: NamedDependency[EventStore],
    digests: NamedDependency[Digests],
    keyring: NamedDependency[Keyring],
    reads: NamedDependency[Reads],
) -> Response[Session]:
    """Begins a session, or resumes the one that the browser remembers."""
    tenant = OrganisationId(data.organisation)
    organisation = await events.load(Organisation, tenant, tenant=tenant)
    if not organisation.slug:
        raise OrganisationIsUnknown
    limits.hit("arrival by organisation", tenant.int)
    limits.hit("arrival by address", network_of(request, settings.trusted_proxies), request.scope["state"])
    visit: dict[str, Any] = {
        "device": device_of(request),
        "place": place_of(request, settings.trusted_proxies),
        "page": page_of(data.page.url, data.page.referrer, msgspec.structs.asdict(data.page)),
    }
    known = Guest(tenant, VisitorId(data.visitor)) if data.visitor and data.secret else None
    if known and data.secret and await widget_door.knows(known, data.secret):
        envelope = await asked(request, digests, keyring, tenant, ActorKind.VISITOR, known.visitor)
        # Refused when they were forgotten, be it a moment ago, be it after the copy was made that serves now.
        with suppress(VisitorIsUnknown, SubjectIsForgotten):
            receipt = await come_back(ComeBack(visitor=known.visitor, **visit), asked=envelope, events=events)
            past = await _past(tenant, known.visitor, reads, keyring)
            return _begun(Session(known.visitor, data.secret, True, *past, Host(organisation.name)), receipt)
    visitor, secret = VisitorId(digests.new_id()), digests.new_secret()
    envelope = await asked(request, digests, keyring, tenant, ActorKind.VISITOR, visitor)
    command = Arrive(visitor=visitor, secret=digests.digest(secret), **visit)
    receipt = await arrive(command, asked=envelope, events=events)
    return _begun(Session(visitor, secret, False, None, None, Host(organisation.name)), receipt)


def _begun(session: Session, receipt: Receipt) -> Response[Session]:
    return Response(session, status_code=201, headers={POSITION: str(receipt.position)})


@post("/live-token", operation_id="widgetLiveToken", status_code=201)
async def live_token(guest: NamedDependency[Guest], tokens: NamedDependency[Tokens]) -> LiveToken:
    """What the live connection says first."""
    return LiveToken(*tokens.issue("visitor", guest.tenant, guest.visitor))


async def _past(tenant: UUID, visitor: UUID, reads: Reads, keyring: Keyring) -> tuple[Identity | None, UUID | None]:
    """Who the visitor said they are, and their last conversation."""
    async with reads(tenant, directory.NAME) as db:
        people = await directory.visitors(db, tenant, [visitor])
        rows = await inbox_queries.rows_of_visitors(db, tenant, [visitor], limit=1)
    fields = [people[0].name, people[0].email, people[0].phone] if people else []
    said = [shown(value) for value in await opened(keyring, tenant, fields)]
    return Identity(*said) if any(said) else None, rows[0].conversation if rows else None
