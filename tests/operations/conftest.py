"""An installation that has lived for a while: a database, keys, and what an operator says of them in variables."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from api.run.doctor.examining import examine
from api.run.doctor.finding import Finding
from domain.accounts.events import Role
from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.views.worker import run_worker
from projections import views
from tests.conftest import Database, fresh_database
from tests.house import Helpr, Visitor, arrived, founded, free_port, running, signed_in

SECRET_WORDS = "My parcel went to Wellington Road"


class Installation(msgspec.Struct):
    """``environment`` is what the operator has set; ``owner`` may do everything in the database."""

    data: Path
    owner: str
    environment: dict[str, str]

    def findings(self, check: str = "", **others: str) -> list[Finding]:
        """What the doctor says, of one check or of everything."""
        found = examine(self.environment | others)
        return [finding for finding in found if finding.check == check] if check else found

    def execute(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the owner, past the trigger that keeps the log as it is."""
        with psycopg.connect(self.owner, autocommit=True) as db:
            db.execute("set session_replication_role = replica")
            cursor = db.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="package")
async def lived(cluster: EmbeddedPostgres) -> AsyncIterator[Installation]:
    """An organisation, a visitor who has written and an agent who has answered; views in step; nothing runs now."""
    data = Path(mkdtemp(prefix="helpr-"))
    with fresh_database(cluster) as database:
        async with running(database, data) as helpr:
            acme = await founded(helpr, "acme")
            vera = await arrived(helpr, acme)
            position = (await vera.says(SECRET_WORDS)).headers["Helpr-Position"]
            amir = await signed_in(helpr, acme, Role.AGENT)
            victor = await arrived(helpr, acme)
            await victor.says("Forget me")
            await _forgotten(helpr, await signed_in(helpr, acme, Role.COMPLIANCE), victor)
            inbox = await amir.get("/v1/conversations", headers={"Helpr-Min-Position": position})
            assert inbox.status_code == 200
        _catch_up(database)
        yield Installation(data, database.owner, _environment(database, data))
    shutil.rmtree(data)


@pytest.fixture
def installation(lived: Installation, cluster: EmbeddedPostgres) -> Iterator[Installation]:
    """A copy that one may damage."""
    data = Path(mkdtemp(prefix="helpr-"))
    shutil.copytree(lived.data, data, dirs_exist_ok=True)
    template = lived.owner.rsplit("/", 1)[1]
    with fresh_database(cluster, template=template) as database:
        yield Installation(data, database.owner, _environment(database, data))
    shutil.rmtree(data)


async def _forgotten(helpr: Helpr, cora: httpx.AsyncClient, visitor: Visitor) -> None:
    """The visitor's keys are destroyed, and that is proved."""
    path = f"/v1/visitors/{visitor.id}/erasure"
    answer = await cora.post(path, json={"reason": "requested"}, headers={"Idempotency-Key": str(visitor.id)})
    assert answer.is_success, answer.text
    proved = "select 1 from log.events where name = 'compliance.ErasureProved'"
    for _ in range(500):
        if await helpr.house.pool.fetchval(proved):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody was forgotten")


def _environment(database: Database, data: Path) -> dict[str, str]:
    return {
        "HELPR_DATA": str(data),
        "HELPR_DATABASE_URL": database.runtime,
        "HELPR_DATABASE_OWNER_URL": database.owner,
        "HELPR_PORT": str(free_port()),
    }


def _catch_up(database: Database) -> None:
    """Until every view stands at the end of the log."""
    behind = "select 1 from views.checkpoints where position < (select max(position) from log.events) limit 1"
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(database.runtime, views.ALL), kwargs={"stop": stop})
    worker.start()
    with psycopg.connect(database.owner, autocommit=True) as owner:
        while owner.execute(behind).fetchone():
            stop.wait(0.05)
    stop.set()
    worker.join()
