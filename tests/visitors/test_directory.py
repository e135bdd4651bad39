"""Who came, as agents see them."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.conversations.events import ConversationStarted
from domain.shared.ids import VisitorId
from domain.shared.refusal import Malformed
from domain.visitors.events import VisitorArrived, VisitorIdentified, VisitorReturned
from domain.visitors.visitor import Visitor
from projections.cursor import LastShown, from_text, to_text
from projections.visitors import directory
from projections.visitors.directory import page, visitors
from tests.conversations.talk import in_conversation
from tests.shown import Shown, forgotten, happened

pytestmark = pytest.mark.requirement("R-VIS-2")
VIEW = directory

vera, victor, viola = (VisitorId(UUID(int=number)) for number in (1, 2, 3))
of = partial(happened, Visitor)
device, place, start = {"browser": "Firefox"}, {"city": "Graz"}, {"url": "https://shop.example/"}
MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
phone, checkout = {"browser": "Safari"}, {"url": "https://shop.example/checkout"}


def arrived(visitor: VisitorId = vera) -> VisitorArrived:
    return VisitorArrived(visitor=visitor, secret=b"digest", device=device, place=place, page=start)


def returned(visitor: VisitorId = vera) -> VisitorReturned:
    return VisitorReturned(visitor=visitor, device=phone, place=place, page=checkout)


def said(visitor: VisitorId = vera, **fields: str) -> VisitorIdentified:
    return VisitorIdentified(visitor=visitor, **fields)


async def entry(shown: Shown, visitor: UUID = vera) -> Any:
    """What is known of a visitor."""
    (found,) = await shown.asked(visitors, [visitor])
    return found


async def test_somebody_new_is_known_by_what_they_came_with(shown: Shown) -> None:
    await shown.given(of(vera, arrived()))
    new = await entry(shown)
    assert (new.device, new.place, new.page) == (device, place, start)
    assert (new.name, new.email, new.phone, new.conversations, new.is_erased) == (None, None, None, 0, False)
    assert new.first_seen == new.last_seen


async def test_who_comes_back_is_known_by_the_last_visit_and_since_the_first(shown: Shown) -> None:
    await shown.given(of(vera, arrived()))
    first = (await entry(shown)).first_seen
    await shown.given(of(vera, returned()))
    back = await entry(shown)
    assert (back.device, back.place, back.page, back.first_seen) == (phone, place, checkout, first)
    assert back.last_seen > first


async def test_what_a_visitor_says_of_themselves_adds_up_and_the_last_word_counts(shown: Shown) -> None:
    await shown.given(of(vera, arrived(), said(name="Vera", phone="+43 1 5550100"), said(email="v@example.org")))
    await shown.given(of(vera, said(name="Vera Novak")))
    known = await entry(shown)
    assert (known.name, known.email, known.phone) == ("Vera Novak", "v@example.org", "+43 1 5550100")


async def test_conversations_are_counted_and_are_a_sign_of_life(shown: Shown) -> None:
    await shown.given(of(vera, arrived()))
    before = await entry(shown)
    await shown.given(*(in_conversation(UUID(int=n), ConversationStarted(visitor=vera)) for n in (11, 12)))
    after = await entry(shown)
    assert after.conversations == 2
    assert after.last_seen > before.last_seen


async def test_who_was_here_last_comes_first_and_pages_lose_and_repeat_nobody(shown: Shown) -> None:
    many = [VisitorId(UUID(int=100 + number)) for number in range(7)]
    await shown.given(*(of(each, arrived(each)) for each in many), of(many[2], returned(many[2])))
    order = [many[2], *(each for each in reversed(many) if each != many[2])]
    found, after = await shown.asked(page, after=None, limit=7)
    assert ([each.id for each in found], after) == (order, None)
    seen = []
    while True:
        found, after = await shown.asked(page, after=after, limit=3)
        seen += [each.id for each in found]
        if after is None:
            break
        assert len(found) == 3
    assert seen == order


async def test_visitors_of_the_same_moment_stand_in_one_order_on_all_pages(shown: Shown) -> None:
    many = [VisitorId(UUID(int=100 + number)) for number in range(5)]
    await shown.given(*(of(each, arrived(each)) for each in many))
    moment = (await entry(shown, many[0])).last_seen
    others = [VisitorId(UUID(int=200 + number)) for number in range(5)]
    await shown.given(*(of(each, arrived(each), at=moment) for each in others))
    first, after = await shown.asked(page, after=to_text(LastShown(moment, UUID(int=2**128 - 1))), limit=4)
    rest, _ = await shown.asked(page, after=after, limit=2)
    assert [each.id for each in (*first, *rest)] == [*reversed(others), many[0]]


FOREIGN = {
    "of another list": ("newest", 1, MOMENT, vera),
    "with a time of no zone": ("2026-11-03T10:00:00", vera),
    "with a time that is none in UTC": ("0001-01-01T00:00:00+14:00", vera),
    "with an id that is none": (MOMENT, "vera"),
    "with too much in it": (MOMENT, vera, 1),
}


@pytest.mark.parametrize("cursor", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_cursor_is_malformed(cursor: object) -> None:
    text = urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")
    with pytest.raises(Malformed, match="is not a cursor of this list"):
        from_text(text, LastShown)


async def test_nobody_is_shown_who_never_came(shown: Shown) -> None:
    await shown.given(of(vera, arrived()))
    assert await shown.asked(visitors, [victor]) == []


@pytest.mark.requirement("R-PRI-2")
async def test_a_forgotten_visitor_keeps_a_place_in_the_list_and_nothing_else(shown: Shown) -> None:
    await shown.given(of(vera, arrived(), said(name="Vera", email="v@example.org", phone="+43 1 5550100")))
    await shown.given(in_conversation(UUID(int=11), ConversationStarted(visitor=vera)))
    await shown.given(of(victor, arrived(victor), said(victor, name="Victor")))
    before = await entry(shown)
    await shown.given(forgotten(vera))
    nothing = dict.fromkeys(("device", "place", "page", "name", "email", "phone"))
    assert await entry(shown) == msgspec.structs.replace(before, **nothing, is_erased=True)
    assert (await entry(shown, victor)).name == "Victor"


@pytest.mark.requirement("R-PRI-2")
async def test_what_comes_after_the_forgetting_is_counted_but_not_kept(shown: Shown) -> None:
    await shown.given(of(vera, arrived()), forgotten(vera), of(vera, returned(), said(name="Vera")))
    await shown.given(in_conversation(UUID(int=11), ConversationStarted(visitor=vera)))
    late = await entry(shown)
    assert (late.device, late.name, late.conversations, late.is_erased) == (None, None, 1, True)


@pytest.mark.requirement("R-PRI-2")
async def test_who_is_first_heard_of_after_they_were_forgotten_leaves_nothing_either(shown: Shown) -> None:
    await shown.given(forgotten(viola), of(viola, arrived(viola), said(viola, name="Viola")))
    late = await entry(shown, viola)
    assert (late.device, late.name, late.is_erased) == (None, None, True)
