"""Spans and where they go: OpenTelemetry's SDK, by OTLP over HTTP, from a thread of its own.

A request's id *is* the id of its trace, and half of it that of its span. So whoever meets the id in the log of facts,
in whatever process and however much later, knows to which trace its work belongs, and nothing is carried along for it.
Attributes are names of our own and numbers; no exception is recorded, for its words may hold what somebody wrote.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from domain.shared.refusal import Refusal

Attributes = Mapping[str, str | int | float]
CHANCE = (1 << 62) - 1
"""The last 62 bits of an id, which are random in every version of UUID that we draw or derive."""
MOST_LINKS = 128
NEVER = Context()
"""No parent."""


class Ids(RandomIdGenerator):
    """Draws ids, unless one was planned."""

    def __init__(self) -> None:
        self.planned: SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.planned.trace_id if self.planned else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.planned.span_id if self.planned else super().generate_span_id()


class Traces:
    """Of this ``share`` of requests everything is traced, in every process, and of the others nothing."""

    def __init__(self, url: str, *, share: float, process: str, current: Callable[[], UUID | None]) -> None:
        self._bound, self._current, self._ids = share * (CHANCE + 1), current, Ids()
        self._inside: ContextVar[SpanContext | None] = ContextVar("inside", default=None)
        # Made by hand: what the SDK finds out by itself are names of machines, users and command lines.
        about = Resource({"service.name": "helpr", "service.version": version("helpr"), "helpr.process": process})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=about, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=5)))
        self._tracer = self._provider.get_tracer("helpr")

    def is_kept(self, request: UUID) -> bool:
        """Whether a request is one of those that are traced; the same everywhere."""
        return (request.int & CHANCE) < self._bound

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """The span of the request for which we work, which is over."""
        request = self._current()
        if request is None or not self.is_kept(request):
            return
        said: Attributes = {
            "http.request.method": method, "http.route": route, "http.response.status_code": status
        }  # fmt: skip
        self._ids.planned = _root(request)
        try:
            span = self._past(f"{method} {route}".strip(), NEVER, said, seconds, kind=SpanKind.SERVER)
        finally:
            self._ids.planned = None
        _end(span, "" if status < 500 else str(status))

    def batch(self, name: str, requests: Iterable[UUID], said: Attributes, seconds: float) -> None:
        """The span of work that was done for many at once and is over: it belongs to the first of them that is traced
        and is linked to all."""
        kept = [request for request in dict.fromkeys(requests) if self.is_kept(request)]
        if kept:
            links = [Link(_root(request)) for request in kept[:MOST_LINKS]]
            _end(self._past(name, _below(_root(kept[0])), said, seconds, links=links))

    @contextmanager
    def command(self, name: str, request: UUID, said: Attributes) -> Iterator[Callable[[str, str | int], None]]:
        """The span of a command; it gives what notes more of it. What is done inside lies below it."""
        if not self.is_kept(request):
            yield _note_nothing
            return
        with self._living(name, _root(request), said) as span:
            before = self._inside.set(span.get_span_context())
            try:
                yield span.set_attribute
            finally:
                self._inside.reset(before)

    @contextmanager
    def call(self, name: str, said: Attributes) -> Iterator[None]:
        """The span of a call to a part of the house, below the command or the request for which it is made."""
        parent, request = self._inside.get(), self._current()
        if parent is None and request is not None and self.is_kept(request):
            parent = _root(request)
        if parent is None:
            yield
            return
        with self._living(name, parent, said, SpanKind.CLIENT):
            yield

    def stop(self) -> None:
        """Sends what is left; what nobody takes within seconds is dropped."""
        self._provider.shutdown()

    @contextmanager
    def _living(
        self, name: str, parent: SpanContext, said: Attributes, kind: SpanKind = SpanKind.INTERNAL
    ) -> Iterator[Span]:
        span = self._tracer.start_span(name, _below(parent), kind=kind, attributes=said, record_exception=False)
        error = ""
        try:
            yield span
        except Refusal as no:
            span.set_attribute("helpr.refusal", type(no).__name__)
            raise
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            _end(span, error)

    def _past(
        self,
        name: str,
        parent: Context,
        said: Attributes,
        seconds: float,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        links: list[Link] | None = None,
    ) -> Span:
        begun = time.time_ns() - int(seconds * 1e9)
        return self._tracer.start_span(name, parent, kind=kind, attributes=said, links=links, start_time=begun)


def _root(request: UUID) -> SpanContext:
    """The span of a request."""
    return SpanContext(request.int, request.int & ((1 << 64) - 1), is_remote=True, trace_flags=TraceFlags(1))


def _below(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), NEVER)


def _end(span: Span, error: str = "") -> None:
    """Of an error the kind is told."""
    if error:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def _note_nothing(_name: str, _value: str | int) -> None: ...
