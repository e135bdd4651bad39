"""Two API processes are restarted one after the other while people go on: nobody notices."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import pytest
import websockets
from msgspec.structs import replace

from api.live import RESTARTING
from api.settings import Settings
from domain.accounts.events import Role
from infrastructure.processes import leash
from tests.conftest import Database
from tests.faults.balancer import balanced
from tests.house import Helpr, Visitor, arrived, founded, free_port, running, signed_in

pytestmark = [pytest.mark.requirement("R-OPS-2"), pytest.mark.requirement("R-CON-1")]
WRITERS, LISTENERS = 16, 6
REFUSED = 0
"""What is noted where nobody listens."""


class Process:
    """An API process, and what its readyz has said, one after the other, each once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.said: list[int] = []
        self._started: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins it; it is not ready yet."""
        environment = {**os.environ, **self.settings.environment()}
        command = [sys.executable, "-m", "api.cli", "run", "api"]
        self._started = subprocess.Popen(command, env=environment, preexec_fn=leash(), cwd=Path(__file__).parents[2])

    async def stop(self) -> int:
        """As whoever restarts it does; how it ended."""
        assert self._started is not None
        self._started.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._started.wait, 40)

    async def until(self, status: int) -> None:
        """Waits until readyz says this."""
        async with asyncio.timeout(60):
            while (found := await self.ready()) != status:
                self._note(found)
                await asyncio.sleep(0.01)
            self._note(status)

    def _note(self, found: int) -> None:
        if self.said[-1:] != [found]:
            self.said.append(found)

    async def ready(self) -> int:
        """What readyz says to somebody new, REFUSED where nobody listens."""
        try:
            async with httpx.AsyncClient() as anybody:
                return (await anybody.get(f"http://127.0.0.1:{self.settings.port}/readyz")).status_code
        except httpx.ConnectError:
            return REFUSED

    def kill(self) -> None:
        """Whatever comes, nothing is left running."""
        if self._started is not None:
            self._started.kill()
            self._started.wait()


class Heard(msgspec.Struct):
    """Somebody who listens to one conversation, and comes back whenever they are let go."""

    sequence: int = 0
    texts: list[str] = []
    gaps: int = 0
    codes: Counter[int] = msgspec.field(default_factory=Counter)


@asynccontextmanager
async def two(helpr: Helpr) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes of the product beside this one, ready."""
    both = tuple(Process(replace(helpr.settings, port=free_port(), metrics_port=0)) for _ in range(2))
    try:
        for process in both:
            process.start()
        for process in both:
            await process.until(200)
        yield both  # type: ignore[misc]
    finally:
        for process in both:
            process.kill()


@pytest.mark.parametrize(
    ("rate", "restarts"), [(50, 1), pytest.param(200, 10, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_nobody_notices_a_rolling_restart(
    database: Database, tmp_path_factory: pytest.TempPathFactory, rate: int, restarts: int
) -> None:
    async with running(database, tmp_path_factory.mktemp("helpr")) as helpr, two(helpr) as both:
        kettle = await founded(helpr, "kettle")
        vera = await arrived(helpr, kettle)
        await vera.says("Hello")
        agents = [
            await signed_in(helpr, kettle, role) for role in (Role.OWNER, Role.AGENT) for _ in range(WRITERS // 2)
        ]
        listeners = [Heard(sequence=2) for _ in range(LISTENERS)]
        async with balanced([process.settings.port for process in both]) as door:
            url, stop = f"http://127.0.0.1:{door.port}", asyncio.Event()
            async with asyncio.TaskGroup() as busy:
                writing = [busy.create_task(write(url, agent, vera, WRITERS / rate, stop)) for agent in agents]
                for heard in listeners:
                    busy.create_task(listen(url, agents[0], vera, heard, stop))
                try:
                    await asyncio.sleep(1)
                    for process in [*both] * restarts:
                        await restart(process)
                finally:
                    stop.set()
        written = [text for each in writing for text in each.result()]
        stored = await texts(agents[0], vera, await helpr.house.reader.head())
    assert sorted(stored) == sorted(["Hello", *written])
    for heard in listeners:
        assert (sorted(heard.texts), heard.gaps) == (sorted(written), 0)
        assert heard.codes.keys() <= {RESTARTING}
    assert sum(heard.codes[RESTARTING] for heard in listeners) >= LISTENERS * restarts


async def restart(process: Process) -> None:
    """Ends it properly and begins it again. It says that it is not ready before nobody is there."""
    process.said.clear()
    await process.until(200)
    watching = asyncio.create_task(process.until(REFUSED))
    assert await process.stop() == 0
    await watching
    assert process.said == [200, 503, REFUSED]
    process.start()
    await process.until(200)
    await asyncio.sleep(0.3)


async def write(url: str, agent: httpx.AsyncClient, vera: Visitor, pause: float, stop: asyncio.Event) -> list[str]:
    """Writes and reads on one connection as long as it is kept; whatever fails, fails the test. The texts."""
    written: list[str] = []
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
    path = f"/v1/conversations/{vera.conversation}"
    async with httpx.AsyncClient(
        base_url=url, cookies=agent.cookies, headers={"Helpr-Request": "console"}, limits=limits, timeout=30
    ) as client:
        due = time.monotonic()
        while not stop.is_set():
            text = f"{id(agent)}-{len(written)}"
            answer = await client.post(f"{path}/messages", json={"text": text})
            assert answer.status_code == 201, answer.text
            written.append(text)
            due += pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    return written


async def listen(url: str, agent: httpx.AsyncClient, vera: Visitor, heard: Heard, stop: asyncio.Event) -> None:
    """Watches from where it was, again and again, until everything was heard."""
    while True:
        token = (await agent.post("/v1/session/live-token")).json()["token"]
        async with websockets.connect(url.replace("http", "ws") + "/v1/live") as socket:
            with suppress(websockets.ConnectionClosed):
                await socket.send(json.dumps({"type": "hello", "token": token}))
                watch = {"type": "watch", "conversation": str(vera.conversation), "after": heard.sequence}
                await socket.send(json.dumps(watch))
                while await hear(socket, heard, stop):
                    pass
                return
            heard.codes[socket.close_code or 0] += 1


async def hear(socket: websockets.ClientConnection, heard: Heard, stop: asyncio.Event) -> bool:
    """One frame; False when nothing comes any more after the end."""
    try:
        async with asyncio.timeout(2):
            frame = json.loads(await socket.recv())
    except TimeoutError:
        return not stop.is_set()
    if frame["type"] == "change":
        change = frame["change"]
        heard.gaps += change["sequence"] != heard.sequence + 1
        heard.sequence = change["sequence"]
        if change["text"]:
            heard.texts.append(change["text"])
    return True


async def texts(agent: httpx.AsyncClient, vera: Visitor, head: int) -> list[str]:
    """What was said in the conversation up to this position."""
    found: list[str] = []
    after, has_more = 1, True
    while has_more:
        path = f"/v1/conversations/{vera.conversation}/changes?after={after}&limit=200"
        answer = await agent.get(path, headers={"Helpr-Min-Position": str(head)})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [change["text"] for change in page["changes"] if change["text"]]
        after, has_more = page["changes"][-1]["sequence"], page["has_more"]
    return found
