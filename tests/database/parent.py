"""A small product: PostgreSQL, a child, and a child of that child. Run by the tests as a process of its own."""

import sys
from pathlib import Path

from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.processes import Child, ProcessGroup

GRANDCHILD = """
import sys, time
from infrastructure.processes import die_with_parent
die_with_parent(parent=int(sys.argv[2]))
time.sleep(600)
"""
CHILD = f"""
import os, pathlib, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}, sys.argv[1], str(os.getpid())])
pathlib.Path(sys.argv[1], "run", "begun").touch()
time.sleep(600)
"""


def run(data: Path) -> None:
    """Runs until it is told to stop."""
    with EmbeddedPostgres(data) as postgres:
        begun = data / "run" / "begun"
        begun.unlink(missing_ok=True)
        child = Child("child", [sys.executable, "-c", CHILD, str(data)], {}, data / "logs" / "child.log", begun.exists)
        group = ProcessGroup([child], chores=[postgres.revive])
        with group.stopping_on_signals():
            group.start()
            try:
                group.wait_until_ready()
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                group.watch()
            finally:
                group.stop()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
