"""The process group: what crashes comes back, what is told to stop is gone."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from infrastructure.processes import GRACE, Child, GroupFailed, ProcessGroup, last_words, leash, rotate
from tests.database.conftest import eventually, running_on

Children = Callable[..., Child]

STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); time.sleep(600)"
ORPHANING = """
left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]])
sys.exit(f'left {left.pid} behind')
"""


@pytest.fixture
def child(data: Path) -> Children:
    """Makes a child of some Python, told of the data folder so that it is found again."""

    def make(program: str, ready: str | Callable[[], bool] | None = None) -> Child:
        command = [sys.executable, "-c", f"import os, signal, subprocess, sys, time\n{program}", str(data)]
        return Child("worker", command, {"COLOUR": "green"}, data / "logs" / "worker.log", ready)

    return make


def looked(group: ProcessGroup) -> ProcessGroup:
    group.look()
    return group


def test_a_child_that_crashes_is_started_again_and_its_last_words_are_told(child: Children, data: Path) -> None:
    said: list[str] = []
    group = ProcessGroup([child("time.sleep(600)")], said=said.append)
    group.start()
    (first,) = running_on(data)
    (data / "logs" / "worker.log").write_text("one\nthe roof is on fire\n")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: looked(group) and running_on(data).keys() - {first})
    group.stop()
    assert said == ["worker stopped with -9, starting it again. Its last words: one / the roof is on fire"]
    assert not running_on(data)


def test_a_child_that_crashes_again_and_again_is_given_more_time_each_time(child: Children) -> None:
    said: list[float] = []
    group = ProcessGroup([child("sys.exit(3)")], said=lambda text: said.append(time.monotonic()))
    group.start()
    eventually(lambda: looked(group) and len(said) == 4)
    group.stop()
    pauses = [later - earlier for earlier, later in pairwise(said)]
    assert pauses[0] > 0.2
    assert pauses[1] > 0.4
    assert pauses[2] > 0.8


def test_what_a_crashed_child_had_started_dies_with_it(child: Children, data: Path) -> None:
    said: list[str] = []
    group = ProcessGroup([child(ORPHANING)], said=said.append)
    group.start()
    eventually(lambda: looked(group) and len(said) == 1)
    assert re.search(r"left \d+ behind", said[0])
    eventually(lambda: not running_on(data))
    group.stop()


def has_stopped(group: ProcessGroup) -> bool:
    """Whether it stops before any grace could be over that is as long as it usually is."""
    stopping = threading.Thread(target=group.stop, daemon=True)
    stopping.start()
    stopping.join(GRACE / 2)
    return not stopping.is_alive()


def test_a_child_that_does_not_stop_is_killed_when_its_grace_is_over(child: Children, data: Path) -> None:
    group = ProcessGroup([child(STUBBORN)], grace=0.3)
    group.start()
    eventually((data / "logs" / "worker.log").read_text)
    assert has_stopped(group)
    assert not running_on(data)


def test_a_second_signal_waits_for_nobody(child: Children, data: Path) -> None:
    group = ProcessGroup([child(STUBBORN)])
    with group.stopping_on_signals():
        group.start()
        eventually((data / "logs" / "worker.log").read_text)
        os.kill(os.getpid(), signal.SIGTERM)
        group.watch()
        os.kill(os.getpid(), signal.SIGTERM)
        assert has_stopped(group)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_child_has_time_to_finish_what_it_does(child: Children, data: Path) -> None:
    finishing = "signal.signal(15, lambda *_: (time.sleep(0.3), print('done', flush=True), sys.exit()))"
    group = ProcessGroup([child(f"{finishing}; print('begun', flush=True); time.sleep(600)")])
    group.start()
    eventually((data / "logs" / "worker.log").read_text)
    group.stop()
    assert last_words(data / "logs" / "worker.log") == "begun / done"


def test_it_is_ready_when_its_address_answers(child: Children) -> None:
    class Door(BaseHTTPRequestHandler):
        status = 503

        def do_GET(self) -> None:
            self.send_response(Door.status)
            self.end_headers()
            Door.status = 200

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Door) as door:
        answering = threading.Thread(target=door.serve_forever)
        answering.start()
        said: list[str] = []
        group = ProcessGroup(
            [child("time.sleep(600)", f"http://127.0.0.1:{door.server_port}/readyz")], said=said.append
        )
        group.start()
        assert group.wait_until_ready(seconds=5)
        group.stop()
        door.shutdown()
        answering.join()
    assert said == ["worker is ready"]


def test_a_child_that_never_gets_ready_is_named_with_its_last_words(child: Children) -> None:
    group = ProcessGroup([child("print('no key', flush=True); time.sleep(600)", lambda: False)])
    group.start()
    with pytest.raises(GroupFailed, match=r"worker does not get ready\. Its last words: no key"):
        group.wait_until_ready(seconds=0.5)
    group.stop()


def test_a_child_gets_its_surroundings_and_the_log_of_its_last_run_is_kept(child: Children, data: Path) -> None:
    log = data / "logs" / "worker.log"
    for _ in range(2):
        group = ProcessGroup([child("print(os.environ['COLOUR'], flush=True); time.sleep(600)")])
        group.start()
        eventually(log.read_text)
        group.stop()
    assert log.read_text() == log.with_name("worker.log.1").read_text() == "green\n"


def test_only_three_old_logs_are_kept(data: Path) -> None:
    log = data / "x.log"
    for number in range(6):
        log.write_text(str(number))
        rotate(log)
    assert {file.name: file.read_text() for file in data.iterdir()} == {"x.log.1": "5", "x.log.2": "4", "x.log.3": "3"}


def test_a_process_that_would_outlive_its_thread_is_not_tied_to_it() -> None:
    refused: list[str] = []

    def tie() -> None:
        try:
            subprocess.Popen(["true"], preexec_fn=leash())
        except RuntimeError as error:
            refused.append(str(error))

    thread = threading.Thread(target=tie)
    thread.start()
    thread.join()
    assert refused == ["Processes that shall die with this one must be started from its main thread."]
