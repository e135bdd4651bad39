"""The API does what its description says, to whoever asks: schemathesis asks, with every check it has, and goes on from
what was made to what can be asked of it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.description import AGENT, EXAMPLES
from api.main import description
from api.rate_limits import LIMITS
from application.accounts.registration import Join, join
from application.ports import Asked
from domain.accounts.events import Role
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.keys.digests import new_id
from tests.conftest import Database
from tests.house import Helpr, founded, running

pytestmark = pytest.mark.requirement("R-OPS-1")
ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("contract.toml").read_text()
FEW = 100
OPERATIONS = {
    f"{method.upper()} {path}": operation["operationId"]
    for path, operations in description()["paths"].items()
    for method, operation in operations.items()
}
SELDOM = {"exportTrail", "markRead", "markMineRead", "assign"}
"""What only finds what was made before, at a place that nobody guesses in a few tries."""
NEVER = {"readMoment"}
"""What wants a moment after the beginning, which nobody guesses."""


class Who(StrEnum):
    """Whoever asks: an agent and a visitor at their doors, or somebody at none."""

    EVERYBODY = "everybody"
    NOBODY = "nobody"


class Answers(msgspec.Struct, frozen=True):
    """What schemathesis said in the end, and which statuses each operation gave."""

    code: int
    words: str
    statuses: dict[str, set[int]]


@pytest.fixture
async def helpr(
    database: Database, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Helpr]:
    """A Helpr that knows whomever the description's examples name, and has patience."""
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, 10**9)
    async with running(database, tmp_path_factory.mktemp("helpr")) as started:
        organisation = await founded(started, "kettle", id=UUID(EXAMPLES["beginWidgetSession"]["organisation"]))
        await _hire(started, OrganisationId(organisation.id))
        yield started


async def _hire(helpr: Helpr, organisation: OrganisationId) -> None:
    command, house = new_id(), helpr.house
    actor = Actor(ActorKind.SYSTEM, organisation)
    asked = Asked(tenant=organisation, actor=actor, command=command, fingerprint=b"", correlation=command)
    amir = Join(
        agent=AgentId(UUID(AGENT)), organisation=organisation, role=Role.OWNER, name="Amir", **EXAMPLES["signIn"]
    )
    await join(amir, asked=asked, events=house.events, keyring=house.keyring, passwords=house.passwords)


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("examples", [2, pytest.param(200, marks=pytest.mark.soak)])
async def test_schemathesis_finds_nothing(helpr: Helpr, tmp_path: Path, who: Who, examples: int) -> None:
    answers = await asked_by_schemathesis(helpr, tmp_path, who, examples)
    assert answers.code == 0, answers.words[answers.words.find("FAILURES") :]
    assert answers.statuses.keys() >= OPERATIONS.keys()
    behind_doors = {name for name in OPERATIONS if name.split(" ")[1].startswith(("/v1/", "/widget/"))}
    went_well = {OPERATIONS[name] for name in behind_doors if any(s < 300 for s in answers.statuses[name])}
    if who is Who.NOBODY:
        assert went_well == {"signIn", "beginWidgetSession"}
    else:
        assert {OPERATIONS[name] for name in behind_doors} - went_well <= NEVER | (SELDOM if examples < FEW else set())


async def asked_by_schemathesis(helpr: Helpr, folder: Path, who: Who, examples: int) -> Answers:
    """So many examples of each operation and four times as many ways from one to the next, always the same ones."""
    report, config = folder / "report.ndjson", folder / "contract.toml"
    config.write_text(CONFIG.replace("max-examples = 8", f"max-examples = {4 * examples}"))
    phases = "examples,coverage" if who is Who.NOBODY and examples < FEW else "examples,coverage,fuzzing,stateful"
    program = Path(sys.executable).with_name("schemathesis")
    process = await asyncio.create_subprocess_exec(
        program, "--config-file", config, "run", f"{helpr.url}/v1/openapi.json", "--no-color",
        "--checks", "all", "--continue-on-failure", "--max-examples", str(examples), "--phases", phases,
        "--generation-deterministic", "--report-ndjson-path", report,
        env=os.environ | {
            "SCHEMATHESIS_HOOKS": "tests.faults.asker", "PYTHONPATH": str(ROOT), "ASKED_URL": helpr.url,
            "ASKED_AS": who,
        },
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    try:
        words, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Answers(process.returncode or 0, words.decode(), _statuses(report))


def _statuses(report: Path) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for line in report.read_text().splitlines() if report.exists() else ():
        recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
        for id, said in recorder.get("interactions", {}).items():
            if answer := said.get("response"):
                case = recorder["cases"][id]["value"]
                found.setdefault(f"{case['method']} {case['path']}", set()).add(answer["status_code"])
    return found
