"""Other processes to talk with, a line at a time."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).parents[2]


class Process:
    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def end(self) -> str:
        """Waits until it has ended well; gives what it still had to say."""
        rest, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, rest
        return rest

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def talking(module: str, *arguments: object) -> Iterator[Process]:
    """A process that has said that it is ready; it does not outlive the talk."""
    process = Process(module, *arguments)
    try:
        said = process.hear()
        assert said == "ready", said
        yield process
    finally:
        process.kill()
