"""Keys never lie where the log lies, whatever name its database goes by."""

import psycopg
import pytest

from infrastructure.keys.postgres_store import KeysBesideLog, PostgresKeyStore
from tests.conftest import Database

pytestmark = pytest.mark.requirement("R-PRI-7")


@pytest.mark.parametrize("login", ["owner", "runtime"])
async def test_a_key_store_does_not_open_in_the_database_of_the_log(database: Database, login: str) -> None:
    """Also for a login that may not see the log."""
    store = PostgresKeyStore(getattr(database, login).replace("127.0.0.1", "localhost"))
    try:
        with pytest.raises(KeysBesideLog, match="a database of their own"):
            await store.open()
    finally:
        await store.close()
    with psycopg.connect(database.owner) as owner:
        assert owner.execute("select to_regclass('scope_keys')").fetchone() == (None,)
