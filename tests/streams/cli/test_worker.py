import sys
from types import SimpleNamespace

import pytest

from streams.cli import worker
from streams.settings import Settings


def test_the_workers_code_is_the_commands_code(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Settings] = []

    def run_worker(settings: Settings) -> int:
        given.append(settings)
        return 70

    monkeypatch.setitem(sys.modules, "streams.app", SimpleNamespace(run_worker=run_worker))
    monkeypatch.setattr(worker, "second_opencv", lambda: None)

    assert facestreams("--account", "acme", "worker") == (70, "", "")
    assert given[0].account == "acme"


def test_a_second_opencv_is_said_and_not_fatal(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streams.app", SimpleNamespace(run_worker=lambda _settings: 0))
    monkeypatch.setattr(worker, "second_opencv", lambda: "uninstall one")

    assert facestreams("worker") == (0, "", "uninstall one\n")
