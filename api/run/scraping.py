"""What Prometheus is told when it asks a process: its own counters, how the views are, and what follows from facts."""

import asyncio
from collections.abc import Iterator, Sequence

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.main import House
from api.shell import Message, Receive, Scope, Send
from infrastructure.database.connections import APP, WORKER, connect
from infrastructure.database.lost import AWAY
from infrastructure.views.status import QUERY, ViewStatus
from projections import views

log = structlog.get_logger()
FAMILIES = {
    "helpr_view_lag_facts": ("Facts that a view has not folded yet.", "lag"),
    "helpr_view_lag_seconds": ("Since when a view misses a fact.", "seconds"),
    "helpr_view_parked_streams": ("Streams that could not be folded.", "parked"),
}
REACTIONS = """select coalesce(max(extract(epoch from clock_timestamp() - e.recorded_at)), 0)::float8
    from log.reactions r join log.events e on e.position = r.position + 1"""
REACTION_LAG = "helpr_reaction_lag_seconds"


class ViewLags(Collector):
    """How the serving views are, and since when a reaction has not looked at a fact, as it was seen last; nothing while
    the database is away."""

    def __init__(self) -> None:
        self.seen: Sequence[ViewStatus] | None = None
        self.reactions = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a figure, one line a view that this version knows."""
        yield GaugeMetricFamily("helpr_database_up", "Whether the database answers.", value=self.seen is not None)
        if self.seen is not None:
            yield GaugeMetricFamily(
                REACTION_LAG, "Since when what follows from a fact waits to be done.", value=self.reactions
            )
        names = {view.NAME for view in views.ALL}
        serving = [line for line in self.seen or () if line.state == "serving" and line.view in names]
        for name, (says, field) in FAMILIES.items():
            family = GaugeMetricFamily(name, says, labels=["view"])
            for line in serving:
                family.add_metric([line.view], getattr(line, field))
            yield family


class Scraping:
    """An ASGI application that answers GET /metrics, and nothing else."""

    def __init__(self, house: House) -> None:
        self._house, self._lags = house, ViewLags()
        self._looking = asyncio.Lock()
        house.metrics.registry.register(self._lags)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] != "/metrics" or scope["method"] != "GET":
            await _answer(send, 404, b"", b"text/plain")
            return
        async with self._looking:
            self._lags.seen = await self._look()
            body = generate_latest(self._house.metrics.registry)
        await _answer(send, 200, body, CONTENT_TYPE_LATEST.encode())

    async def _look(self) -> list[ViewStatus] | None:
        """By a connection of its own, so that whoever watches us waits for nobody and nobody waits for them."""
        try:
            connection = await connect(self._house.settings.database_url, role=WORKER)
        except AWAY as error:
            log.warning("metrics come without the views", error=type(error).__name__)
            return None
        try:
            seen = [ViewStatus(*row) for row in await connection.fetch(QUERY)]
            await connection.execute(f"set role {APP}")
            self._lags.reactions = await connection.fetchval(REACTIONS)
            return seen
        except AWAY as error:
            log.warning("metrics come without the views", error=type(error).__name__)
            return None
        finally:
            connection.terminate()


async def _answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    start: Message = {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
