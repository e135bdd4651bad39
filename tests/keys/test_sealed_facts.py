"""Facts are stored so that nothing personal can be read without the keys, and come back as they were."""

import builtins
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import main
from api.opening import opened, shown
from domain.compliance.erasure import SubjectIsForgotten
from domain.shared.event import Erased, Event, Sealed
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import UnknownFact, plain, scopes_of, seal, unfold
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.marks import marks_of
from infrastructure.keys.record import Tampered
from infrastructure.keys.sqlite_store import SqliteKeyStore
from tests.keys.keyrings import ACME, OTHER
from tests.keys.sample_facts import SAMPLES, MailReceived, MailSent, known

assert main, "whatever the product can record is imported by what wires it together"
ANN = UUID(int=7)
PRODUCT = [Event.named[name] for name in sorted(Event.named)]
STREAM = UUID(int=9)
CANARY = "canary-4711"
MAIL = MailReceived(
    sender=ANN, channel="sales", size=7, line="Quotation", body="How much?", cc=("ben@example.org", "cy@example.org")
)


@pytest.fixture(scope="module")
async def keyring(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TenantKeyring]:
    folder: Path = tmp_path_factory.mktemp("keys")
    made = TenantKeyring(LocalRootKey(folder / "root.key"), SqliteKeyStore(folder / "keys.sqlite"))
    await made.open_store()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def samples() -> Iterator[None]:
    with known(*SAMPLES):
        yield


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as the log holds it."""

    tenant: UUID = ACME
    stream: UUID = STREAM
    version: int = 3
    event_id: UUID
    name: str
    data: bytes

    def unfold(self) -> Any:
        where = {name: getattr(self, name) for name in ("tenant", "stream", "version", "event_id")}
        return unfold(self.name, self.data, **where)


async def stored(keyring: TenantKeyring, fact: Event) -> Row:
    keys = await keyring.keys_for(ACME, scopes_of(fact))
    event_id = new_id()
    kept = seal(fact, tenant=ACME, stream=STREAM, version=3, event_id=event_id, keys=keys)
    row = Row(event_id=event_id, name=fact.NAME, data=kept.data)
    assert kept.fact == row.unfold(), "who seals a fact hands on another than who reads it"
    return row


async def open_all(keyring: TenantKeyring, row: Row) -> Any:
    """The fact with its personal fields opened, None where a key was destroyed."""
    fact: Event = row.unfold()
    sealed = {name: value for name in marks_of(type(fact)).personal if (value := getattr(fact, name)) is not None}
    found = await keyring.open(row.tenant, list(sealed.values()))
    values = [None if each is None else plain(field, each) for field, each in zip(sealed.values(), found, strict=True)]
    return msgspec.structs.replace(fact, **dict(zip(sealed, values, strict=True)))


def facts_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Facts of this kind; every personal text begins with the canary."""
    marks = marks_of(kind)
    fields = {name: values(hint, st.text()) for name, hint in marks.clear.items()}
    fields |= {name: values(hint, st.text().map(CANARY.__add__)) for name, hint in marks.personal.items()}
    for field in msgspec.structs.fields(kind):
        if field.default is None:
            fields[field.name] = st.none() | fields[field.name]
    return st.builds(kind, **fields)


