import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from models import single_opencv
from models.errors import PackError
from streams.cli.exit_codes import ExitCode
from streams.cli.worker import write_line
from streams.fleet.process import Program
from streams.fleet.supervision import Fleet
from streams.settings import Settings


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What the worker was run with; it ends with code 7."""
    given: list[Settings] = []

    def run_worker(settings: Settings, stop_requested: object) -> int:
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


@pytest.fixture
def two_accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An accounts file in the environment; workers are this program, which prints what it was told."""
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.acme]\n[accounts.zoo]\n")
    monkeypatch.setenv("FACESTREAMS_ACCOUNTS_FILE", str(path))


def test_of_several_accounts_one_is_served_in_this_process(facestreams, given: list[Settings], two_accounts) -> None:
    assert facestreams("--account", "zoo", "worker") == (7, "", "")
    assert facestreams("worker", "--only", "acme") == (7, "", "")
    assert [(settings.account, settings.http_port) for settings in given] == [("zoo", 8781), ("acme", 8780)]


def test_an_account_that_is_not_served_cannot_be_picked(facestreams, given: list[Settings], two_accounts) -> None:
    code, _, err = facestreams("worker", "--only", "main")
    assert code == ExitCode.USAGE
    assert "Invalid value for --only: expected one of acme, zoo" in err
    assert given == []


def test_several_accounts_are_a_process_each(
    facestreams, given: list[Settings], two_accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Program] = []

    async def run(fleet: Fleet, stop: asyncio.Event) -> int:
        started.extend(fleet.programs)
        return 70

    monkeypatch.setattr(Fleet, "run", run)
    assert facestreams("--log-level", "debug", "--partitions", "3", "worker") == (70, "", "")
    assert given == []
    options = ["--partitions", "3", "--log-level", "debug"]
    assert started == [
        Program(name, [sys.executable, "-m", "streams.cli", *options, "--account", name, "worker"])
        for name in ("acme", "zoo")
    ]


def test_a_process_that_starts_others_imports_no_engine_and_no_networks(two_accounts) -> None:
    code = (
        "import sys\nfrom streams.cli.worker import _run\nimport streams.cli.entry, streams.cli.logging_setup,"
        " streams.fleet.supervision\n"
        "print(sorted({'faust', 'aiokafka', 'cv2', 'onnxruntime', 'hnswlib'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed == "[]\n"


def test_a_line_says_whose_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    for line in (b'{"event": "up", "account": "acme"}', b"Traceback:", b""):
        write_line("acme", line)
    assert capfd.readouterr().err == '{"event": "up", "account": "acme"}\nacme: Traceback:\nacme: \n'


def test_a_stderr_that_nobody_reads_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _line: bytes) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(buffer=Closed()))
    write_line("acme", b"a line")
