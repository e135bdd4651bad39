"""A message through the real API where the log is young, against one where it is old.

Two databases on one PostgreSQL, an API process each; they take turns. What the old log holds more was put there by
plain SQL: rows as log.append writes them, as large, with their commands, in streams of many other organisations.
"""

import asyncio

import psycopg

from api.settings import Settings
from infrastructure.database.embedded import temporary_postgres
from tests.benchmarks.desk import conversations, url
from tests.benchmarks.figures import Figure, Report, show
from tests.benchmarks.load import post
from tests.benchmarks.product import prepared, running, settle

YOUNG, SHORT, FULL = 10_000, 500_000, 10_000_000
AT_ONCE = 250_000
CONNECTIONS = (16, 64)
CONVERSATIONS = 128
EVENTS = """
    insert into log.events (position, tenant_id, stream_kind, stream_id, version, event_id, name, recorded_at,
        actor_kind, actor_id, correlation_id, command_id, data, hash)
    select n, tenant, 'conversation', stream, n %% 8 + 1, any_id::uuid, 'conversations.MessageSent',
        timestamptz '2026-01-01' + n * interval '1 ms', 'visitor', stream, command, command,
        decode(repeat(any_id, 16), 'hex'), decode(any_id || any_id, 'hex')
    from (select n, md5('tenant' || n / 8 %% 500)::uuid as tenant, md5('stream' || n / 8)::uuid as stream,
        md5('command' || n)::uuid as command, md5(n::text) as any_id
        from generate_series(%s::bigint, %s::bigint) n offset 0) as past"""
COMMANDS = """
    insert into log.commands (tenant_id, command_id, fingerprint, made, position, version, recorded_at)
    select md5('tenant' || n / 8 %% 500)::uuid, md5('command' || n)::uuid, decode(repeat(md5(n::text), 2), 'hex'), null,
        n, n %% 8 + 1, timestamptz '2026-01-01' + n * interval '1 ms'
    from generate_series(%s::bigint, %s::bigint) n"""
KEYS = """
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid = any('{log.events,log.commands}'::regclass[]) and contype = 'p'"""
INDEXES = """
    select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
    where indrelid = any('{log.events,log.commands}'::regclass[]) and not indisprimary"""


def main(*, as_json: bool, is_full: bool = False) -> None:
    """Measures and prints."""
    show(measure(FULL if is_full else SHORT), as_json=as_json)


def measure(events: int, *, young: int = YOUNG, rounds: int = 3, seconds: int = 4) -> Report:
    """Lets one log grow old, and asks both for the same."""
    with temporary_postgres() as postgres:
        new, old = prepared(postgres), prepared(postgres, name="old")
        grow(new, young)
        grow(old, events)
        with running(new, "api"), running(old, "api"):
            sides = [(url(each), asyncio.run(conversations(each, CONVERSATIONS))) for each in (old, new)]
            for side in sides:
                post(*side, connections=8, seconds=1)
            figures = []
            for connections in CONNECTIONS:
                rates: list[list[float]] = [[], []]
                for number in range(rounds):
                    for turn in (0, 1) if number % 2 else (1, 0):
                        load = post(*sides[turn], connections=connections, seconds=seconds)
                        rates[turn].append(load.rate)
                what = f"send, {connections} connections"
                figures.append(Figure(what=what, unit="messages/s", ours=rates[0], beside=rates[1], aim="≥ 0.95 x"))
        size = _size(old)
    note = f"The old log takes {size / 2**30:.2f} GiB with its indexes."
    return Report(bench="growth", sides=(f"at {events:,} events", f"at {young:,}"), figures=figures, notes=[note])


def grow(settings: Settings, events: int) -> None:
    """So many events of others, in order. Their indexes are made when all are there, which is faster."""
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        owner.execute("set synchronous_commit = off")
        owner.execute("set maintenance_work_mem = '512MB'")
        keys, indexes = owner.execute(KEYS).fetchall(), owner.execute(INDEXES).fetchall()
        for table, name, _ in keys:
            owner.execute(f"alter table {table} drop constraint {name}".encode())
        for name, _ in indexes:
            owner.execute(f"drop index {name}".encode())
        for start in range(1, events + 1, AT_ONCE):
            portion = (start, min(start + AT_ONCE - 1, events))
            owner.execute(EVENTS, portion)
            owner.execute(COMMANDS, portion)
        for table, name, definition in keys:
            owner.execute(f"alter table {table} add constraint {name} {definition}".encode())
        for _, definition in indexes:
            owner.execute(definition.encode())
        settle(owner)


def _size(settings: Settings) -> int:
    query = "select pg_total_relation_size('log.events') + pg_total_relation_size('log.commands')"
    with psycopg.connect(settings.owner_url) as owner:
        row = owner.execute(query).fetchone()
    return int(row[0]) if row else 0
