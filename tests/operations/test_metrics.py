"""Metrics: what is counted is there, on a port of its own, and no label can say who somebody is."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from api.main import application
from api.metrics import Metrics
from api.request_log import METHODS, OTHER
from api.run import scraping
from api.run.serve import scraped
from api.settings import SettingIsWrong, read_settings
from domain.accounts.events import Role
from projections import views
from tests.conftest import Database
from tests.house import Helpr, arrived, founded, free_port, listening_to, running, signed_in

pytestmark = pytest.mark.requirement("R-OPS-1")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
async def helpr(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Helpr]:
    folder = tmp_path_factory.mktemp("keys")
    async with running(module_database, folder, metrics_port=free_port()) as made, scraped(made.house):
        yield made


async def scrape(helpr: Helpr) -> Samples:
    """What Prometheus reads."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{helpr.settings.metrics_port}") as prometheus:
        answer = await prometheus.get("/metrics")
        assert (await prometheus.get("/v1/session")).status_code == 404
        assert (await prometheus.post("/metrics")).status_code == 404
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def figure(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def test_what_happens_is_counted(helpr: Helpr) -> None:
    acme = await founded(helpr, "acme")
    vera = await arrived(helpr, acme)
    before = await scrape(helpr)
    await vera.says("Hello")
    position = (await vera.says("Is anybody there?")).headers["Helpr-Position"]
    amir = await signed_in(helpr, acme, Role.AGENT)
    await amir.get("/v1/conversations", headers={"Helpr-Min-Position": position})
    async with listening_to(helpr, amir):
        after = await scrape(helpr)
    said = {"route": "/widget/v1/conversations/{conversation}/messages", "method": "POST", "status": "201"}
    assert figure(after, "helpr_http_answers_total", **said) == 1
    assert figure(after, "helpr_http_seconds_count", route=said["route"]) == 1
    for name in ("helpr_append_requests_count", "helpr_append_facts_sum", "helpr_append_seconds_sum"):
        assert figure(after, name) > figure(before, name), name
    assert figure(after, "helpr_key_lookups_total", found="at hand") > 0
    assert figure(after, "helpr_memories") > figure(before, "helpr_memories")
    assert figure(after, "helpr_memory_reads_total") > figure(before, "helpr_memory_reads_total")
    assert figure(after, "helpr_key_lookups_total", found="asked for") > 0
    assert (figure(after, "helpr_live_sockets"), figure(before, "helpr_live_sockets")) == (1, 0)
    assert (figure(after, "helpr_append_waiting"), figure(after, "helpr_database_up")) == (0, 1)
    assert figure(after, "process_resident_memory_bytes") > 0
    for view in views.ALL:
        assert figure(after, "helpr_view_lag_facts", view=view.NAME) >= 0
        assert figure(after, "helpr_view_lag_seconds", view=view.NAME) >= 0
        assert figure(after, "helpr_view_parked_streams", view=view.NAME) == 0


@pytest.mark.requirement("R-PRI-2")
async def test_that_nobody_does_what_follows_is_seen(helpr: Helpr, module_database: Database) -> None:
    owner = await asyncpg.connect(module_database.owner)
    await (await arrived(helpr, await founded(helpr, "slow"))).says("Hello")
    [head] = await owner.fetchrow("select max(position) from log.events")
    try:
        await owner.execute("insert into log.reactions values ('nobody does it', $1)", head)
        before = figure(await scrape(helpr), "helpr_reaction_lag_seconds")
        await owner.execute("update log.reactions set position = 0 where name = 'nobody does it'")
        [since] = await owner.fetchrow("select extract(epoch from now() - min(recorded_at)) from log.events")
        after = figure(await scrape(helpr), "helpr_reaction_lag_seconds")
    finally:
        await owner.execute("delete from log.reactions where name = 'nobody does it'")
        await owner.close()
    assert before < float(since) <= after


@pytest.mark.requirement("R-PRI-7")
async def test_no_label_can_say_who_somebody_is(helpr: Helpr, module_database: Database) -> None:
    """Somebody tries: names in paths, in methods, in hosts, and even in the name of a view."""
    anybody = helpr.client()
    personal = "vera.example@kettle.example"
    for path in (f"/{personal}", f"/v1/visitors/{personal}", f"/v1/conversations/{personal}/messages", "/inbox/vera"):
        for method in ("GET", "POST", "PROPFIND"):
            await anybody.request(method, path, headers={"Host": personal, "User-Agent": personal})
    owner = await asyncpg.connect(module_database.owner)
    await owner.execute("insert into views.generations values ($1, 1, 1, 'serving')", personal)
    try:
        samples = await scrape(helpr)
    finally:
        await owner.execute("delete from views.generations where view = $1", personal)
        await owner.close()
    routes = {route.path_format for route in application(helpr.house).routes} | {OTHER}
    allowed: dict[str, Any] = {
        "route": routes.__contains__,
        "method": (METHODS | {OTHER}).__contains__,
        "status": lambda value: value.isdigit() and 100 <= int(value) <= 599,
        "view": {view.NAME for view in views.ALL}.__contains__,
        "found": {"at hand", "asked for"}.__contains__,
        "le": lambda value: float(value) > 0,
    }
    strange = {(label, value) for _, labels in samples for label, value in labels if not allowed[label](value)}
    assert strange == set()
    assert figure(samples, "helpr_http_answers_total", route=OTHER, method=OTHER, status="404") > 0


def test_routes_that_nobody_has_said_are_other() -> None:
    metrics = Metrics()
    metrics.answered("/v1/visitors/vera", "GET", 200, 0.1)
    metrics.watch(["/v1/session"], queue=int, sockets=int, keys=lambda: (0, 0), memories=lambda: (0, 0))
    metrics.answered("/v1/session", "VERA", 99, 0.1)
    counted = {(s.labels["route"], s.labels["method"], s.labels["status"])
               for family in metrics.registry.collect() for s in family.samples
               if s.name == "helpr_http_answers_total"}  # fmt: skip
    assert counted == {("other", "GET", "200"), ("/v1/session", "other", "other")}


async def test_without_the_database_there_are_metrics_without_views(
    helpr: Helpr, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(scraping, "connect", nobody)
    samples = await scrape(helpr)
    assert figure(samples, "helpr_database_up") == 0
    assert [name for name, _ in samples if name.startswith("helpr_view")] == []


async def test_a_port_that_is_taken_keeps_nobody_from_being_served(helpr: Helpr) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, structlog.testing.capture_logs() as said:
        port = taken.getsockname()[1]
        helpr.house.settings, before = read_settings({"HELPR_METRICS_PORT": str(port)}), helpr.house.settings
        try:
            async with scraped(helpr.house):
                assert [line["event"] for line in said] == ["metrics are not served"]
        finally:
            helpr.house.settings = before


def test_metrics_are_served_where_the_operator_says_and_nowhere_else(tmp_path: Path) -> None:
    assert read_settings({}).metrics_port == 0
    settings = read_settings({"HELPR_METRICS_PORT": "9460", "HELPR_DATA": str(tmp_path)})
    assert read_settings(settings.environment()) == settings
    with pytest.raises(SettingIsWrong, match="HELPR_METRICS_PORT"):
        read_settings({"HELPR_METRICS_PORT": "here"})


async def test_the_public_port_has_no_metrics(helpr: Helpr) -> None:
    assert (await helpr.client().get("/metrics")).status_code == 404
