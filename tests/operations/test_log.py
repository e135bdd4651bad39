"""The log as operators see it: what comes, one stream with its secrets kept, and any damage, the first one named."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios

import pytest

from tests.database.conftest import HOUSE
from tests.operations.conftest import SECRET_WORDS, Installation

pytestmark = pytest.mark.requirement("R-OPS-2")
LAST = "(select max(position) from log.events)"


def command(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``helpr`` with these arguments, as an operator runs it."""
    surroundings = os.environ | installation.environment
    words = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(words, cwd=HOUSE, env=surroundings, capture_output=True, text=True, timeout=60)


def test_the_end_of_the_log_is_shown(installation: Installation) -> None:
    (head,) = installation.execute("select max(position) from log.events")
    done = command(installation, "log", "tail", "-n", "3", "--json")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["position"] for each in shown] == [head[0] - 2, head[0] - 1, head[0]]
    assert {each["fields"] for each in shown} == {None}
    plain = command(installation, "log", "tail", "-n", "3")
    assert [int(line.split()[0]) for line in plain.stdout.splitlines()] == [each["position"] for each in shown]
    assert "\x1b" not in plain.stdout


def test_what_comes_is_shown_until_somebody_says_stop(installation: Installation) -> None:
    words = [sys.executable, "-m", "api.cli", "log", "tail", "-n", "1", "--follow", "--json"]
    process = subprocess.Popen(
        words, cwd=HOUSE, env=os.environ | installation.environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    installation.execute(
        f"""insert into log.events select position + 1, tenant_id, stream_kind, stream_id, version + 1, event_id, name,
        schema_version, recorded_at, actor_kind, actor_id, correlation_id, causation_id, command_id, metadata, data,
        hash from log.events where position = {LAST}"""
    )
    assert json.loads(process.stdout.readline())["position"] == first["position"] + 1
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


@pytest.mark.requirement("R-PRI-7")
def test_one_stream_is_shown_with_what_is_personal_sealed(installation: Installation) -> None:
    [(stream, visitor)] = installation.execute(
        "select stream_id, actor_id from log.events where name = 'conversations.MessageSent' order by position limit 1"
    )
    done = command(installation, "log", "show", "conversation", str(stream), "--json")
    shown = {each["name"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert shown["conversations.MessageSent"]["fields"]["text"] == {"sealed": [f"subject:{visitor}"]}
    assert shown["conversations.MessageSent"]["fields"]["visitor"] == str(visitor)
    plain = command(installation, "log", "show", "conversation", str(stream))
    assert f"sealed under subject:{visitor}" in plain.stdout
    assert SECRET_WORDS not in done.stdout + plain.stdout
    none = command(installation, "log", "show", "conversation", str(visitor))
    assert (none.returncode, none.stderr) == (1, f"The log has no stream conversation {visitor}.\n")


def test_a_log_that_is_whole_is_said_to_be_whole(installation: Installation) -> None:
    [(count,)] = installation.execute("select count(*) from log.events")
    done = command(installation, "log", "verify")
    assert (done.returncode, done.stdout) == (
        0, f"All {count} facts are what was written, in order and without a gap.\n"
    )  # fmt: skip
    machine = command(installation, "log", "verify", "--json")
    assert json.loads(machine.stdout) == {"facts": count, "is_whole": True, "damage": None}


@pytest.mark.parametrize(
    ("damage", "position", "says"),
    [
        ("update log.events set data = data || 'x' where position = 3", 3, "not what was hashed"),
        ("update log.events set name = 'other.Name' where position = 4", 4, "not what was hashed"),
        ("update log.events set tenant_id = stream_id where position = 2", 2, "not what was hashed"),
        ("update log.events set actor_kind = 'nobody' where position = 3", 3, "not what was hashed"),
        ("update log.events set actor_id = event_id where position = 3", 3, "not what was hashed"),
        ("update log.events set command_id = event_id where position = 4", 4, "not what was hashed"),
        ("update log.events set correlation_id = event_id where position = 2", 2, "not what was hashed"),
        ("update log.events set causation_id = event_id where position = 2", 2, "not what was hashed"),
        ("update log.events set hash = hash || 'x' where position = 5", 5, "not what was hashed"),
        ("delete from log.events where position in (2, 3)", 2, "2 facts are missing"),
        ("update log.events set position = 1 where position = 2", 1, "there twice"),
        ("update log.events set recorded_at = now() - interval '1 day' where position = 4", 4, "earlier than"),
        (f"delete from log.events where position = {LAST}", 0, "views have folded 1 facts more"),
    ],
)
def test_the_first_damage_is_named(installation: Installation, damage: str, position: int, says: str) -> None:
    [(head,)] = installation.execute("select max(position) from log.events")
    installation.execute(damage)
    done = command(installation, "log", "verify")
    assert done.returncode == 1
    assert f"Damaged at position {position or head}: " in done.stdout
    assert says in done.stdout
    machine = json.loads(command(installation, "log", "verify", "--json").stdout)
    assert (machine["is_whole"], machine["damage"]["position"]) == (False, position or head)
    assert says in machine["damage"]["says"]


def test_a_gap_between_versions_is_damage_also_where_every_hash_is_right(installation: Installation) -> None:
    """Whoever can write rows can compute leaves: the versions of a stream tell it."""
    from infrastructure.keys.digests import leaf

    [(position, *row)] = installation.execute(
        """select position, tenant_id, stream_kind, stream_id, version + 1, event_id, name, actor_kind, actor_id,
            correlation_id, causation_id, command_id, data from log.events order by version desc, position limit 1"""
    )
    hashed = leaf(*row)
    installation.execute("update log.events set version = version + 1, hash = %s where position = %s", hashed, position)
    done = command(installation, "log", "verify")
    assert f"Damaged at position {position}: its stream has a gap" in done.stdout


@pytest.mark.parametrize("words", [("tail",), ("verify",)])
def test_a_database_that_is_away_is_said_in_a_sentence(installation: Installation, words: tuple[str, ...]) -> None:
    installation.environment |= {"HELPR_DATABASE_OWNER_URL": "postgresql://helpr:hush@127.0.0.1:1/helpr"}
    done = command(installation, "log", *words)
    assert (done.returncode, done.stderr) == (1, "The database does not answer. Ask: helpr doctor\n")


def shown(installation: Installation, *arguments: str, columns: int) -> list[str]:
    """The same on a terminal of so many columns; its colours are taken off, and must have been there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    surroundings = os.environ | installation.environment | {"TERM": "xterm-256color"}
    words = [sys.executable, "-m", "api.cli", *arguments]
    with subprocess.Popen(words, cwd=HOUSE, env=surroundings, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end of a terminal is closed.
            while more := os.read(ours, 65536):
                said += more
    os.close(ours)
    assert process.returncode in (0, 1), said
    assert b"\x1b[" in said
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).replace("\r", "").splitlines()


def test_on_a_terminal_everything_stands_in_columns_that_fit(installation: Installation) -> None:
    lines = shown(installation, "log", "tail", "-n", "5", columns=140)
    assert len(lines) == 5
    assert {line.index(" by ") for line in lines if " conversation " in line} <= {109, 110}
    assert max(map(len, lines)) < 140
    views = shown(installation, "views", "status", columns=80)
    assert views[-1] == "All are in step."
    assert max(map(len, views)) <= 80
    installation.execute("update views.generations set version = version - 1")
    doctor = shown(installation, "doctor", columns=80)
    assert max(map(len, doctor)) <= 80
    wrapped = [line for line in doctor if line.startswith(" " * 20)]
    assert wrapped
    assert doctor[-1].startswith("Mend what is wrong")
