"""``helpr up --demo``, started, stopped and killed as people and machines do it."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.settings import DEMO
from projections import views
from tests.benchmarks.product import family
from tests.database.conftest import running_on
from tests.demo.conftest import Up, helpr

Starts = Callable[..., Up]


@pytest.fixture(scope="module")
def running(up: Starts) -> Up:
    """The first start: everything is made, and the inbox is filled."""
    return up()


def test_it_says_where_to_go_and_as_whom_and_what_to_do_next(running: Up) -> None:
    ready, filled = running.printed.index("Helpr is ready"), running.printed.index("The inbox holds 40 conversations")
    assert ready < running.printed.index(f"{running.url}/demo") < running.printed.index("olga@kettle.example") < filled
    assert running.printed.rstrip().endswith("Ctrl-C stops it; nothing is lost.")


@pytest.mark.requirement("R-OPS-3")
def test_the_shop_the_console_and_the_inbox_are_there(running: Up) -> None:
    for path in ("/healthz", "/readyz", "/v1/openapi.json", "/", "/widget.js"):
        assert httpx.get(running.url + path, timeout=30).status_code == 200, path
    assert str(DEMO) in httpx.get(f"{running.url}/demo", timeout=30, follow_redirects=True).text
    counts = running.counts()
    assert counts["open"] + counts["resolved"] == 40
    assert 0 < counts["unassigned"] < counts["open"] < counts["resolved"]


def test_views_are_shown_built_anew_and_replayed_while_it_runs(running: Up) -> None:
    data = ("--data", str(running.data))
    before = json.loads(helpr("views", "status", "--json", *data).stdout)
    assert {view["view"] for view in before} == {view.NAME for view in views.ALL}
    built = helpr("views", "rebuild", "inbox", *data)
    assert (built.returncode, built.stdout) == (0, "The views were built anew and serve.\n"), built.stderr
    after = {view["view"]: view for view in json.loads(helpr("views", "status", "--json", *data).stdout)}
    generation = {view["view"]: view["generation"] for view in before}
    assert after["inbox"]["generation"] > generation["inbox"]
    assert after["thread"]["generation"] == generation["thread"]
    assert "inbox" in helpr("views", "status", *data).stdout
    assert "inbox        0 streams" in helpr("views", "replay", *data).stdout
    assert sum(running.counts()[folder] for folder in ("open", "resolved")) == 40


def test_where_there_is_too_much_to_do_views_wait_for_writers(running: Up) -> None:
    patience = {}
    for pid in family(running.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
        if words[-2:-1] == ["run"]:
            patience[words[-1]] = os.getpriority(os.PRIO_PROCESS, pid)
    assert patience.keys() == {"api", "views", "clock"}
    assert patience["views"] > patience["api"] == patience["clock"]


def test_a_second_one_on_the_same_folder_or_port_says_what_is_wrong(running: Up, tmp_path: Path) -> None:
    again = helpr("up", "--data", str(running.data), "--port", "0")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "already running" in again.stderr
    port = running.url.rsplit(":", 1)[1]
    taken = helpr("up", "--data", str(tmp_path), "--port", port)
    assert (taken.returncode, taken.stderr) == (
        1,
        f"Something else listens on 127.0.0.1:{port}. Use another port: helpr up --port {int(port) + 1}\n",
    )


@pytest.mark.requirement("R-OPS-2")
def test_what_is_stopped_or_killed_leaves_no_process_and_loses_nothing(running: Up, up: Starts) -> None:
    """Every kind of end after every kind of start; the inbox is not filled again."""
    counts = running.counts()
    assert running.signal(signal.SIGTERM) == 0
    for end, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)):
        started = up()
        assert "The inbox holds" not in started.printed
        assert started.counts() == counts
        assert started.signal(end) == code
        assert not running_on(started.data)


def test_where_nothing_can_be_kept_or_nothing_runs_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = helpr("up", "--data", str(tmp_path / "file" / "data"))
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert "cannot keep data" in nowhere.stderr
    silent = helpr("views", "status", "--data", str(tmp_path))
    assert (silent.returncode, silent.stderr.count("\n")) == (1, 1)
    assert "No Helpr runs" in silent.stderr
