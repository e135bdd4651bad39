"""Processes of a Helpr as an operator starts them, and what they say."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import msgspec

from tests.database.conftest import HOUSE
from tests.operations.conftest import Installation


class Process(msgspec.Struct):
    """One that runs; what it has said is in a file."""

    popen: subprocess.Popen[bytes]
    output: Path
    url: str

    def text(self) -> str:
        return self.output.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """What it has said, line by line; of the last one no more than is whole."""
        whole = self.text().rpartition("\n")[0]
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in whole.splitlines()]

    async def until_said(self, event: str, **more: Any) -> dict[str, Any]:
        """The last such line, as soon as there is one."""
        for _ in range(1000):
            said = [line for line in self.lines() if line["event"] == event and more.items() <= line.items()]
            if said:
                return said[-1]
            await asyncio.sleep(0.02)
        raise AssertionError(self.text())


@asynccontextmanager
async def started(installation: Installation, name: str, **others: str) -> AsyncIterator[Process]:
    """``helpr run NAME``; an API is waited for until it is ready. Stopped afterwards, as one stops it."""
    output = installation.data / f"{name}.said"
    surroundings = os.environ | installation.environment | others
    with output.open("wb") as out:
        process = Process(_popen(name, surroundings, out), output, f"http://127.0.0.1:{surroundings['HELPR_PORT']}")
        try:
            if name == "api":
                await _until_ready(process)
            yield process
        finally:
            process.popen.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.popen.wait, 30) == 0, process.text()


def _popen(name: str, surroundings: dict[str, str], out: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "api.cli", "run", name]
    return subprocess.Popen(words, cwd=HOUSE, env=surroundings, stdout=out, stderr=out)


async def _until_ready(process: Process) -> None:
    async with httpx.AsyncClient(base_url=process.url) as anybody:
        for _ in range(1000):
            try:
                if (await anybody.get("/readyz")).is_success:
                    return
            except httpx.HTTPError:
                assert process.popen.poll() is None, process.text()
            await asyncio.sleep(0.02)
    raise AssertionError(process.text())
