"""Load from a process of its own: connections that post one message after the other, each under a key of its own, or
read one page after the other.

By wrk (Debian has it) where it is found, since it takes least from what is measured; else by lines of our own.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from uuid import uuid4

import msgspec
import uvloop

from api.run.demo.line import Line
from infrastructure.processes import die_with_parent

WORDS = b'{"text": "Thank you, that works! One more question: does the lid of the large one fit the medium pot too?"}'
SCRIPT = """
local targets, n = {%s}, 0
function request()
  n = n + 1
  local target = targets[n %% #targets + 1]
  target[2]["Idempotency-Key"] = "%s-" .. n
  return wrk.format("%s", target[1], target[2], '%s')
end
function done(summary, latency)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.stderr:write(string.format('{"requests": %%d, "seconds": %%f, "refused": %%d, "p50": %%f, "p95": %%f, "p99": %%f}',
    summary.requests, summary.duration / 1e6, summary.errors.status + lost,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Target(msgspec.Struct, frozen=True):
    """Where somebody posts or reads, and what they show."""

    path: str
    headers: dict[str, str]


class Load(msgspec.Struct, frozen=True):
    """What came of it; latencies in milliseconds."""

    requests: int
    seconds: float
    refused: int
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second; fails when one was refused, for then something else was measured."""
        assert not self.refused, f"{self.refused} of {self.requests} requests were refused"
        return self.requests / self.seconds


def client() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "lines of our own"


def post(url: str, targets: Sequence[Target], *, connections: int, seconds: int) -> Load:
    """So many connections for so long, each target in turn."""
    return _load("POST", url, targets, connections, seconds)


def get(url: str, targets: Sequence[Target], *, connections: int, seconds: int) -> Load:
    """The same, reading."""
    return _load("GET", url, targets, connections, seconds)


def _load(method: str, url: str, targets: Sequence[Target], connections: int, seconds: int) -> Load:
    if shutil.which("wrk"):
        return _by_wrk(method, url, targets, connections, seconds)
    wanted = msgspec.json.encode((method, url, connections, seconds, targets))
    done = subprocess.run([sys.executable, "-m", __name__], input=wanted, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Load)


def _by_wrk(method: str, url: str, targets: Sequence[Target], connections: int, seconds: int) -> Load:
    rows = ", ".join(f'{{"{target.path}", {_table(target.headers)}}}' for target in targets)
    with NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT % (rows, uuid4().hex, method, WORDS.decode() if method == "POST" else ""))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"-s{script.name}", url]
        said = subprocess.run(command, capture_output=True, check=True).stderr
    return msgspec.json.decode(said, type=Load)


def _table(headers: dict[str, str]) -> str:
    known = {"Content-Type": "application/json", **headers}
    return "{" + ", ".join(f'["{name}"] = "{value}"' for name, value in known.items()) + "}"


async def _by_lines(method: str, url: str, connections: int, seconds: float, targets: Sequence[Target]) -> Load:
    content = msgspec.Raw(WORDS) if method == "POST" else None
    run, end = uuid4().hex, time.perf_counter() + seconds
    taken: list[float] = []
    refused = 0

    async def talk(number: int) -> None:
        nonlocal refused
        line = await Line.to(url)
        turn = number
        while (before := time.perf_counter()) < end:
            target = targets[turn % len(targets)]
            headers = target.headers | {"idempotency-key": f"{run}-{turn}"}
            answer = await line.ask(method, target.path, headers, content)
            taken.append(time.perf_counter() - before)
            refused += answer.status >= 300
            turn += connections
        line.close()

    started = time.perf_counter()
    await asyncio.gather(*map(talk, range(connections)))
    lasted = time.perf_counter() - started
    taken.sort()
    quantiles = [taken[len(taken) * percent // 100] * 1000 for percent in (50, 95, 99)]
    return Load(len(taken), lasted, refused, *quantiles)


if __name__ == "__main__":
    die_with_parent()
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, str, int, float, list[Target]])
    sys.stdout.write(msgspec.json.encode(uvloop.run(_by_lines(*wanted))).decode())
