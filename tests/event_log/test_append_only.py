"""Nobody changes the log: not the product, not even the owner of the database by mistake."""

from typing import Any

import asyncpg
import pytest

from infrastructure.database.connections import WORKER, connect
from infrastructure.keys.digests import new_id
from tests.conftest import Database
from tests.event_log.writing import append, request, row

pytestmark = pytest.mark.requirement("R-PRI-1")

CHANGES = ["update log.events set actor_kind = 'nobody'", "delete from log.events", "truncate log.events"]
COMMANDS = ["update log.commands set position = 0", "delete from log.commands", "truncate log.commands"]


async def before(connection: Any) -> None:
    await append(connection, request(row(new_id(), 1)))


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_is_refused_by_a_trigger(change: str, app: Any, owner: Any) -> None:
    await before(app)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the log is append-only"):
        await owner.execute(change)
    assert await owner.fetchval("select actor_kind from log.events") == "agent"


@pytest.mark.parametrize("change", [*CHANGES, *COMMANDS, "alter table log.events disable trigger all"])
async def test_the_product_may_insert_and_nothing_else(change: str, app: Any) -> None:
    await before(app)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"):
        await app.execute(change)


async def test_the_login_of_the_product_owns_nothing_and_is_nobody_by_itself(database: Database) -> None:
    connection = await asyncpg.connect(database.runtime)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from log.events")
    await connection.close()


async def test_a_worker_of_views_only_reads(database: Database) -> None:
    connection = await connect(database.runtime, role=WORKER)
    assert await connection.fetch("select * from log.events") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await append(connection, request(row(new_id(), 1)))
    await connection.close()


async def test_every_unique_key_of_a_tenants_table_begins_with_the_tenant(owner: Any) -> None:
    keys = await owner.fetch(
        """select i.indexrelid::regclass::text, a.attname
        from pg_index i
        join pg_class c on c.oid = i.indrelid and c.relnamespace = 'log'::regnamespace
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indisunique
            and exists (select from pg_attribute t where t.attrelid = i.indrelid and t.attname = 'tenant_id')"""
    )
    assert {"log.events_pkey", "log.commands_pkey"} <= {name for name, _ in keys}
    assert {first for _, first in keys} == {"tenant_id"}