def values(hint: Any, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    inner = [values(part, texts) for part in get_args(hint) if part is not Ellipsis]
    match get_origin(hint) or hint:
        case builtins.dict:
            return st.dictionaries(*inner, max_size=3)
        case builtins.list:
            return st.lists(*inner, max_size=3)
        case builtins.tuple:
            return st.lists(*inner, max_size=3).map(tuple)
        case builtins.str:
            return texts
        case builtins.int:
            return st.integers(-(2**53), 2**53)
        case _:
            return st.from_type(hint)


@pytest.mark.requirement("R-PRI-7")
@pytest.mark.parametrize("kind", [*PRODUCT, *SAMPLES], ids=lambda kind: kind.NAME)
@settings(deadline=None, max_examples=15)
@given(st.data())
async def test_nothing_personal_can_be_read_in_what_is_stored_and_every_fact_comes_back_as_it_was(
    keyring: TenantKeyring, kind: type[Event], data: st.DataObject
) -> None:
    fact = data.draw(facts_of(kind))
    row = await stored(keyring, fact)
    assert await open_all(keyring, row) == fact
    assert CANARY.encode() not in row.data
    for name in marks_of(kind).personal:
        value = getattr(row.unfold(), name)
        assert value is None if getattr(fact, name) is None else isinstance(value, Sealed)


@pytest.mark.requirement("R-INB-3")
@pytest.mark.parametrize(
    "moved",
    [
        {"tenant": OTHER},
        {"stream": UUID(int=10)},
        {"version": 4},
        {"event_id": UUID(int=11)},
        {"name": MailSent.NAME},
    ],
    ids=lambda moved: next(iter(moved)),
)
async def test_a_fact_that_was_moved_does_not_open(keyring: TenantKeyring, moved: dict[str, Any]) -> None:
    row = await stored(keyring, MAIL)
    elsewhere = msgspec.structs.replace(row, **moved)
    await keyring.keys_for(OTHER, scopes_of(MAIL))
    fact = elsewhere.unfold()
    for field in ("line", "body", "cc"):
        with pytest.raises(Tampered):
            await keyring.open(elsewhere.tenant, [getattr(fact, field)])


async def test_ciphertexts_that_changed_places_do_not_open(keyring: TenantKeyring) -> None:
    """Between two fields of a fact, and between the same field of two facts."""
    one, other = await stored(keyring, MAIL), await stored(keyring, MAIL)
    fields, others = msgspec.msgpack.decode(one.data), msgspec.msgpack.decode(other.data)
    for swapped in (fields | {"line": fields["body"], "body": fields["line"]}, fields | {"line": others["line"]}):
        fact = msgspec.structs.replace(one, data=msgspec.msgpack.encode(swapped)).unfold()
        with pytest.raises(Tampered):
            await keyring.open(ACME, [fact.line])


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("destroyed", ["subject", "channel"])
async def test_a_fact_under_two_scopes_is_unreadable_when_either_is_destroyed(
    keyring: TenantKeyring, destroyed: str
) -> None:
    mail = MailReceived(sender=new_id(), channel=str(new_id()), size=1, line="Quotation", body="How much?", cc=("ben",))
    alike = msgspec.structs.replace(mail, sender=new_id(), channel=str(new_id()))
    row, other = await stored(keyring, mail), await stored(keyring, alike)
    scope = f"subject:{mail.sender}" if destroyed == "subject" else f"channel:{mail.channel}"
    assert scope in scopes_of(mail)
    assert await open_all(keyring, row) == mail
    assert await keyring.destroy(ACME, scope) == 1
    assert await open_all(keyring, row) == msgspec.structs.replace(mail, line=None, body=None, cc=None)
    assert await open_all(keyring, other) == alike
    with pytest.raises(SubjectIsForgotten):
        await stored(keyring, mail)


@pytest.mark.requirement("R-PRI-2")
async def test_what_was_erased_is_shown_as_erased_and_never_as_a_text(keyring: TenantKeyring) -> None:
    mail = msgspec.structs.replace(MAIL, sender=new_id())
    fact = (await stored(keyring, mail)).unfold()
    fields = [fact.line, None, fact.cc]
    assert await opened(keyring, ACME, fields) == ["Quotation", None, list(MAIL.cc)]
    await keyring.destroy(ACME, f"subject:{mail.sender}")
    erased = await opened(keyring, ACME, fields)
    assert [type(each) for each in erased] == [Erased, type(None), Erased]
    assert [shown(each) for each in erased] == [None, None, None]


async def test_the_clear_skeleton_needs_no_key(keyring: TenantKeyring) -> None:
    fact = (await stored(keyring, MAIL)).unfold()
    assert (fact.sender, fact.channel, fact.size) == (ANN, "sales", 7)
    assert isinstance(fact.line, Sealed)
    assert fact.headers is None


def test_a_fact_without_personal_data_is_under_no_scope() -> None:
    quiet = MailReceived(sender=ANN, channel="sales", size=1, line="", cc=())
    assert scopes_of(quiet) == ("channel:sales", f"subject:{ANN}")
    assert scopes_of(Event.named["visitors.VisitorIdentified"](visitor=ANN)) == ()


async def test_what_is_sealed_or_erased_is_not_sealed_again(keyring: TenantKeyring) -> None:
    """A fact that was read and is written again would lock its ciphertext away as if that were the text."""
    read = (await stored(keyring, MAIL)).unfold()
    for again in (
        read,
        msgspec.structs.replace(MAIL, body=Erased()),
        msgspec.structs.replace(MAIL, cc=(read.cc,)),
    ):
        with pytest.raises(TypeError, match="sealed"):
            await stored(keyring, again)


async def test_a_field_that_came_later_is_missing_in_older_facts(keyring: TenantKeyring) -> None:
    row = await stored(keyring, MAIL)
    fields = msgspec.msgpack.decode(row.data)
    older = {name: value for name, value in fields.items() if name not in ("body", "headers")}
    fact = msgspec.structs.replace(row, data=msgspec.msgpack.encode(older)).unfold()
    assert (fact.body, fact.headers) == (None, None)
    assert await opened(keyring, ACME, [fact.line]) == ["Quotation"]


async def test_a_fact_of_tomorrow_is_unknown(keyring: TenantKeyring) -> None:
    with pytest.raises(UnknownFact):
        msgspec.structs.replace(await stored(keyring, MAIL), name="tomorrow.Happened").unfold()
