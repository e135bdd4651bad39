"""What people see: light, dark and on a phone, kept as pictures; and the keys that work without a mouse."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import DESKTOP, PHONE
from tests.journeys.test_one_conversation import opens, says, thread

pytestmark = pytest.mark.journey
LOOKS = [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE)]


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=["light", "dark", "phone"])
async def test_shop_and_console_fit_the_screen(visitor: Any, agent: Any, scheme: str, size: dict[str, int]) -> None:
    look = "phone" if size is PHONE else scheme
    vera = await visitor(color_scheme=scheme, viewport=size)
    await says(vera.page, f"How does this look in {look}?")
    await expect(vera.page.get_by_role("log", name="Conversation")).to_contain_text("Sent")
    await vera.shows(f"shop-{look}")
    amir = await agent(color_scheme=scheme, viewport=size)
    await amir.shows(f"inbox-{look}")
    await opens(amir.page, f"How does this look in {look}?")
    await amir.shows(f"thread-{look}")
    for somebody in (vera, amir):
        wide = await somebody.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
        assert somebody.complaints == []


async def test_an_agent_works_through_the_inbox_by_keyboard(visitor: Any, agent: Any) -> None:
    vera, amir = await visitor(), await agent()
    await says(vera.page, "By keyboard, please")
    await expect(amir.page.get_by_role("option").first).to_contain_text("By keyboard, please")
    await amir.page.keyboard.press("j")
    await amir.page.keyboard.press("Enter")
    await expect(thread(amir.page)).to_contain_text("By keyboard, please")
    await amir.page.keyboard.press("r")
    await amir.page.keyboard.type("With pleasure")
    await amir.page.keyboard.press("Enter")
    await expect(thread(amir.page)).to_contain_text("With pleasure")
    await amir.page.keyboard.press("Escape")
    await amir.page.keyboard.press("e")
    await expect(amir.page.get_by_role("button", name="Reopen")).to_be_visible()
    await amir.page.keyboard.press("Control+k")
    await expect(amir.page.get_by_role("dialog")).to_be_visible()
