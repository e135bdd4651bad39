"""The log that grows by plain SQL is the product's own: as large a one, with the same keys and indexes."""

import psycopg

from infrastructure.database.embedded import temporary_postgres
from tests.benchmarks.growth import INDEXES, KEYS, grow
from tests.benchmarks.product import prepared


def test_a_log_that_has_grown_has_the_keys_and_indexes_that_it_had() -> None:
    with temporary_postgres() as postgres:
        settings = prepared(postgres)
        with psycopg.connect(settings.owner_url, autocommit=True) as owner:
            before = [sorted(owner.execute(query).fetchall()) for query in (KEYS, INDEXES)]
            grow(settings, 1_000)
            assert [sorted(owner.execute(query).fetchall()) for query in (KEYS, INDEXES)] == before
            assert all(before)
            query = "select count(*), max(position), count(distinct (tenant_id, command_id)) from log.events"
            assert owner.execute(query).fetchone() == (1_000, 1_000, 1_000)
