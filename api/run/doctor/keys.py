"""The doctor's look at the keys: there, private, and those of this very database."""

from collections import defaultdict
from typing import Any
from uuid import UUID

import psycopg

from api.main import key_store, root_key
from api.run.doctor.finding import Finding, look, ok, wrong
from api.run.doctor.machine import is_readable
from api.settings import Settings, local
from domain.compliance.events import KeysDestroyed
from domain.shared.event import Event, Sealed
from infrastructure.event_log import looking
from infrastructure.event_log.reading import COLUMNS
from infrastructure.keys.keyring import CELL, MASTER, TenantKeyring
from infrastructure.keys.marks import marks_of
from infrastructure.keys.postgres_store import LOG_IS_HERE, KeysBesideLog
from infrastructure.keys.record import Tampered
from infrastructure.keys.root_key import KeysUnavailable, RootKey
from infrastructure.keys.store import KeyStore
from infrastructure.keys.tenant_keys import TenantKeys
from infrastructure.keys.wrapping import unwrap

Db = psycopg.Connection[tuple[Any, ...]]
SAMPLE = 200
"""So many of the last facts with personal fields are tried."""
RESTORE = "Put back the backup that belongs to this database; never start without it (docs/operations.md)."
OLDER = "The key store is older than the database: put back its newest backup, then helpr doctor again."

AGAIN = "Restart: whatever starts destroys them again before anybody is answered (docs/operations.md)."


async def examine(settings: Settings, db: Db | None) -> list[Finding]:
    """Root key, key store, and whether they open what the log holds; without a database no more than themselves."""
    has_facts = (
        db is not None and _is_made(db) and db.execute("select 1 from log.events limit 1").fetchone() is not None
    )
    store_there, found = _store_there(settings.keys_url, has_facts)
    if not store_there:
        return [found]
    root, about_root = _root(settings.kms_url)
    if root is None:
        return [found, about_root]
    store = key_store(settings.keys_url)
    try:
        await store.open()
        return [
            *await _store(store, root, has_facts, about_root),
            *await _match(store, root, db if has_facts else None),
        ]
    except KeysUnavailable as error:
        return [wrong("key store", str(error), "Mend HELPR_KEYS_URL, or what it names. " + RESTORE)]
    finally:
        await store.close()


def _store_there(url: str, has_facts: bool) -> tuple[bool, Finding]:
    """Whether the store was ever made: looking must not make one."""
    file = local(url)
    if file is not None:
        is_made = file.exists() and file.stat().st_size > 0
        if is_made and not is_readable(file):
            return False, wrong("key store", f"This user may not read {file}.", "Run as the user who owns it.")
        if is_made and file.stat().st_mode & 0o077:
            return False, look("key store", "Not opened while others can read it.", "Mend that first.")
    else:
        try:
            with psycopg.connect(url, connect_timeout=3) as keys:
                if keys.execute(LOG_IS_HERE).fetchone():
                    return False, wrong("key store", str(KeysBesideLog()), "Mend HELPR_KEYS_URL.")
                is_made = bool(keys.execute("select 1 from pg_class where relname = 'scope_keys'").fetchone())
        except psycopg.Error:
            return False, wrong("key store", "It does not answer.", "Start it, or mend HELPR_KEYS_URL.")
    if is_made:
        return True, ok("key store", "It is there.")
    if has_facts:
        return False, wrong("key store", "There is none, and the log holds facts.", RESTORE)
    return False, look("key store", "There is none yet.", "The first helpr up makes it.")


def _root(url: str) -> tuple[RootKey | None, Finding]:
    """The root key; never made here, for another one would open nothing."""
    file = local(url)
    if file is not None and not file.exists():
        return None, wrong("root key", f"{file} is not there, and there are keys that it wrapped.", RESTORE)
    try:
        return root_key(url), ok("root key", "It unwraps the keys of this store.")
    except KeysUnavailable as error:
        return None, wrong("root key", str(error), "Then: helpr doctor")
    except OSError:
        return None, wrong("root key", f"This user may not read {file}.", "Run as the user who owns it.")
    except (ValueError, TypeError, ImportError):
        return None, wrong("root key", "HELPR_KMS_URL names no root key.", "file:///path or aws-kms:///alias/name")


