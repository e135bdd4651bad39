"""One conversation as people live it: a visitor in the shop, two agents at their consoles."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from domain.accounts.events import Role

pytestmark = pytest.mark.journey


async def says(page: Page, text: str) -> None:
    """A visitor writes in the chat."""
    await page.get_by_role("textbox", name="Message").fill(text)
    await page.keyboard.press("Enter")


async def answers(page: Page, text: str) -> None:
    """An agent writes in the console."""
    await page.get_by_role("textbox", name="Reply to").fill(text)
    await page.keyboard.press("Enter")


def chat(page: Page) -> Any:
    return page.get_by_role("log", name="Conversation")


def thread(page: Page) -> Any:
    return page.get_by_role("log", name="Messages")


async def opens(page: Page, preview: str) -> None:
    """An agent opens the conversation that reads like this in the list."""
    await page.get_by_role("option").filter(has_text=preview).click()
    await expect(thread(page)).to_contain_text(preview)


@pytest.mark.requirement("R-CON-1")
@pytest.mark.requirement("R-CON-5")
async def test_a_question_is_asked_answered_and_resolved_before_two_agents(visitor: Any, agent: Any) -> None:
    amir, olga = await agent(), await agent(Role.OWNER)
    await amir.page.goto(f"{amir.url}/inbox?view=unassigned")
    vera = await visitor()
    await says(vera.page, "Where is my copper kettle?")
    await expect(amir.page.get_by_role("option").filter(has_text="copper kettle")).to_be_visible()
    await opens(amir.page, "Where is my copper kettle?")
    await olga.page.goto(amir.page.url)
    await expect(chat(vera.page)).to_contain_text("Read")

    await amir.page.get_by_role("textbox", name="Reply to").press_sequentially("It has left")
    await expect(vera.page.get_by_role("dialog")).to_contain_text("is writing")
    await answers(amir.page, "It has left our house this morning.")
    await expect(chat(vera.page)).to_contain_text("It has left our house this morning.")
    await expect(thread(olga.page)).to_contain_text("It has left our house this morning.")
    await expect(thread(amir.page).locator(".mark")).to_contain_text("Read")

    await vera.page.get_by_role("textbox", name="Message").press_sequentially("Thank you")
    await expect(amir.page.get_by_label("Conversation", exact=True)).to_contain_text("writing")
    await says(vera.page, "Thank you, that is quick.")
    await expect(thread(olga.page)).to_contain_text("Thank you, that is quick.")

    await amir.page.get_by_role("button", name="Private note").click()
    await amir.page.get_by_role("textbox", name="Private note").fill("She asked last week, too.")
    await amir.page.keyboard.press("Enter")
    await expect(thread(olga.page)).to_contain_text("She asked last week, too.")
    await amir.page.get_by_role("button", name="Take").click()
    await expect(thread(olga.page)).to_contain_text("Agent of kettle")
    await amir.page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(olga.page.get_by_role("button", name="Reopen")).to_be_visible()
    await expect(chat(vera.page)).to_contain_text("This conversation was resolved")
    await olga.page.get_by_role("button", name="Reopen").click()
    await expect(amir.page.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
    await expect(chat(vera.page)).not_to_contain_text("She asked last week")
    await amir.shows("console")
    await vera.shows("shop")
    assert vera.complaints == []
    assert amir.complaints == []
    assert olga.complaints == []


@pytest.mark.requirement("R-VIS-3")
async def test_a_visitor_closes_the_tab_comes_back_and_finds_the_conversation(visitor: Any, agent: Any) -> None:
    vera, amir = await visitor(), await agent()
    await says(vera.page, "Do you mend lids?")
    await opens(amir.page, "Do you mend lids?")
    await vera.page.close()
    await answers(amir.page, "We do, within two weeks.")
    later = await vera.context.new_page()
    await later.goto(f"{vera.url}/demo")
    await expect(later.get_by_role("button", name="Chat with us")).to_contain_text("1")
    await later.get_by_role("button", name="Chat with us").click()
    await expect(chat(later)).to_contain_text("Do you mend lids?")
    await expect(chat(later)).to_contain_text("We do, within two weeks.")
    await later.reload()
    await later.get_by_role("button", name="Chat with us").click()
    await expect(chat(later)).to_contain_text("We do, within two weeks.")


@pytest.mark.requirement("R-CON-1")
async def test_what_is_written_without_a_connection_arrives_once_when_it_is_back(visitor: Any, agent: Any) -> None:
    vera, amir = await visitor(), await agent()
    await says(vera.page, "Is the blue one back?")
    await opens(amir.page, "Is the blue one back?")
    await vera.context.set_offline(True)
    await says(vera.page, "I would take two of them.")
    await answers(amir.page, "It comes on Friday.")
    await expect(chat(vera.page)).not_to_contain_text("It comes on Friday.")
    await vera.context.set_offline(False)
    await expect(chat(vera.page)).to_contain_text("It comes on Friday.", timeout=20_000)
    await expect(thread(amir.page).get_by_text("I would take two of them.")).to_have_count(1, timeout=20_000)
    await amir.context.set_offline(True)
    await says(vera.page, "Good, I wait.")
    await amir.context.set_offline(False)
    await expect(thread(amir.page).get_by_text("Good, I wait.")).to_have_count(1, timeout=20_000)
    await expect(chat(vera.page).get_by_text("Good, I wait.")).to_have_count(1)
