"""Requests as bytes on a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.api.routes import Route, World


def raw(world: World, route: Route, body: bytes, *, length: str, version: str = "1.1") -> bytes:
    """A request as its bytes; ``length`` is how the body says where it ends, with other headers if need be."""
    asked = world.good(route)
    query = "&".join(f"{name}={value}" for name, value in asked["params"].items())
    client = world.client(route)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    lines = [
        f"{route.method} {asked['url']}?{query} HTTP/{version}", "Host: helpr.example", "Helpr-Request: console",
        "Content-Type: application/json", f"Cookie: {cookies}",
        f"Authorization: {client.headers.get('Authorization', '')}", length,
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def said(world: World, content: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which this was said, cut at the end."""
    address = urlsplit(world.helpr.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(content)
    await writer.drain()
    yield reader
    writer.transport.abort()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """The status line of the next answer, its headers and its body."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).rstrip().split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    assert len(headers) == len(lines), "no header is said twice"
    return status, headers, await reader.readexactly(int(headers[b"content-length"]))
