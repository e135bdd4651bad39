"""What the privacy policy promises, seen in the browser."""

from typing import Any

import pytest
from playwright.async_api import expect

from domain.accounts.events import Role
from tests.journeys.test_one_conversation import answers, chat, opens, says, thread

pytestmark = pytest.mark.journey
KEPT = """() => ({
    cookies: document.cookie.split("; ").filter(Boolean).map((pair) => pair.split("=")[0]).sort(),
    local: Object.keys(localStorage).sort(), session: Object.keys(sessionStorage).sort() })"""


@pytest.mark.requirement("R-VIS-1")
async def test_the_widget_keeps_what_the_policy_lists_and_nothing_else(visitor: Any) -> None:
    vera = await visitor()
    await says(vera.page, "Hello")
    await vera.page.evaluate("Helpr('identify', { name: 'Vera', email: 'vera@example.org' })")
    await vera.page.evaluate("Helpr('attributes', { plan: 'gold' })")
    await expect(vera.page.get_by_role("dialog")).to_contain_text("vera@example.org")
    kept = await vera.page.evaluate(KEPT)
    assert kept["cookies"] == ["helpr_vid"]
    assert kept["local"] == ["helpr_chat", "helpr_custom", "helpr_ident", "helpr_last", "helpr_vid"]
    assert kept["session"] == ["helpr_tabid"]
    (cookie,) = await vera.context.cookies()
    days = (cookie["expires"] - await vera.page.evaluate("Date.now() / 1000")) / 86400
    assert 364 < days <= 365
    assert await vera.page.evaluate("indexedDB.databases().then((found) => found.length)") == 0


@pytest.mark.requirement("R-VIS-5")
async def test_shop_and_console_talk_to_their_own_origin_only(visitor: Any, agent: Any) -> None:
    vera, amir = await visitor(), await agent()
    await says(vera.page, "Who else listens?")
    await opens(amir.page, "Who else listens?")
    for somebody in (vera, amir):
        assert somebody.requested
        assert [url for url in somebody.requested if not url.startswith((somebody.url, "data:"))] == []


@pytest.mark.requirement("R-VIS-5")
async def test_the_apis_page_draws_itself_from_our_origin_only(somebody: Any) -> None:
    reader = await somebody()
    await reader.page.goto(f"{reader.url}/docs")
    await expect(reader.page.get_by_text("/v1/conversations/{conversation}/messages").first).to_be_visible()
    await reader.page.get_by_text("/v1/conversations/{conversation}/messages").first.click()
    await expect(reader.page.get_by_text("Your parcel left our house").first).to_be_visible()
    await reader.shows("docs")
    assert [url for url in reader.requested if not url.startswith((reader.url, "data:"))] == []
    assert reader.complaints == []


@pytest.mark.requirement("R-PRI-1")
@pytest.mark.requirement("R-PRI-2")
async def test_a_compliance_officer_looks_back_and_has_a_visitor_forgotten(visitor: Any, agent: Any) -> None:
    vera, amir, cora = await visitor(), await agent(), await agent(Role.COMPLIANCE)
    await says(vera.page, "My number is 0170 5550199")
    await opens(amir.page, "0170 5550199")
    await answers(amir.page, "We call you at 0170 5550199.")
    await cora.page.goto(amir.page.url)
    await expect(thread(cora.page)).to_contain_text("We call you")
    await cora.page.get_by_role("link", name="Trail").click()
    await expect(cora.page.get_by_role("region", name="Trail")).to_contain_text("each kept for ever and never changed")
    await expect(cora.page.get_by_role("region", name="Trail")).to_contain_text("My number is 0170 5550199")
    await cora.shows("trail")
    await cora.page.go_back()
    await cora.page.get_by_role("button", name="Erase visitor").click()
    await cora.page.get_by_label("Type erase to confirm").fill("erase")
    await cora.shows("erase")
    await cora.page.get_by_role("button", name="Erase for ever").click()
    await expect(cora.page.get_by_role("dialog")).to_contain_text("found", timeout=10_000)
    await expect(thread(amir.page)).not_to_contain_text("0170 5550199")
    await expect(amir.page.locator("body")).not_to_contain_text("0170 5550199")
    await cora.page.get_by_role("button", name="Close").last.click()
    await expect(cora.page.locator("body")).not_to_contain_text("0170 5550199")
    await amir.shows("erased")
    await cora.page.goto(f"{cora.url}/privacy")
    await expect(cora.page.get_by_role("row", name="They asked for it")).to_contain_text("Proved")
    await cora.shows("privacy")
    await vera.page.reload()
    await vera.page.get_by_role("button", name="Chat with us").click()
    await expect(vera.page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(chat(vera.page)).not_to_contain_text("0170 5550199")
