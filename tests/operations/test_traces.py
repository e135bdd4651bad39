"""Traces: off unless somebody wants them; then every part of a request is in its trace, and nobody's data are."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog

from api.settings import SettingIsWrong, read_settings
from infrastructure.keys.digests import new_id
from infrastructure.traces import wanted
from infrastructure.traces.sending import Traces
from infrastructure.traces.wanted import Untraced, tracing
from tests.conftest import Database
from tests.database.conftest import HOUSE
from tests.house import arrived, founded, running
from tests.operations.collecting import Collector, collecting
from tests.operations.conftest import Installation
from tests.operations.processes import started
from tests.operations.test_request_log import ADDRESS, CANARY, MESSAGES, begun, client_of, everything_personal, says

pytestmark = pytest.mark.requirement("R-OPS-1")
COMMAND = "conversations.messaging.start_conversation"


@pytest.mark.requirement("R-PRI-7")
async def test_a_request_is_followed_from_its_answer_to_the_views_and_nobody_is_in_it(
    installation: Installation,
) -> None:
    with collecting() as collector:
        wants = {"HELPR_TRACES_URL": collector.url}
        async with (
            started(installation, "views", **wants),
            started(installation, "api", **wants) as api,
            client_of(api) as client,
        ):
            came = collector.request(await begun(client, installation))
            said = await says(client)
            await everything_personal(client)
            installation.execute("alter table log.events rename to elsewhere")
            failed = collector.request(await says(client))
            installation.execute("alter table log.elsewhere rename to events")
        request = collector.request(said)
        await collector.until(lambda seen: "view batch" in seen.of(request) and seen.of(failed))
    spans = collector.of(request)
    root, command = spans[f"POST {MESSAGES}"], spans[COMMAND]
    assert root.parent == ""
    assert root.attributes == {
        "http.request.method": "POST", "http.route": MESSAGES, "http.response.status_code": 201
    }  # fmt: skip
    [(command_id,)] = installation.execute(
        "select command_id from log.events where position = %s", int(said.headers["Helpr-Position"])
    )
    assert command.attributes == {
        "helpr.command": COMMAND, "helpr.command_id": str(command_id), "helpr.tries": 1,
        "helpr.position": int(said.headers["Helpr-Position"]),
    }  # fmt: skip
    assert {span.parent for name, span in spans.items() if name in (COMMAND, "group commit", "view batch")} == {root.id}
    arrival = collector.of(came)
    assert arrival["key store add"].parent == arrival["visitors.arrival.arrive"].id
    assert arrival["key store add"].attributes == {"helpr.keys.question": "add"}
    for batch, process in (("group commit", "api"), ("view batch", "views")):
        assert (request in spans[batch].links, spans[batch].process) == (True, process)
    assert spans["group commit"].attributes.keys() == {"helpr.batch.commands", "helpr.batch.facts"}
    assert "inbox" in str(collector.named("view batch"))
    broken = collector.of(failed)[f"POST {MESSAGES}"]
    assert (broken.is_error, broken.attributes["error.type"]) == (True, "500")
    assert collector.of(failed)[COMMAND].attributes["error.type"] == "UndefinedTableError"
    assert [span for span in collector.spans if span.events] == []
    whole = b"".join(collector.raw)
    tenants = installation.execute("select distinct tenant_id, actor_id from log.events")
    for secret in (CANARY, CANARY.upper(), ADDRESS, "vera", "Mozilla", "flown", *map(str, tenants[0])):
        assert secret.encode() not in whole, secret


async def test_a_command_of_which_nothing_comes_says_what_kind_of_no_it_was(database: Database, tmp_path: Path) -> None:
    with collecting() as collector:
        async with running(database, tmp_path, traces_url=collector.url) as helpr:
            vera = await arrived(helpr, await founded(helpr, "acme"))
            path = f"/widget/v1/conversations/{uuid4()}/messages"
            answer = await vera.client.post(path, json={"text": CANARY})
            assert answer.status_code == 404
            request = collector.request(answer)
        await collector.until(lambda seen: seen.of(request))
    spans = collector.of(request)
    command = spans["conversations.messaging.send_message"]
    assert command.attributes["helpr.refusal"] == "ConversationIsUnknown"
    assert not any(span.is_error for span in spans.values())


def test_the_same_requests_are_kept_in_every_process() -> None:
    with collecting() as collector:
        few, none, all_ = (
            Traces(collector.url, share=share, process="api", current=lambda: None) for share in (0.1, 0.0, 1.0)
        )
        requests = [new_id() for _ in range(4000)]
        kept = [request for request in requests if few.is_kept(request)]
        again = Traces(collector.url, share=0.1, process="views", current=lambda: None)
        assert 200 < len(kept) < 600
        assert kept == [request for request in requests if again.is_kept(request)]
        assert not any(map(none.is_kept, requests))
        assert all(map(all_.is_kept, requests))
        for traces in (few, none, all_, again):
            with traces.command("a command", requests[0], {}), traces.call("a call", {}):
                pass
            traces.batch("a batch", requests[:3], {}, 0.1)
            traces.stop()
    kept_here = sum(traces.is_kept(requests[0]) for traces in (few, all_, again))
    assert len(collector.named("a command")) == len(collector.named("a call")) == kept_here


def test_nobody_who_does_not_ask_for_traces_loads_or_passes_anything_for_them() -> None:
    """That is what makes them cost nothing: the parts are the parts themselves."""
    nobody = tracing("", share=1.0, process="api", current=lambda: None)
    assert isinstance(nobody, Untraced)
    part: Any = object()
    keeping: list[Any] = [nobody.events, nobody.keys, nobody.answers]
    assert all(keeps(part) is part for keeps in keeping)
    assert nobody.shared is None
    look = "import sys, api.main, api.run.views, api.run.clock; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", look], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_without_the_library_everybody_is_served_and_somebody_is_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in sys.modules if name.startswith("infrastructure.traces.w") and name != wanted.__name__
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "infrastructure.traces.sending", None)
    with structlog.testing.capture_logs() as said:
        async with running(database, tmp_path, traces_url="http://127.0.0.1:1/v1/traces") as helpr:
            assert isinstance(helpr.house.traces, Untraced)
    assert ("traces are not sent", "error") in [(line["event"], line["log_level"]) for line in said]


async def test_a_collector_that_is_away_holds_up_nobody(installation: Installation) -> None:
    """Neither while it runs nor when it stops: the test's own patience with a process is 30 s."""
    wants = {"HELPR_TRACES_URL": "http://127.0.0.1:1/v1/traces"}
    async with started(installation, "api", **wants) as api, client_of(api) as client:
        await begun(client, installation)
        assert (await says(client)).is_success
    assert CANARY not in api.text()
    assert {line.get("logger", "opentelemetry").split(".")[0] for line in api.lines()} <= {"opentelemetry"}


