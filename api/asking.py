"""A request becomes something asked: by whom, under which name, and how it is recognised when it comes again."""

from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from litestar import Request, Response

from application.ports import Asked, Digests, Keyring, Receipt
from domain.shared.ids import OrganisationId
from domain.shared.recorded import Actor, ActorKind
from domain.shared.refusal import Malformed

AnyRequest = Request[Any, Any, Any]
LONGEST_KEY = 200
POSITION, AT_LEAST, KEY = "Helpr-Position", "Helpr-Min-Position", "Idempotency-Key"


async def asked(
    request: AnyRequest, digests: Digests, keyring: Keyring, tenant: OrganisationId, kind: ActorKind, actor: UUID
) -> Asked:
    """The envelope of a command. The same Idempotency-Key of the same actor names the same command; without one every
    request is a command of its own. Raises Malformed.

    What was asked is recognised by a digest that nobody can make from a guess at the words: its key is the cell's, and
    the Idempotency-Key, which is kept nowhere, is part of it (docs/decisions/0020).
    """
    fingerprint = b""
    if key := key_of(request):
        command = uuid5(_space(tenant, actor), key)
        said = (key.encode(), request.method.encode(), request.scope["path"].encode(), await request.body())
        fingerprint = keyring.fingerprint(*said)
    else:
        command = digests.new_id()
    state = request.scope["state"]
    made = state["asked"] = Asked(
        tenant=tenant,
        actor=Actor(kind, actor),
        command=command,
        fingerprint=fingerprint,
        correlation=state["request_id"],
    )
    return made


@lru_cache(maxsize=4096)
def _space(tenant: UUID, actor: UUID) -> UUID:
    """Names of commands are an actor's own."""
    return uuid5(tenant, str(actor))


def key_of(request: AnyRequest) -> str:
    """The Idempotency-Key, "" when there is none. Raises Malformed."""
    key = request.headers.get(KEY, "")
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Malformed(KEY, f"must be at most {LONGEST_KEY} printable ASCII characters")
    return key


async def at_least(request: AnyRequest) -> int:
    """The position that the reader has seen elsewhere, 0 when they do not say. Raises Malformed."""
    text = request.headers.get(AT_LEAST, "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Malformed(AT_LEAST, "must be a position of the log")
    return int(text)


def answer(content: Any, receipt: Receipt, *, status: int = 200) -> Response[Any]:
    """What a write gives, with the log's position in a header, so that the writer can read what they wrote."""
    return Response(content, status_code=status, headers={POSITION: str(receipt.position)})


def page(content: Any, position: int) -> Response[Any]:
    """What a read gives, with the position that the view had reached before."""
    return Response(content, headers={POSITION: str(position)})
