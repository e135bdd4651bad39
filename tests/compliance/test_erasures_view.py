"""Who is being forgotten, and how far that is."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureDecided, ErasureProved, ErasureReason, KeysDestroyed
from projections.compliance import erasures as view
from projections.compliance.erasures import erasure, page
from tests.shown import Shown, happened

pytestmark = pytest.mark.requirement("R-PRI-2")
VIEW = view

vera, victor = UUID(int=1), UUID(int=2)
of = partial(happened, Erasure)


def decided(subject: UUID, reason: ErasureReason = ErasureReason.REQUESTED) -> ErasureDecided:
    return ErasureDecided(subject=subject, reason=reason)


async def state(shown: Shown, subject: UUID = vera) -> Any:
    return await shown.asked(erasure, subject)


async def test_it_is_decided_then_the_keys_are_destroyed_then_it_is_proved(shown: Shown) -> None:
    await shown.given(of(vera, decided(vera)))
    first = await state(shown)
    assert (first.state, first.reason, first.keys) == ("decided", "requested", 0)
    assert (first.shredded_at, first.proved_at) == (None, None)
    await shown.given(of(vera, KeysDestroyed(subject=vera, keys=1)))
    second = await state(shown)
    assert (second.state, second.keys, second.decided_at) == ("shredded", 1, first.decided_at)
    assert second.shredded_at > first.decided_at
    await shown.given(of(vera, ErasureProved(subject=vera, places={"inbox": 3})))
    third = await state(shown)
    assert (third.state, third.keys, third.shredded_at) == ("proved", 1, second.shredded_at)
    assert third.proved_at > second.shredded_at


@pytest.mark.requirement("R-PRI-8")
async def test_the_reason_is_kept(shown: Shown) -> None:
    await shown.given(of(vera, decided(vera, ErasureReason.CHILD)))
    assert (await state(shown)).reason == "child"


async def test_the_newest_comes_first_and_one_can_ask_for_one_person(shown: Shown) -> None:
    await shown.given(of(vera, decided(vera)), of(victor, decided(victor)))
    await shown.given(of(vera, KeysDestroyed(subject=vera, keys=1)))
    found, after = await shown.asked(page, after=None, limit=2)
    assert ([each.subject for each in found], after) == ([victor, vera], None)
    assert (await state(shown, victor)).subject == victor
    assert await state(shown, UUID(int=99)) is None


async def test_page_after_page_loses_nobody_and_repeats_nobody(shown: Shown) -> None:
    """Some are decided at the same moment."""
    many = [UUID(int=100 + number) for number in range(11)]
    at_once = datetime(2026, 11, 3, 10, tzinfo=UTC)
    for number, each in enumerate(many):
        await shown.given(happened(Erasure, each, decided(each), at=at_once if number < 8 else None))
    seen, after = [], None
    while True:
        found, after = await shown.asked(page, after=after, limit=3)
        seen += [each.subject for each in found]
        if after is None:
            break
        assert len(found) == 3
    assert seen == [*reversed(many)]
