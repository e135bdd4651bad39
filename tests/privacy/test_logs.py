"""Logs of our processes hold kinds and ids, never words."""

import json
import subprocess
import sys

import pytest

MISTAKES = """
import asyncio, logging
from api.run.logs import log_to_stderr
log_to_stderr()
async def fails():
    raise ValueError("somebody@example.org wrote this")
async def main():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
logging.getLogger("library").error("said %s", "somebody@example.org", exc_info=KeyError("somebody@example.org"))
asyncio.run(main())
"""


@pytest.mark.requirement("R-PRI-7")
def test_a_mistake_is_noted_without_its_words() -> None:
    """Neither what a library says, nor what nobody waited for."""
    done = subprocess.run([sys.executable, "-c", MISTAKES], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["level"], line["logger"], line["error"]) for line in lines] == [
        ("error", "library", "KeyError"), ("error", "asyncio", "ValueError")
    ]  # fmt: skip
    assert "somebody" not in done.stderr
