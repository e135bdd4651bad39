"""Who takes traces: a receiver that reads the real wire format, OTLP over HTTP in protobuf."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx
import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Seen(msgspec.Struct):
    """A span as it came over the wire."""

    name: str
    trace: UUID
    id: str
    parent: str
    attributes: dict[str, Any]
    links: list[UUID]
    is_error: bool
    seconds: float
    process: str
    events: int


class Collector(msgspec.Struct):
    """What has come so far; ``raw`` is every byte of it, headers too."""

    url: str
    raw: list[bytes] = []
    spans: list[Seen] = []

    def request(self, answer: httpx.Response) -> UUID:
        """The id of the request that was answered so."""
        return UUID(answer.headers["helpr-request-id"])

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def of(self, trace: UUID) -> dict[str, Seen]:
        """The spans of a request, by name."""
        return {span.name: span for span in self.spans if span.trace == trace}

    async def until(self, is_it: Callable[["Collector"], Any]) -> None:
        """Until this holds; spans come in their time."""
        for _ in range(1500):
            if is_it(self):
                return
            await asyncio.sleep(0.02)
        raise AssertionError([(span.process, span.name, span.attributes) for span in self.spans])


@contextmanager
def collecting() -> Iterator[Collector]:
    """A receiver on this machine."""

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            found.raw.append(f"{self.path} {self.headers}".encode() + body)
            asked = ExportTraceServiceRequest.FromString(body)
            found.spans += [span for resource in asked.resource_spans for span in _spans(resource)]
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Takes) as server:
        found = Collector(f"http://127.0.0.1:{server.server_address[1]}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def _spans(resource: Any) -> Iterator[Seen]:
    about = _attributes(resource.resource)
    for scope in resource.scope_spans:
        for span in scope.spans:
            yield Seen(
                name=span.name,
                trace=UUID(bytes=span.trace_id),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes=_attributes(span),
                links=[UUID(bytes=link.trace_id) for link in span.links],
                is_error=span.status.code == 2,
                seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                process=about["helpr.process"],
                events=len(span.events),
            )


def _attributes(thing: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in thing.attributes}
