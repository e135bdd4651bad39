"""The log in pages, for workers that read it all; several views at the same place share a page."""

from collections import OrderedDict
from typing import Any

from psycopg import Connection

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.event_log.reading import COLUMNS, Page, readable, recorded


class LogPages:
    """Pages of at most ``most`` facts. The last few are kept, so that views in step decode each fact once. ``seen`` is
    the last position that anybody was told of."""

    def __init__(self, db: Connection[tuple[Any, ...]], *, most: int = 500) -> None:
        self._db, self.most = db, most
        self._kept: OrderedDict[tuple[int, int], Page] = OrderedDict()
        self.seen = 0

    def head(self) -> int:
        """The last position; 0 when nothing has happened yet."""
        row = self._db.execute("select position from log.events order by position desc limit 1").fetchone()
        self.seen = row[0] if row else 0
        return self.seen

    def between(self, position: int, head: int) -> Page:
        """The facts that follow a position, up to ``head``, oldest first; fewer than ``most`` only when they end."""
        kept = self._kept.get((position, head))
        if kept is not None:
            return kept
        query = f"select {COLUMNS} from log.events where position > %s and position <= %s order by position limit %s"  # noqa: S608
        cursor = self._db.cursor(binary=True)
        page = [readable(row) for row in cursor.execute(query, (position, head, self.most))]
        self._kept[position, head] = page
        if len(self._kept) > 4:
            self._kept.popitem(last=False)
        return page

    def stream(self, tenant: object, kind: str, stream: object, first: int, last: int) -> list[Recorded[Event]]:
        """The facts of one stream between two positions, both included; raises what keeps one from being read."""
        query = f"""select {COLUMNS} from log.events where tenant_id = %s and stream_kind = %s and stream_id = %s
            and position between %s and %s order by version"""  # noqa: S608
        rows = self._db.execute(query, (tenant, kind, stream, first, last))
        return [recorded(row) for row in rows]
