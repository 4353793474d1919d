import sys
from types import SimpleNamespace

import pytest

from models import single_opencv
from models.errors import PackError
from streams.cli.exit_codes import ExitCode
from streams.settings import Settings


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What the worker was run with; it ends with code 7."""
    given: list[Settings] = []

    def run_worker(settings: Settings) -> int:
        given.append(settings)
        return 7

    monkeypatch.setitem(sys.modules, "streams.app", SimpleNamespace(run_worker=run_worker))
    return given


def test_the_workers_code_is_the_commands_code(facestreams, given: list[Settings]) -> None:
    assert facestreams("--account", "acme", "worker") == (7, "", "")
    assert [settings.account for settings in given] == ["acme"]


def test_a_second_opencv_stops_the_start(facestreams, given: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PackError("two of them; mend it")

    monkeypatch.setattr(single_opencv, "check_single_opencv", refuse)

    assert facestreams("worker") == (ExitCode.DEPLOYMENT, "", "facestreams: two of them; mend it\n")
    assert given == []
