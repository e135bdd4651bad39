"""The pages people open: console, widget, demo shop, description of the API. Built by Vite, served as they are."""

from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from api.settings import DIST, Settings

OPEN: dict[str, Any] = {"audience": "everybody"}
KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
}
FOREVER = "public, max-age=31536000, immutable"
MISSING = "The pages are not built. Run: uv sync --reinstall-package helpr\n"
EMBED = b"ORGANISATION-ID"


@get(
    ["/", "/inbox", "/people", "/privacy", "/reports", "/sign-in", "/inbox/{rest:path}", "/people/{rest:path}",
     "/privacy/{rest:path}", "/reports/{rest:path}"],
    opt=OPEN, include_in_schema=False, sync_to_thread=False,
)  # fmt: skip
def console() -> Response[bytes]:
    """The agents' console; it finds its own way from the path."""
    return _file(DIST / "console" / "index.html")


@get("/assets/{name:path}", opt=OPEN, include_in_schema=False, sync_to_thread=False)
def assets(name: FromPath[str]) -> Response[bytes]:
    """Scripts and styles, whose names change with their contents."""
    return _within(DIST / "console" / "assets", name, cache=FOREVER)


@get("/widget.js", opt=OPEN, include_in_schema=False, sync_to_thread=False)
def widget() -> Response[bytes]:
    """What a site embeds."""
    return _file(DIST / "widget" / "widget.js", cache="public, max-age=300")


@get(["/demo", "/demo/{name:path}"], opt=OPEN, include_in_schema=False, sync_to_thread=False)
def demo(settings: NamedDependency[Settings], name: FromPath[str] = "") -> Response[bytes]:
    """A shop that does not exist, with the widget of the demo's organisation."""
    if not settings.is_demo:
        raise NotFoundException
    if name.strip("/"):
        return _within(DIST / "demo", name)
    return _file(DIST / "demo" / "index.html", embed=str(settings.demo_organisation).encode())


@get(["/docs", "/docs/{name:path}"], opt=OPEN, include_in_schema=False, sync_to_thread=False)
def docs(name: FromPath[str] = "") -> Response[bytes]:
    """The API, described from its own OpenAPI file."""
    return _within(DIST / "docs", name) if name.strip("/") else _file(DIST / "docs" / "index.html")


def _within(folder: Path, name: str, *, cache: str = "no-cache") -> Response[bytes]:
    try:
        file = (folder / name.lstrip("/")).resolve()
        is_there = file.is_relative_to(folder.resolve()) and file.is_file()
    except (OSError, ValueError):
        # No name of a file: too long, or with a null in it.
        raise NotFoundException from None
    if not is_there:
        raise NotFoundException
    return _file(file, cache=cache)


def _file(file: Path, *, cache: str = "no-cache", embed: bytes = b"") -> Response[bytes]:
    if not file.is_file():
        return Response(MISSING.encode(), status_code=503, media_type="text/plain")
    content = file.read_bytes()
    if embed:
        content = content.replace(EMBED, embed)
    kind = KINDS.get(file.suffix, "application/octet-stream")
    return Response(content, media_type=kind, headers={"Cache-Control": cache})


ROUTES = (console, assets, widget, demo, docs)
