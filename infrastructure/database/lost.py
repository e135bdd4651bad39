"""How it shows that a connection is no more."""

import asyncpg

LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError)
"""What asyncpg raises on a connection that broke, timed out or was ended by the server. An InternalClientError is one
of these: a connection that was ended between two questions may answer "another operation is in progress"."""
AWAY = (*LOST, asyncpg.PostgresError)
"""The same, and whatever PostgreSQL itself refuses: for what is only tried again later."""
