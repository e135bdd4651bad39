"""What a process counts of itself, for Prometheus. Labels come from sets that are known at the start."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from api.request_log import METHODS, OTHER

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
COMMIT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
ANSWER = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Lookups(Collector):
    """How often what is needed was at hand: a scope's key, or else the key store was asked; a stream's memory, or else
    the log was read."""

    def __init__(self) -> None:
        self.looked_up: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.reads: Callable[[], int] = lambda: 0

    def collect(self) -> Iterator[CounterMetricFamily]:
        """A family each."""
        says = "Streams read for a command or a session, because they were not remembered or had moved."
        yield CounterMetricFamily("helpr_memory_reads", says, value=self.reads())
        family = CounterMetricFamily("helpr_key_lookups", "Keys looked up, by where they were.", labels=["found"])
        for found, count in zip(("at hand", "asked for"), self.looked_up(), strict=True):
            family.add_metric([found], count)
        yield family


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = made = CollectorRegistry()
        ProcessCollector(registry=made)
        self._requests = Histogram("helpr_append_requests", "Requests in a commit.", registry=made, buckets=SIZES)
        self._facts = Histogram("helpr_append_facts", "Facts in a commit.", registry=made, buckets=SIZES)
        self._commit = Histogram("helpr_append_seconds", "How long a commit took.", registry=made, buckets=COMMIT)
        self._queue = Gauge("helpr_append_waiting", "Appends without an answer yet.", registry=made)
        self._sockets = Gauge("helpr_live_sockets", "Live connections.", registry=made)
        self._memories = Gauge("helpr_memories", "Streams that are remembered.", registry=made)
        self._lookups = Lookups()
        made.register(self._lookups)
        self._answers = Counter(
            "helpr_http_answers", "Answers by route and status.", ["route", "method", "status"], registry=made
        )
        self._seconds = Histogram(
            "helpr_http_seconds", "From a request to the head of its answer.", ["route"], registry=made, buckets=ANSWER
        )
        self._routes: frozenset[str] = frozenset()
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def watch(
        self,
        routes: Iterable[str],
        *,
        queue: Callable[[], int],
        sockets: Callable[[], int],
        keys: Callable[[], tuple[int, int]],
        memories: Callable[[], tuple[int, int]],
    ) -> None:
        """What else there is to see of a process that answers on these routes: ``keys`` found at hand and asked for,
        ``memories`` kept and read anew."""
        self._routes = frozenset(routes)
        self._queue.set_function(queue)
        self._sockets.set_function(sockets)
        self._memories.set_function(lambda: memories()[0])
        self._lookups.looked_up, self._lookups.reads = keys, lambda: memories()[1]

    def written(self, requests: int, facts: int, seconds: float) -> None:
        """A commit of the log."""
        self._requests.observe(requests)
        self._facts.observe(facts)
        self._commit.observe(seconds)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """An answer; ``route`` is a template, and whatever else it may be is "other"."""
        known = self._known.get((route, method, status))
        if known is None:
            known = self._of(route, method, status)
        known[0].inc()
        known[1].observe(seconds)

    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        route = route if route in self._routes else OTHER
        method = method if method in METHODS else OTHER
        label = str(status) if 100 <= status <= 599 else OTHER
        found = self._answers.labels(route, method, label), self._seconds.labels(route)
        if route != OTHER and method != OTHER:
            self._known[route, method, status] = found
        return found
