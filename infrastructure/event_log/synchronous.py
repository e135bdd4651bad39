"""log.append for those who work with psycopg: tools, workers and the eventsourcing library."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from infrastructure.event_log.appending import AppendRequest, Outcome, columns, outcomes

OF_REQUESTS = ("uuid", "uuid", "bytea", "uuid", "int", "text", "uuid", "uuid", "uuid")
OF_FACTS = ("int", "text", "uuid", "int", "uuid", "text", "bytea", "bytea")
APPEND = f"select * from log.append({', '.join(f'%b::{kind}[]' for kind in OF_REQUESTS + OF_FACTS)})"  # noqa: S608


def append(connection: Connection[Any], batch: Sequence[AppendRequest]) -> list[Outcome]:
    """Appends a batch in one commit (or in the transaction that is open) and gives the outcome of each request.

    In one batch a stream and a command belong to one request only. Raises psycopg.Error, and then nothing of the batch
    was stored, unless the connection broke: then the same requests may be sent again and get their first outcomes.
    """
    rows = connection.execute(APPEND, columns(batch), prepare=True)
    return outcomes(rows, len(batch))
