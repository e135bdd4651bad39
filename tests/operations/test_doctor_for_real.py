"""The doctor before real ills: an old server, a killed one, a held lock, a full disk, a folder of somebody else's."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import msgspec
import psycopg
import pytest

from api.run.doctor import machine
from api.run.doctor.finding import Finding, Verdict
from api.settings import Settings, read_settings
from infrastructure.database.embedded import EmbeddedPostgres
from tests.database.conftest import HOUSE
from tests.operations.collecting import collecting
from tests.operations.conftest import Installation
from tests.operations.test_doctor import of
from tests.operations.test_log import command

pytestmark = pytest.mark.requirement("R-OPS-3")
NOBODY = 65534


@contextmanager
def old_server() -> Iterator[str]:
    """A PostgreSQL 14 as far as anybody sees who connects: the real protocol, up to the first query."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        stop = threading.Event()
        thread = threading.Thread(target=_greet, args=(listening, stop))
        thread.start()
        try:
            yield f"postgresql://helpr:hush@127.0.0.1:{listening.getsockname()[1]}/helpr"
        finally:
            stop.set()
            thread.join()


def _greet(listening: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            peer, _ = listening.accept()
        except TimeoutError:
            continue
        with peer:
            peer.settimeout(5)
            while _wants_encryption(peer):
                peer.sendall(b"N")
            settings = {"server_version": "14.9", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
            peer.sendall(_message(b"R", struct.pack("!i", 0)))
            for name, value in settings.items():
                peer.sendall(_message(b"S", f"{name}\0{value}\0".encode()))
            peer.sendall(_message(b"Z", b"I"))
            peer.recv(4096)


def _wants_encryption(peer: socket.socket) -> bool:
    size, code = struct.unpack("!ii", peer.recv(8, socket.MSG_WAITALL))
    peer.recv(size - 8, socket.MSG_WAITALL) if size > 8 else None
    return size == 8 and code in (80877103, 80877104)


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def test_a_server_that_is_too_old_is_named_and_nothing_is_made_in_it(installation: Installation) -> None:
    with old_server() as dsn:
        said = of(installation, "database", HELPR_DATABASE_OWNER_URL=dsn, HELPR_DATABASE_URL=dsn)
        installation.environment |= {"HELPR_DATABASE_OWNER_URL": dsn, "HELPR_DATABASE_URL": dsn}
        done = command(installation, "migrate")
    assert "PostgreSQL 14.9 answers. It is too old" in said
    assert "Helpr needs PostgreSQL 15 or newer" in said
    assert (done.returncode, done.stderr) == (1, "This is PostgreSQL 14. Helpr needs PostgreSQL 15 or newer.\n")


START = """
import sys, time
from pathlib import Path
from infrastructure.database.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
postgres.start()
print(postgres.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.requirement("R-OPS-2")
def test_a_postgres_that_was_killed_with_its_helpr_is_seen_and_recovers() -> None:
    """Its lock file is there still, and the folder's lock died with its process."""
    data = Path(mkdtemp(prefix="helpr-"))
    data.chmod(0o711)
    words = [sys.executable, "-c", START, str(data)]
    with subprocess.Popen(words, cwd=HOUSE, stdout=subprocess.PIPE, text=True) as helpr:
        assert helpr.stdout is not None
        postgres = int(helpr.stdout.readline())
        there = Installation(data, "", {"HELPR_DATA": str(data), "HELPR_PORT": "1"})
        assert [f.verdict for f in there.findings("running")] == [Verdict.WRONG]
        assert "nothing answers on" in of(there, "running")
        os.kill(postgres, signal.SIGKILL)
        helpr.kill()
    assert (data / "postgres" / "postmaster.pid").exists()
    assert "A PostgreSQL was killed here" in of(there, "running", Verdict.LOOK)
    assert "Not looked at" in of(there, "database", Verdict.LOOK)
    with EmbeddedPostgres(data) as again, psycopg.connect(again.owner_dsn) as owner:
        assert owner.execute("select 1").fetchone() == (1,)
    assert "Nothing runs" in of(there, "running", Verdict.LOOK)
    shutil.rmtree(data)


def test_whoever_holds_the_lock_of_the_log_is_named_and_can_be_ended(installation: Installation) -> None:
    lock = "select pg_advisory_xact_lock(7305508, 1)"
    assert [f.verdict for f in installation.findings("locks")] == [Verdict.OK]
    with closing(psycopg.connect(installation.owner)) as stale, closing(psycopg.connect(installation.owner)) as writer:
        stale.execute(lock)
        waiting = threading.Thread(target=writer.execute, args=(lock,))
        waiting.start()
        said = ""
        for _ in range(100):
            if "wrong" in {f.verdict for f in installation.findings("locks")}:
                said = of(installation, "locks")
                break
            time.sleep(0.1)
        pid = stale.info.backend_pid
        assert f"({pid}, idle in transaction) has kept 1 others waiting" in said
        assert f"select pg_terminate_backend({pid})" in said
        installation.execute(f"select pg_terminate_backend({pid})")
        waiting.join(20)
        assert not waiting.is_alive()
        writer.rollback()
    assert [f.verdict for f in installation.findings("locks")] == [Verdict.OK]


SMALL = """
mount -t tmpfs -o size=8m,nr_inodes={files} tmpfs "$PLACE" && head -c {bytes} /dev/zero > "$PLACE/much"
exec "$PYTHON" -m api.cli doctor --json
"""


@pytest.mark.parametrize(
    ("files", "bytes", "says"),
    [(100_000, 7_000_000, "0.0 GB are free"), (100, 0, "more files")],
)
def test_a_disk_that_is_full_is_named(tmp_path: Path, files: int, bytes: int, says: str) -> None:
    """A real one, of 8 MB, in a namespace of its own where the kernel lets us have one."""
    place = tmp_path / "small"
    place.mkdir(mode=0o700)
    script = SMALL.format(files=files, bytes=bytes)
    surroundings = os.environ | {"PLACE": str(place), "PYTHON": sys.executable, "HELPR_DATA": str(place)}
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=HOUSE, env=surroundings, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.stdout:
        assert says in done.stdout
        assert '"check":"disk","verdict":"wrong"' in done.stdout
    else:
        assert "unshare" in done.stderr or "mount" in done.stderr, done.stderr


def test_keys_on_a_disk_of_their_own_are_looked_at_there(installation: Installation) -> None:
    settings = read_settings(installation.environment | {"HELPR_KEYS_URL": "sqlite:///proc/keys.sqlite"})
    assert ["/proc/keys.sqlite" in finding.says for finding in machine.disks(settings)] == [False, True]
    assert len(list(machine.disks(read_settings(installation.environment)))) == 1


def test_a_folder_of_somebody_elses_is_named() -> None:
    data = Path(mkdtemp(prefix="helpr-"))
    data.chmod(0o500)
    settings = read_settings({"HELPR_DATA": str(data)})
    try:
        [finding] = _as_nobody(settings)
        assert (finding.check, finding.verdict) == ("data", Verdict.WRONG)
        assert "This user may not write in" in finding.says
        assert "Run as the user who owns it" in finding.mend
    finally:
        data.rmdir()


def _as_nobody(settings: Settings) -> list[Finding]:
    """What the doctor says of the folders to a user who is not root."""
    if os.geteuid() != 0:
        return list(machine.folders(settings))
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(writing, msgspec.json.encode(list(machine.folders(settings))))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        found = msgspec.json.decode(said.read(), type=list[Finding])
    os.waitpid(child, 0)
    return found


def test_traces_that_nobody_takes_or_that_cannot_be_sent(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installation.findings("traces") == []
    with collecting() as collector:
        assert [f.verdict for f in installation.findings("traces", HELPR_TRACES_URL=collector.url)] == [Verdict.OK]
    assert "Nobody takes them" in of(installation, "traces", Verdict.LOOK, HELPR_TRACES_URL=collector.url)
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    assert "helpr[traces]" in of(installation, "traces", Verdict.LOOK, HELPR_TRACES_URL=collector.url)
