"""What operators are told is so: who listens, what to restart, where the log's end is."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api.run.demo import filling
from api.run.demo.dialogues import OURS
from api.run.demo.people import people
from api.run.migrating import bring_up
from api.run.port import AddressIsWrong, PortIsTaken, sockets_on
from api.settings import Settings
from infrastructure.database.embedded import EmbeddedPostgres
from tests.database.conftest import HOUSE
from tests.operations.conftest import Installation
from tests.operations.test_log import command

pytestmark = pytest.mark.requirement("R-OPS-2")
HOSTS = ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",)


@contextmanager
def listening(host: str) -> Iterator[int]:
    """Somebody else, on a port that was free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as other:
        yield int(other.getsockname()[1])


@pytest.mark.parametrize("host", HOSTS)
def test_a_process_whose_port_is_taken_says_so(installation: Installation, host: str) -> None:
    with listening(host) as port:
        installation.environment |= {"HELPR_HOST": host, "HELPR_PORT": str(port)}
        done = command(installation, "run", "api")
    said = f"Something else listens on {host}:{port}. Use another port: HELPR_PORT={port + 1}"
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (1, [said])


@pytest.mark.parametrize("host", [*HOSTS, "localhost"])
def test_a_port_that_is_free_is_had(host: str) -> None:
    with listening("127.0.0.1") as port:
        pass
    made = sockets_on(host, port, otherwise="")
    try:
        with pytest.raises(PortIsTaken):
            sockets_on(host, port, otherwise="")
        socket.create_connection((host, port)).close()
    finally:
        for one in made:
            one.close()


@pytest.mark.parametrize("host", ["203.0.113.7", "nothing.invalid"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(AddressIsWrong, match=f"no address {host}"):
        sockets_on(host, 8460, otherwise="")


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "http://127.0.0.1:8460"), ("::1", "http://[::1]:8460")])
def test_where_this_machine_reaches_helpr_is_a_url(tmp_path: Path, host: str, url: str) -> None:
    assert Settings(data=tmp_path, host=host).here == url


def test_what_follows_the_end_does_not_begin_with_the_beginning(installation: Installation) -> None:
    words = [sys.executable, "-m", "api.cli", "log", "tail", "-n", "0", "--follow", "--json"]
    surroundings = os.environ | installation.environment
    with subprocess.Popen(words, cwd=HOUSE, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        listener = (
            "select 1 from pg_stat_activity where query like 'select%%position%%' and datname = current_database()"
        )
        try:
            while not installation.execute(f"{listener} and state = 'idle'"):
                assert process.poll() is None
            is_said, _, _ = select.select([process.stdout], [], [], 2)
            assert not is_said, json.loads(process.stdout.readline())["position"]
        finally:
            process.send_signal(signal.SIGINT)


def test_who_brings_a_database_up_is_told_to_start_all_that_runs(
    cluster: EmbeddedPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the clock nobody is forgotten."""
    name = sql.Identifier("brought_up")
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(name))
        try:
            dsn = make_conninfo(cluster.owner_dsn, dbname="brought_up")
            assert bring_up(Settings(data=tmp_path, database_url=dsn, owner_url=dsn)) == 0
        finally:
            owner.execute(sql.SQL("drop database {} with (force)").format(name))
    assert "helpr run api, helpr run views, helpr run clock" in capsys.readouterr().out


def test_the_demos_passwords_stay_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where people come by https, the crowd would have said them in the clear, and to port 80."""
    monkeypatch.setenv("HELPR_DEMO_DATA", str(OURS))
    with listening("127.0.0.1") as port:
        pass
    settings = Settings(data=tmp_path, host="127.0.0.1", port=port, public_url="https://helpr.example")
    asked: list[str] = []

    def crowd(url: str, *_: object, **__: object) -> _Silent:
        asked.append(url)
        return _Silent()

    monkeypatch.setattr(filling, "Crowd", crowd)
    filling.fill(settings, settings.public_url, people(settings), progress=lambda *_: None, stopped=lambda: False)
    assert asked == [f"http://127.0.0.1:{port}"]


class _Silent:
    turned_away = ()

    async def fill(self, *_: object) -> bool:
        return False


@pytest.mark.requirement("R-PRI-7")
def test_the_doctor_knows_the_database_of_the_log_by_its_other_names(installation: Installation) -> None:
    keys = installation.owner.replace("127.0.0.1", "localhost")
    (found,) = installation.findings("key store", HELPR_KEYS_URL=keys)
    assert (found.verdict, "keys need a database of their own" in found.says) == ("wrong", True)
