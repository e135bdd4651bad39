"""``helpr migrate``: brings a database that somebody else keeps to this version."""

import psycopg

from api.run.owning import DatabaseIsAway
from api.run.terminal import console, progress
from api.settings import Settings, login_of
from infrastructure.database.migrations import migrate
from projections import views


def bring_up(settings: Settings) -> int:
    """Says what was done. Doing it again does nothing.

    Raises DatabaseIsAway, DatabaseIsTooOld, SchemaIsForeign, OwnerMayNot.
    """
    try:
        with progress() as moved:
            done = migrate(
                settings.owner_url,
                views.ALL,
                runtime_login=login_of(settings.database_url),
                progress=moved,
                waiting=lambda: console.print("Another helpr is at it; waiting until it is through.", style="dim"),
            )
    except psycopg.OperationalError:
        raise DatabaseIsAway("The database does not answer. Ask: helpr doctor") from None
    for name in done:
        console.print(f"  {'built' if name.startswith('view ') else 'applied'} {name}")
    if done:
        console.print("The database is of this version now. Start or restart:")
        console.print("  helpr run api, helpr run views, helpr run clock")
    else:
        console.print("The database is of this version already; nothing was done.")
    return 0
