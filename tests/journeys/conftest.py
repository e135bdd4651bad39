"""A real browser, a whole Helpr with its demo shop, and the people who use it."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from domain.accounts.events import Role
from tests.conftest import Database
from tests.house import PASSWORD, Helpr, Organisation, founded, running

ARTEFACTS = Path(__file__).parents[2] / ".artefacts"
FLAGS = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
MISSED: pytest.StashKey[int] = pytest.StashKey()
DESKTOP, PHONE = {"width": 1366, "height": 820}, {"width": 390, "height": 844}


def chromium() -> str | None:
    """Where a browser is: HELPR_CHROMIUM, or the names that distributions give it."""
    names = (os.environ.get("HELPR_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *sandbox])
        yield started
        await started.close()


@pytest.fixture(scope="module")
async def helpr(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Helpr]:
    async with running(module_database, tmp_path_factory.mktemp("helpr"), is_demo=True) as started:
        yield started


@pytest.fixture(scope="module")
async def kettle(helpr: Helpr) -> Organisation:
    """The organisation of the demo's shop."""
    return await founded(helpr, "kettle", id=helpr.settings.demo_organisation)


class Somebody:
    """A person at a browser of their own."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context, self.page, self.url = context, page, url
        self.requested: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requested.add(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._complained)

    def _complained(self, message: Any) -> None:
        is_asking_who_one_is = "401" in message.text and message.location["url"].endswith("/v1/session")
        if message.type == "error" and not is_asking_who_one_is:
            self.complaints.append(message.text)

    async def shows(self, name: str) -> None:
        """Keeps a picture of what this person sees."""
        ARTEFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png")


@pytest.fixture
async def somebody(browser: Browser, helpr: Helpr) -> AsyncIterator[Any]:
    """Makes people; their browsers close with the test."""
    contexts: list[BrowserContext] = []

    async def make(**options: Any) -> Somebody:
        context = await browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        return Somebody(context, await context.new_page(), helpr.url)

    yield make
    for context in contexts:
        await context.close()


@pytest.fixture
def visitor(somebody: Any, kettle: Organisation) -> Any:
    """Makes a visitor who has opened the shop and the chat."""

    async def make(**options: Any) -> Somebody:
        made: Somebody = await somebody(**options)
        await made.page.goto(f"{made.url}/demo")
        await made.page.get_by_role("button", name="Chat").click()
        return made

    return make


@pytest.fixture
def agent(somebody: Any, kettle: Organisation) -> Any:
    """Makes an agent who has signed in to the console."""

    async def make(role: Role = Role.AGENT, **options: Any) -> Somebody:
        made: Somebody = await somebody(**options)
        await made.page.goto(f"{made.url}/sign-in")
        await made.page.get_by_label("E-mail").fill(kettle.email(role))
        await made.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await made.page.get_by_role("button", name="Sign in").click()
        await made.page.locator("nav").wait_for(state="attached")
        return made

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where there is no browser the journeys stay at home, and the run's last lines say so."""
    if chromium() is not None:
        return
    journeys = [item for item in items if item.get_closest_marker("journey")]
    config.hook.pytest_deselected(items=journeys)
    items[:] = [item for item in items if item not in journeys]
    config.stash[MISSED] = len(journeys)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if missed := config.stash.get(MISSED, 0):
        terminalreporter.write_line(
            f"{missed} browser journeys did not run: no Chromium was found. "
            "Install one (Debian: apt-get install chromium), or name it in HELPR_CHROMIUM.",
            yellow=True,
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a run without its journeys has failed."""
    if session.config.stash.get(MISSED, 0) and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
