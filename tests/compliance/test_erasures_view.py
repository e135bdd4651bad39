"""Who is being forgotten, and how far that is."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureDecided, ErasureProved, ErasureReason, KeysDestroyed
from projections.compliance import erasures as view
from projections.compliance.erasures import erasures
from tests.shown import Shown, happened

pytestmark = pytest.mark.requirement("R-PRI-2")
VIEW = view

vera, victor = UUID(int=1), UUID(int=2)
of = partial(happened, Erasure)


def decided(subject: UUID, reason: ErasureReason = ErasureReason.REQUESTED) -> ErasureDecided:
    return ErasureDecided(subject=subject, reason=reason)


async def state(shown: Shown, subject: UUID = vera) -> Any:
    (found,) = await shown.asked(erasures, subject)
    return found


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
    assert [each.subject for each in await shown.asked(erasures)] == [victor, vera]
    assert [each.subject for each in await shown.asked(erasures, victor)] == [victor]
    assert await shown.asked(erasures, UUID(int=99)) == []
