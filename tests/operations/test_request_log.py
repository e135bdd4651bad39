"""What is logged: enough to follow a request through the house, and nothing of what people are or say."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from api.request_log import CURRENT, SLOW, RequestLog, with_ids
from api.run.logs import MOST, Flood
from api.settings import SettingIsWrong, read_settings
from tests.operations.conftest import Installation
from tests.operations.processes import Process, started

pytestmark = pytest.mark.requirement("R-OPS-1")
CANARY = "zqmeise5"
ADDRESS = "203.0.113.77"
HEADERS = {"User-Agent": f"Mozilla {CANARY}", "X-Forwarded-For": ADDRESS, "Referer": f"https://{CANARY}.example"}
MESSAGES = "/widget/v1/conversations"


def client_of(api: Process) -> httpx.AsyncClient:
    """A browser that tells much of whoever uses it."""
    return httpx.AsyncClient(base_url=api.url, headers=HEADERS, timeout=20)


async def begun(client: httpx.AsyncClient, installation: Installation) -> httpx.Response:
    """A visitor of the one organisation there is."""
    [(tenant,)] = installation.execute("select distinct tenant_id from log.events where stream_kind = 'conversation'")
    page = {"url": f"https://shop.example/?q={CANARY}", "referrer": f"https://{CANARY}.example"}
    answer = await client.post("/widget/v1/session", json={"organisation": str(tenant), "page": page})
    assert answer.status_code == 201, answer.text
    client.headers["Authorization"] = f"Bearer {tenant}.{answer.json()['visitor']}.{answer.json()['secret']}"
    return answer


async def says(client: httpx.AsyncClient) -> httpx.Response:
    key = {"Idempotency-Key": f"{CANARY} {uuid4()}"}
    return await client.post(MESSAGES, json={"text": f"My {CANARY} has flown"}, headers=key)


async def everything_personal(client: httpx.AsyncClient) -> None:
    """Whatever one may try to get into a log: in paths, queries, headers, methods, bodies, broken or not."""
    identity = {"name": CANARY, "email": f"vera@{CANARY}.example", "phone": "+43 5512093847"}
    assert (await client.put("/widget/v1/visitor", json=identity)).is_success
    for path in (f"/{CANARY}", f"/v1/visitors/{CANARY}", f"/v1/visitors?after={CANARY}", f"/inbox/{CANARY}"):
        for method in ("GET", "POST", CANARY.upper()):
            await client.request(method, path, content=f'{{"text": "{CANARY}')
    sign_in = {"email": f"amir@{CANARY}.example", "password": CANARY}
    assert (await client.post("/v1/session", json=sign_in)).status_code == 401


@pytest.mark.requirement("R-PRI-7")
async def test_a_request_can_be_followed_by_its_ids_and_nobody_is_in_the_log(installation: Installation) -> None:
    async with started(installation, "api", HELPR_LOG_EVERY="1", HELPR_LOG_LEVEL="debug") as api:
        async with client_of(api) as client:
            await begun(client, installation)
            said = await says(client)
            request = said.headers["helpr-request-id"]
            line = await api.until_said("a request", request=request)
            await everything_personal(client)
            installation.execute("alter table log.events rename to elsewhere")
            failed = await says(client)
            assert failed.status_code == 500, failed.text
            request_of_failed = failed.headers["helpr-request-id"]
            broken = await api.until_said("broken", request=request_of_failed)
            about_it = await api.until_said("a request failed", request=request_of_failed)
            installation.execute("alter table log.elsewhere rename to events")
        text, lines = api.text(), api.lines()
    [(command, correlation)] = installation.execute(
        "select command_id, correlation_id from log.events where position = %s", int(said.headers["Helpr-Position"])
    )
    about = {"route": MESSAGES, "method": "POST", "status": 201, "level": "info"}
    ids = {"request": request, "command": str(command), "correlation": str(correlation)}
    assert line.items() >= (about | ids).items()
    assert request == str(correlation)
    entering = [each for each in lines if each.get("route") == "/v1/session" and "status" in each]
    assert {each["correlation"] == each["request"] != each["command"] for each in entering} == {True}
    assert 0 < line["seconds"] < 60
    assert (broken["level"], broken["route"], broken["command"]) == ("error", MESSAGES, about_it["command"])
    assert (about_it["level"], about_it["status"]) == ("warning", 500)
    for secret in (CANARY, CANARY.upper(), ADDRESS, "vera", "5512093847", "Mozilla", "flown"):
        assert secret not in text, secret


async def test_lines_of_requests_that_run_at_once_are_not_mixed_up(installation: Installation) -> None:
    async with started(installation, "api", HELPR_LOG_EVERY="1") as api, client_of(api) as client:
        await begun(client, installation)
        answers = await asyncio.gather(*(says(client) for _ in range(20)), *(client.get("/nope") for _ in range(20)))
        for answer in answers:
            line = await api.until_said("a request", request=answer.headers["helpr-request-id"])
            assert line["status"] == answer.status_code
            assert ("command" in line) == answer.is_success


async def test_of_what_went_well_and_fast_nothing_is_said(installation: Installation) -> None:
    async with started(installation, "api") as api, client_of(api) as client:
        await begun(client, installation)
        assert (await says(client)).is_success
        assert (await client.get("/nope")).status_code == 404
    assert [line for line in api.lines() if "request" in line] == []


async def test_lines_of_a_view_worker_say_which_view_and_where(installation: Installation) -> None:
    """Of a fact that nobody can read, too: it stands in the log, and its stream waits."""
    [(head,)] = installation.execute("select max(position) from log.events")
    installation.execute(
        """insert into log.events select %s, tenant_id, stream_kind, stream_id, version + 1, event_id, name,
        schema_version, recorded_at, actor_kind, actor_id, correlation_id, causation_id, command_id, metadata,
        'nonsense', hash from log.events where name = 'conversations.MessageSent' order by position desc limit 1""",
        head + 1,
    )
    async with started(installation, "views", HELPR_LOG_LEVEL="debug") as worker:
        parked = await worker.until_said("a stream is parked", view="inbox")
        folded = await worker.until_said("folded", position=head + 1)
    assert (parked["position"], parked["level"], folded["level"]) == (head + 1, "error", "debug")
    assert "inbox" in folded["views"]
    assert "nonsense" not in worker.text()


def test_slow_ones_are_said_and_of_the_others_one_in_so_many() -> None:
    counted: list[tuple[Any, ...]] = []
    log = RequestLog(3, lambda *answer: counted.append(answer))
    with structlog.testing.capture_logs() as said:
        for seconds in (SLOW, *[0.001] * 7):
            log.answered("/v1/session", "VERA", 200, seconds)
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("a request was slow", "warning"), ("a request", "info"), ("a request", "info")
    ]  # fmt: skip
    assert {line["method"] for line in said} == {"other"}
    assert len(counted) == 8


def test_a_line_outside_of_any_request_has_no_ids() -> None:
    assert with_ids(None, "info", {"event": "hello"}) == {"event": "hello"}
    before = CURRENT.set({"type": "http"})
    try:
        assert with_ids(None, "info", {"event": "hello"}) == {"event": "hello", "request": None, "route": ""}
    finally:
        CURRENT.reset(before)


def test_when_all_have_the_same_to_say_some_do_and_the_others_are_counted() -> None:
    now = [100.0]
    flood = Flood(clock=lambda: now[0])

    def say(event: str = "a part is away", level: str = "warning") -> dict[str, Any] | None:
        try:
            return dict(flood(None, level, {"event": event}))
        except structlog.DropEvent:
            return None

    assert sum(say() is not None for _ in range(1000)) == MOST
    assert say("broken", "error") == {"event": "broken"}
    assert all(say("a request", "info") for _ in range(1000))
    now[0] += 1
    assert say() == {"event": "a part is away", "unsaid": 1000 - MOST}
    assert say() == {"event": "a part is away"}


SAYS = (
    "import structlog; from api.run.logs import log_to_stderr; log_to_stderr('warning'); log = structlog.get_logger(); "
)
WORDS = "log.info('quiet'); log.warning('views are away', retry_in=0.1, odd=ValueError('zqmeise5'), command=None)"


def test_a_terminal_gets_columns_and_everybody_else_json() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", SAYS + WORDS]
    subprocess.run(command, stderr=theirs, check=True, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert "\x1b[" in shown
    assert "views are away" in shown
    done = subprocess.run(command, capture_output=True, check=True)
    line = json.loads(done.stderr)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "views are away", "level": "warning", "retry_in": 0.1, "odd": "ValueError", "command": None
    }  # fmt: skip
    assert "zqmeise5" not in shown + done.stderr.decode()


def test_what_an_operator_may_say_of_logs() -> None:
    settings = read_settings({"HELPR_LOG_EVERY": "100", "HELPR_LOG_LEVEL": "WARNING", "HELPR_DATA": "/tmp"})
    assert (settings.log_every, settings.log_level) == (100, "warning")
    assert read_settings(settings.environment()) == settings
    for name, wrong in (("HELPR_LOG_EVERY", "often"), ("HELPR_LOG_LEVEL", "loud")):
        with pytest.raises(SettingIsWrong, match=name):
            read_settings({name: wrong})
