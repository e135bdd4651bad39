"""``helpr bench send`` measures both sides and says what it has measured. How fast they are is no test's business."""

import json
import shutil

import msgspec
import pytest

from tests.benchmarks import send


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> str:
    """What makes the load where there is no wrk."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    return "lines of our own"


def test_both_sides_are_asked_in_turn_with_views_stopped_and_running(
    client: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, few in {"ROUNDS": 1, "SECONDS": 1, "CONNECTIONS": (4,), "CONVERSATIONS": 8}.items():
        monkeypatch.setattr(send, name, few)
    send.main(as_json=True)
    figures = json.loads(capsys.readouterr().out)
    assert figures["load"] == client
    assert [(row["views"], row["connections"]) for row in figures["rows"]] == [("stopped", 4), ("running", 4)]
    for row in figures["rows"]:
        assert min(*row["ours"], *row["bare"], row["ratio"]) > 0
    send._show(msgspec.convert(figures, send.Figures))
    assert "bare INSERT" in capsys.readouterr().out