async def _store(store: KeyStore, root: RootKey, has_facts: bool, about_root: Finding) -> list[Finding]:
    """The cell's master key, from which blind indexes and tokens derive theirs."""
    keys, master = await store.tenant_keys(CELL), await store.find([(CELL, MASTER)])
    if not keys or not master or master[0].wrapped is None:
        if has_facts:
            return [wrong("key store", "The cell's master key is not in it.", RESTORE)]
        return [look("key store", "It is empty.", "The first helpr up fills it.")]
    try:
        outer = await TenantKeys(root, store).of_epoch(CELL, master[0].epoch)
        unwrap(outer, master[0].wrapped, CELL, MASTER, master[0].generation)
    except KeysUnavailable as error:
        return [wrong("root key", str(error), "The KMS is away, or root key and key store do not match. " + RESTORE)]
    except Tampered:
        return [wrong("key store", "The cell's master key was changed.", RESTORE)]
    return [about_root, ok("key store", "It has the cell's master key.")]


async def _match(store: KeyStore, root: RootKey, db: Db | None) -> list[Finding]:
    """Whether the keys are those of this database."""
    if db is None:
        return []
    having = set(await store.tenants())
    without = [t for t in looking.tenants(db) if t not in having and _sealed(db, most=SAMPLE, tenant=t)]
    if without:
        return [wrong("keys", f"{len(without)} organisations of this log have no keys in the store.", RESTORE)]
    if again := await _keys_again(store, db):
        return [wrong("keys", f"{again} people who were forgotten have keys again.", AGAIN)]
    tried, keyring = 0, TenantKeyring(root, store)
    for tenant, sealed in _sealed(db, most=SAMPLE).items():
        try:
            tried += len(await keyring.open(tenant, sealed))
        except Tampered:
            return [wrong("keys", "They do not open what this log holds.", OLDER)]
        except KeysUnavailable as error:
            return [wrong("keys", str(error), RESTORE)]
    return [ok("keys", f"They are those of this database; {tried} fields tried.")]


async def _keys_again(store: KeyStore, db: Db) -> int:
    """How many keys that were destroyed are there again, because the store was put back from before."""
    query = f"select {COLUMNS} from log.events where name = %s"  # noqa: S608
    facts = [(row[1], looking.fact(row)) for row in db.execute(query, (KeysDestroyed.NAME,))]
    gone = [(tenant, f"subject:{fact.subject}") for tenant, fact in facts if isinstance(fact, KeysDestroyed)]
    pages = [await store.find(gone[start : start + 500]) for start in range(0, len(gone), 500)]
    return sum(key.wrapped is not None for page in pages for key in page)


def _sealed(db: Db, *, most: int, tenant: UUID | None = None) -> dict[UUID, list[Sealed]]:
    """The last facts' sealed fields, by tenant."""
    personal = [name for name, kind in Event.named.items() if marks_of(kind).personal]
    which = "tenant_id = %s" if tenant else "%s::uuid is null"
    order = "" if tenant else "order by position desc"
    query = f"select {COLUMNS} from log.events where name = any(%s) and {which} {order} limit %s"  # noqa: S608
    found = defaultdict[UUID, list[Sealed]](list)
    for row in db.execute(query, (personal, tenant, most)):
        if fact := looking.fact(row):
            values = (getattr(fact, name) for name in fact.__struct_fields__)
            found[row[1]] += [value for value in values if isinstance(value, Sealed)]
    return {owner: sealed for owner, sealed in found.items() if sealed}


def _is_made(db: Db) -> bool:
    row = db.execute("select to_regclass('log.events') is not null").fetchone()
    return bool(row and row[0])