async def test_what_strangers_say_of_traces_is_not_believed(installation: Installation) -> None:
    with collecting() as collector:
        async with started(installation, "api", HELPR_TRACES_URL=collector.url) as api, client_of(api) as client:
            headers = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "baggage": f"name={CANARY}"}
            request = collector.request(await client.get("/healthz", headers=headers))
        await collector.until(lambda seen: seen.of(request))
    assert_not_there(collector, "ab" * 16, "cd" * 8)


def assert_not_there(collector: Collector, *ids: str) -> None:
    """Neither as an id nor as text."""
    whole = b"".join(collector.raw)
    for id in ids:
        assert bytes.fromhex(id) not in whole
        assert id.encode() not in whole


def test_what_an_operator_may_say_of_traces() -> None:
    wants = {"HELPR_TRACES_URL": "https://traces.example/v1/traces", "HELPR_TRACES_SHARE": "0.25", "HELPR_DATA": "/tmp"}
    settings = read_settings(wants)
    assert (settings.traces_url, settings.traces_share) == (wants["HELPR_TRACES_URL"], 0.25)
    assert read_settings(settings.environment()) == settings
    for name, wrong in (
        ("HELPR_TRACES_URL", "collector:4318"), ("HELPR_TRACES_URL", "http://["), ("HELPR_TRACES_SHARE", "1.5"),
        ("HELPR_TRACES_SHARE", "nan"), ("HELPR_TRACES_SHARE", "some"),
    ):  # fmt: skip
        with pytest.raises(SettingIsWrong, match=name):
            read_settings({name: wrong})
