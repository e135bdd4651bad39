"""A group of processes that live and die together."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

PR_SET_PDEATHSIG = 1
GRACE = 30.0
"""Seconds that a process has to stop by itself."""
HEALTHY = 10.0
"""A child that ran for so many seconds before it crashed is restarted as if for the first time."""

_libc = ctypes.CDLL(None)


class GroupFailed(Exception):
    """The group did not get ready; the message says which child, and its last words."""


def die_with_parent(by: signal.Signals = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Asks Linux to send this process a signal when its parent dies, however that dies.

    Call it first thing in a process that was started by one of ours, or between fork and exec. ``parent`` is the
    parent's pid (multiprocessing knows it by itself): if that one died before we were tied to it, this process ends
    here. Without it, a process whose parent dies while it still starts would stay.
    """
    _libc.prctl(PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if parent is None and (known := multiprocessing.parent_process()) is not None:
        parent = known.pid
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def leash(by: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A preexec_fn that ties a new process to this one.

    Raises RuntimeError outside the main thread: Linux goes by the *thread* that forked, and threads end early.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Processes that shall die with this one must be started from its main thread.")
    parent = os.getpid()
    return lambda: die_with_parent(by, parent=parent)


def rotate(file: Path, *, keep: int = 3) -> None:
    """Moves a log of an earlier run out of the way: x.log becomes x.log.1, that x.log.2, and so on."""
    for number in range(keep - 1, -1, -1):
        old = file.with_name(f"{file.name}.{number}") if number else file
        if old.exists():
            old.replace(file.with_name(f"{file.name}.{number + 1}"))


def last_words(file: Path, *, lines: int = 5) -> str:
    """The last lines of a log, in one; "(nothing)" if there are none."""
    if not file.exists():
        return "(nothing)"
    with file.open("rb") as text:
        text.seek(max(0, file.stat().st_size - 8192))
        found = text.read().decode(errors="replace").strip().splitlines()
    return " / ".join(found[-lines:]) or "(nothing)"


class Child(msgspec.Struct, frozen=True):
    """A process to keep running, the file its output goes to, and how one sees that it is ready: an URL that answers
    2xx, or a question that answers True."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    output: Path
    ready: str | Callable[[], bool] | None = None


class ProcessGroup:
    """Starts children, restarts those that crash (after 0.2 s, doubling up to 5 s), stops them all in the end.

    When this process dies without stopping them, the children are killed; their own children are to call
    ``die_with_parent`` themselves. ``said`` is told what happens; ``chores`` are done ten times a second.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        said: Callable[[str], None] = lambda text: None,
        chores: Sequence[Callable[[], object]] = (),
        grace: float = GRACE,
    ) -> None:
        self._children, self._said, self._chores, self._grace = children, said, chores, grace
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._since: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._stop, self._hurry = threading.Event(), threading.Event()

    def start(self) -> None:
        """Starts all; their logs of the last run are moved aside."""
        for child in self._children:
            child.output.parent.mkdir(parents=True, exist_ok=True)
            rotate(child.output)
            self._launch(child)

    def wait_until_ready(self, *, seconds: float = 60.0) -> bool:
        """Waits for every child in turn; False if somebody said stop meanwhile.

        Raises GroupFailed when it takes longer.
        """
        deadline = time.monotonic() + seconds
        for child in self._children:
            while not _is_ready(child):
                if self._stop.wait(0.05):
                    return False
                self.look()
                if time.monotonic() > deadline:
                    raise GroupFailed(f"{child.name} does not get ready. Its last words: {last_words(child.output)}")
            self._said(f"{child.name} is ready")
        return True

    def stop_soon(self) -> None:
        """Makes ``watch`` return; said twice, nobody waits for children that linger. May be called from a signal."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def is_stopping(self) -> bool:
        """Whether somebody has said stop."""
        return self._stop.is_set()

    @contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Inside, SIGTERM, SIGINT and SIGHUP say ``stop_soon``."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop_soon()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def watch(self) -> None:
        """Keeps the children running until somebody says stop."""
        while not self._stop.wait(0.1):
            self.look()

    def look(self) -> None:
        """Restarts what has crashed and is due again, and does the chores."""
        for chore in self._chores:
            chore()
        for child in self._children:
            process = self._running.get(child.name)
            if process is not None and _has_ended(process):
                self._bury(child, process)
            elif process is None and time.monotonic() >= self._due.get(child.name, 0):
                self._launch(child)

    def stop(self) -> None:
        """Asks all to stop at once, waits up to 25 s, then kills the rest."""
        self._stop.set()
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        for process in self._running.values():
            while not _has_ended(process) and time.monotonic() < deadline and not self._hurry.is_set():
                time.sleep(0.02)
            _kill_family(process)
        self._running.clear()

    def _launch(self, child: Child) -> None:
        with child.output.open("ab") as out:
            self._running[child.name] = subprocess.Popen(  # noqa: S603
                child.command,
                env={**os.environ, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=leash(),
                start_new_session=True,
            )
        self._since[child.name] = time.monotonic()

    def _bury(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        _kill_family(process)
        del self._running[child.name]
        now = time.monotonic()
        again = now - self._since[child.name] < HEALTHY
        pause = min(self._pauses.get(child.name, 0.1) * 2, 5.0) if again else 0.2
        self._pauses[child.name], self._due[child.name] = pause, now + pause
        last = last_words(child.output)
        self._said(f"{child.name} stopped with {process.returncode}, starting it again. Its last words: {last}")


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Looks without reaping, so that the number of its process group is not given to anybody else yet."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_family(process: subprocess.Popen[bytes]) -> None:
    """Kills a child and whatever it has started and left behind."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_ready(child: Child) -> bool:
    if child.ready is None:
        return True
    if callable(child.ready):
        return child.ready()
    try:
        with urlopen(child.ready, timeout=2) as answer:  # noqa: S310
            return bool(200 <= answer.status < 300)
    except (URLError, OSError):
        return False
