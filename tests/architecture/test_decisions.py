"""Every decision page can be quoted and names tests that exist; and the tests of decisions that no other test keeps."""

import ast
import re
from pathlib import Path
from typing import Any, cast

import pytest

from api.accounts.signing_in import _cookie
from api.caller import Door
from api.settings import DEMO, SettingIsWrong, local, login_of, read_settings
from domain.accounts.events import SessionStarted
from domain.shared.ids import OrganisationId
from infrastructure.database.migrations import FILES
from infrastructure.keys import digests
from projections import views
from projections.view import tables_of
from tests.architecture.sources import ROOT, product, proofs

PAGES = sorted((ROOT / "docs" / "decisions").glob("*.md"))
TENANT = OrganisationId(DEMO)


def door(*, is_secure: bool) -> Door:
    """A door at which nobody has to be known."""
    nobody = cast(Any, None)
    return Door(nobody, cast(Any, digests), nobody, now=lambda: 0.0, is_secure=is_secure)


def named(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_decision_is_one_page_with_one_sentence_to_quote(page: Path) -> None:
    text = page.read_text()
    number = page.name.split("-")[0]
    quoted = [line for line in text.splitlines() if line.startswith("> ")]
    assert re.match(rf"# {number}\b", text)
    assert len(text.splitlines()) <= 70
    assert quoted != []
    assert " ".join(line.removeprefix("> ") for line in quoted).rstrip("*_ ").endswith(".")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_decision_names_the_tests_that_keep_it(page: Path) -> None:
    known = {f"{each.path}::{function.name}" for each in proofs() for function in each.functions}
    files = {each.path for each in proofs()}
    names = set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", page.read_text()))
    assert names != set()
    assert names - known - files == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(page.name.split("-")[0]) for page in PAGES)
    assert numbers[-1] - numbers[0] == len(numbers) - 1


@pytest.mark.requirement("R-PRI-7")
@pytest.mark.parametrize(
    ("keys", "database"),
    [
        ("postgresql://keys:other@db.example/helpr", "postgresql://app:secret@db.example:5432/helpr"),
        ("host=db.example dbname=helpr user=keys", "postgres://app@db.example/helpr"),
        ("sqlite:///srv/helpr/postgres/base/keys.sqlite", ""),
        ("sqlite:////srv/helpr/keys/../postgres/keys.sqlite", ""),
    ],
)
def test_keys_in_the_main_database_are_refused(keys: str, database: str) -> None:
    surroundings = {"HELPR_DATA": "/srv/helpr", "HELPR_KEYS_URL": keys, "HELPR_DATABASE_URL": database}
    with pytest.raises(SettingIsWrong, match="outside the main database") as refused:
        read_settings(surroundings)
    assert "secret" not in str(refused.value)


@pytest.mark.requirement("R-PRI-7")
def test_keys_where_the_owner_of_the_main_database_works_are_refused() -> None:
    keys = "postgresql://keys@db.example/helpr"
    surroundings = {"HELPR_KEYS_URL": keys, "HELPR_DATABASE_OWNER_URL": "postgresql://owner@db.example/helpr"}
    with pytest.raises(SettingIsWrong, match="outside the main database"):
        read_settings(surroundings | {"HELPR_DATABASE_URL": "postgresql://pool.example/helpr"})


@pytest.mark.parametrize("name", ["HELPR_KEYS_URL", "HELPR_KMS_URL"])
@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_a_file_is_named_by_its_whole_path(name: str, kind: str) -> None:
    with pytest.raises(SettingIsWrong, match=f"{name} must name the whole path"):
        read_settings({name: f"{kind}:keys/keys.sqlite"})


@pytest.mark.parametrize("url", ["sqlite:///srv/a#b/keys?", "sqlite:/srv/a#b/keys?", "sqlite:////srv/a#b/keys?"])
def test_whoever_opens_or_looks_at_a_file_means_the_same_one(url: str) -> None:
    """The data's folder may have any name."""
    assert local(url) == Path("/srv/a#b/keys?")


@pytest.mark.parametrize(
    ("keys", "database"),
    [
        ("postgresql://db.example/helpr_keys", "postgresql://db.example/helpr"),
        ("postgresql://keys.example/helpr", "postgresql://db.example/helpr"),
        ("postgresql://db.example:5433/helpr", "postgresql://db.example/helpr"),
        ("sqlite:///srv/helpr/keys/keys.sqlite", "postgresql://db.example/helpr"),
        ("", ""),
    ],
)
def test_keys_elsewhere_are_welcome(keys: str, database: str) -> None:
    surroundings = {"HELPR_DATA": "/srv/helpr", "HELPR_KEYS_URL": keys, "HELPR_DATABASE_URL": database}
    assert read_settings(surroundings).keys_url == (keys or "sqlite:////srv/helpr/keys/keys.sqlite")


@pytest.mark.parametrize(
    ("dsn", "login"),
    [
        ("postgresql://app:secret@db.example/helpr", "app"),
        ("postgresql://db.example/helpr?user=app", "app"),
        ("postgresql://a%70p@db.example/helpr", "app"),
        ("host=db.example user=app", "app"),
        ("postgresql://db.example/helpr", None),
    ],
)
def test_rights_are_given_to_whom_the_dsn_names(dsn: str, login: str | None) -> None:
    assert login_of(dsn) == login


@pytest.mark.requirement("R-PRI-7")
def test_the_main_database_has_no_place_for_keys() -> None:
    schema = " ".join([*(file.read_text() for file in FILES), *map(tables_of, views.ALL)])
    assert re.findall(r"\w*(?:wrapped|scope_keys|tenant_keys)\w*", schema) == []


@pytest.mark.requirement("R-ACC-7")
def test_a_session_is_named_by_the_digest_of_its_token_and_no_fact_holds_the_token() -> None:
    entrance = door(is_secure=True)
    one, other = entrance.new_token(TENANT), entrance.new_token(TENANT)
    tenant, session = entrance.session_of(one)
    assert (tenant, session.bytes) == (TENANT, digests.digest(one)[:16])
    assert entrance.session_of(other)[1] != session
    assert "token" not in SessionStarted.__struct_fields__
    assert one.split(".")[1] not in str(session)


@pytest.mark.requirement("R-ACC-7")
@pytest.mark.parametrize(("is_secure", "name"), [(True, "__Host-helpr_session"), (False, "helpr_session")])
def test_over_https_the_cookie_belongs_to_the_host_alone(is_secure: bool, name: str) -> None:
    cookie = _cookie(door(is_secure=is_secure), "token", seconds=60)
    assert (cookie.key, cookie.secure, cookie.httponly, cookie.samesite) == (name, is_secure, True, "strict")
    assert (cookie.path, cookie.domain) == ("/", None)


def test_the_demo_has_the_same_address_everywhere() -> None:
    settings = [read_settings({"HELPR_DATA": folder, "HELPR_DEMO": "yes"}) for folder in ("/srv/one", "/srv/other")]
    assert {each.demo_organisation for each in settings} == {DEMO}
    assert DEMO.version == 7


def test_the_server_is_embedded_in_the_loop_of_the_parts() -> None:
    assert {each.path for each in product() if "uvicorn" in each.outside} == {"api/run/serve.py", "api/run/wire.py"}
    (serve,) = [each for each in product() if each.path == "api/run/serve.py"]
    loops = [
        node for node in ast.walk(serve.tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "uvloop.run"
    ]
    assert len(loops) == 1
