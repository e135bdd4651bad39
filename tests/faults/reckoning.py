"""When everybody has stopped talking: what was acknowledged beside what is stored, and what is shown beside the log."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from api.main import key_store, root_key
from api.run.demo.people import people
from api.settings import Settings
from domain.compliance.events import ComplianceEvent, ErasureDecided, ErasureProved, KeysDestroyed
from domain.conversations.events import MessageSent
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect_pool
from infrastructure.event_log.reading import LogReader
from infrastructure.event_log.verifying import verify
from infrastructure.keys.facts import plain
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.views.status import status
from projections import views
from tests.faults.standing import Standing
from tests.faults.writers import Writers
from tests.views.rebuilt import rebuild
from tests.views.test_rebuilt_equals_live import rows

FORGETTING = (ErasureDecided, KeysDestroyed, ErasureProved)
PAGE = 500


async def nothing_is_lost_or_doubled(settings: Settings, writers: Writers) -> int:
    """Every message that was acknowledged is in the log: once, in its place, in its words. No other is there; how many
    there are."""
    pool = await connect_pool(settings.database_url, size=2)
    keyring = TenantKeyring(root_key(settings.kms_url), key_store(settings.keys_url))
    await keyring.open_store()
    try:
        sent = await _facts(LogReader(pool), MessageSent)
        times = Counter(each.fact.message for each in sent)
        assert not [message for message, count in times.items() if count > 1], "a message is there twice"
        assert not writers.said.keys() - times.keys(), "an acknowledged message is lost"
        assert not times.keys() - writers.said.keys(), "a message was stored that nobody has said"
        for each in sent:
            said = writers.said[each.fact.message]
            assert (each.stream, each.version) == (said.answer.conversation, said.answer.sequence)
            assert each.position <= said.position
        await _everything_is_legible(sent, writers, keyring, people(settings).organisation)
        await _whoever_was_to_be_forgotten_is(LogReader(pool), writers)
    finally:
        await keyring.close()
        await pool.close()
    return len(sent)


async def nothing_acknowledged_is_missing(settings: Settings, writers: Writers) -> None:
    """What was acknowledged so far is in the log; what is under way may be."""
    acknowledged, pool = dict(writers.said), await connect_pool(settings.database_url, size=1)
    try:
        stored = {each.fact.message: each for each in await _facts(LogReader(pool), MessageSent)}
    finally:
        await pool.close()
    for message, said in acknowledged.items():
        assert message in stored, f"what was acknowledged at {said.position} is lost"
        assert stored[message].version == said.answer.sequence


async def _everything_is_legible(
    sent: Sequence[Recorded[Any]], writers: Writers, keyring: TenantKeyring, tenant: UUID
) -> None:
    """By keys from the store, but for the words of those who were forgotten."""
    for first in range(0, len(sent), PAGE):
        page = sent[first : first + PAGE]
        for each, opened in zip(page, await keyring.open(tenant, [e.fact.text for e in page]), strict=True):
            if each.fact.visitor in writers.forgotten:
                assert opened is None
            else:
                assert opened is not None
                assert plain(each.fact.text, opened) == writers.said[each.fact.message].text


async def _whoever_was_to_be_forgotten_is(reader: LogReader, writers: Writers) -> None:
    """What follows from the decision has followed once, also where its answer was lost with the last of them."""
    steps = Counter((each.fact.subject, type(each.fact)) for each in await _facts(reader, *FORGETTING))
    decided = {subject for subject, step in steps if step is ErasureDecided}
    assert writers.forgotten <= decided
    assert steps == Counter((subject, step) for subject in decided for step in FORGETTING)


async def _facts(reader: LogReader, *kinds: type[ComplianceEvent | MessageSent]) -> list[Recorded[Any]]:
    found: list[Recorded[Any]] = []
    while page := await reader.after(found[-1].position if found else 0, names=[kind.NAME for kind in kinds]):
        found += page
    return found


def is_settled(helpr: Standing, writers: Writers) -> bool:
    """Whether the views show everything, and everybody who was to be forgotten is."""
    with helpr.owning() as owner:
        [(decided, proved)] = owner.execute(
            "select count(*) filter (where name = %s), count(*) filter (where name = %s) from log.events",
            (ErasureDecided.NAME, ErasureProved.NAME),
        )
        # Somebody's answer may have been lost with the last of them.
        is_proved = decided == proved and proved >= len(writers.forgotten)
        return is_proved and all(view.lag == 0 for view in status(owner))


def views_equal_fresh_ones(owner: psycopg.Connection[Any]) -> int:
    """Each view beside the same view built anew from the log, row for row; how many rows. Nothing is parked."""
    count = 0
    for view in views.ALL:
        live = rows(owner, view)
        rebuild(owner, view)
        assert rows(owner, view) == live, view.NAME
        count += sum(map(len, live.values()))
    assert not [each for each in status(owner) if each.parked or each.lag]
    return count


def the_log_verifies(settings: Settings) -> int:
    """As ``helpr log verify`` does it; how many facts there are."""
    with psycopg.connect(settings.owner_url) as db:
        looked, damage = verify(db, lambda done, total: None)
        row = db.execute("select max(position) from log.events").fetchone()
    assert damage is None, damage
    assert row == (looked,)
    return looked
