"""The pages: they type-check, their own tests pass, and what is built of them asks nobody but Helpr."""

import json
import re
from pathlib import Path

import pytest

from api.web.build import DIST, LOCK, build, run

# Names, not addresses: nothing is fetched from them. One says what an element is, the other stands in Svelte's errors.
NAMES = ("http://www.w3.org/", "https://svelte.dev/e/")
SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE)
INLINE = re.compile(r"<style\b|\sstyle=\\?[\"']|\son[a-z]+=\\?[\"']|javascript:", re.IGNORECASE)


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    """Every built file, by its path inside ``dist``."""
    build()
    files = sorted(path for path in DIST.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(DIST).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_the_types_of_the_pages_agree() -> None:
    run("check")


def test_the_tests_of_the_pages_pass() -> None:
    run("test")


def test_the_pages_stay_within_their_budgets(built: dict[str, str]) -> None:
    said = run("sizes")
    assert [line.split(":")[0] for line in said.splitlines()] == ["widget.js", "console, first load"]


def test_there_is_a_console_a_widget_and_a_demo_shop(built: dict[str, str]) -> None:
    assert {"console/index.html", "widget/widget.js", "demo/index.html"} <= set(built)
    assert 'src="/widget.js" data-organisation="ORGANISATION-ID"' in built["demo/index.html"]


def ours(built: dict[str, str]) -> dict[str, str]:
    """All but Swagger UI, whose words name other hosts; a browser journey watches what the API's page asks for."""
    return {name: text for name, text in built.items() if not name.startswith("docs/assets/")}


@pytest.mark.requirement("R-VIS-5")
def test_nothing_in_the_pages_comes_from_another_host(built: dict[str, str]) -> None:
    found = {name: addresses(text) for name, text in ours(built).items() if addresses(text)}
    assert found == {}


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example/x.js", "url(//elsewhere.example/x.woff2)", 'src="//elsewhere.example"']
)
def test_an_address_of_another_host_would_be_found(address: str) -> None:
    assert addresses(f"const a = '{address}'")


def test_no_page_needs_an_inline_script_or_style(built: dict[str, str]) -> None:
    inline = {name: INLINE.findall(text) for name, text in ours(built).items() if INLINE.search(text)}
    assert inline == {}
    assert [name for name, text in built.items() if name.endswith(".html") and SCRIPT.search(text)] == []


def test_every_file_that_a_page_names_is_there(built: dict[str, str]) -> None:
    for page, place in (("console", "/assets/"), ("demo", "/demo/assets/")):
        named = re.findall(rf'(?:src|href)="{place}([^"]+)"', built[f"{page}/index.html"])
        assert named
        assert [name for name in named if f"{page}/assets/{name}" not in built] == []


def test_the_lock_file_names_no_download_address_and_no_licence_that_binds_us() -> None:
    packages = json.loads(Path(LOCK).read_text())["packages"]
    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert [name for name, one in packages.items() if name and re.search(r"GPL", one.get("license", "GPL"))] == []


def addresses(text: str) -> list[str]:
    """Absolute addresses of other hosts in a built file."""
    absolute = re.findall(r"https?://[^\s\"'`)]+|(?<=[\"'`(])//[\w-]+\.[\w.-]+", text)
    return [one for one in absolute if not one.startswith(NAMES)]
