import subprocess
import sys

import pytest

from streams.cli import keys
from streams.cli.exit_codes import ExitCode

COMMANDS = ("worker", "embedded", "publish", "enroll", "forget", "persons", "watch", "bill", "log", "demo")
NOBODY = ("--bootstrap-servers", "127.0.0.1:1")


def test_help_names_every_command_and_exit_code(facestreams) -> None:
    code, out, _ = facestreams("--help")

    assert code == ExitCode.DONE
    for command in (*COMMANDS, "keys", "topics", "workers"):
        assert f" {command} " in out
    for number in ExitCode:
        assert f"\n {number.value:3} " in out


@pytest.mark.parametrize(
    "command", [*COMMANDS, "keys new", "keys list", "topics create", "topics verify", "workers", "workers gone"]
)
def test_every_command_helps_with_an_example(facestreams, command: str) -> None:
    code, out, _ = facestreams(*command.split(), "--help")

    assert code == ExitCode.DONE
    assert "facestreams" in out[out.index("Examples:") :]


def test_help_imports_nothing_heavy() -> None:
    heavy = (
        "aiokafka",
        "cv2",
        "faust",
        "insightface",
        "models.recognizer",
        "numpy",
        "onnxruntime",
        "prometheus_client",
    )
    script = (
        "import sys; from streams.cli.entry import run; code = run(['--help'])\n"
        f"sys.exit(','.join(name for name in {heavy!r} if name in sys.modules) or code)"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_version(facestreams) -> None:
    code, out, _ = facestreams("--version")

    assert code == ExitCode.DONE
    assert out.startswith("facestreams")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["publish"], ["persons", "--nonsense"], ["enroll", "ada", "a.jpg"]]
)
def test_a_wrong_command_line_is_usage(facestreams, arguments: list[str]) -> None:
    code, _, err = facestreams(*arguments)

    assert code == ExitCode.USAGE
    assert "Usage: facestreams" in err


def test_no_broker_is_one_line_that_names_the_address(facestreams, tmp_path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"jpeg")
    facestreams("keys", "new")  # `persons` opens them first
    for command in (
        ["persons"],
        ["watch"],
        ["bill", "--from", "2026-11-01", "--to", "2026-12-01"],
        ["forget", "ada"],
        ["enroll", "ada", picture, "--consent", "form", "--consent-basis", "of_age"],
        ["publish", picture, "--camera", "lobby"],
        ["topics", "create"],
        ["topics", "verify"],
        ["workers"],
        ["workers", "gone", "w1", "--yes"],
    ):
        code, out, err = facestreams(*NOBODY, *command)

        assert code == ExitCode.UNREACHABLE, command
        assert out == ""
        assert err.count("\n") == 1
        assert "127.0.0.1:1" in err


def test_an_unknown_setting_is_a_wrong_deployment(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_PARTITION", "3")

    code, out, err = facestreams("persons")

    assert (code, out) == (ExitCode.DEPLOYMENT, "")
    assert err == "facestreams: FACESTREAMS_PARTITION: no such setting; did you mean FACESTREAMS_PARTITIONS?\n"


def test_a_wrong_setting_does_not_stop_help(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_PARTITION", "3")

    assert facestreams("persons", "--help")[0] == ExitCode.DONE


def test_a_bug_shows_its_trace_and_ends_in_one_line(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_context: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(keys, "invocation", broken)

    code, _, err = facestreams("keys", "list")

    assert code == ExitCode.BUG
    assert err.startswith("Traceback")
    assert err.endswith("\nfacestreams: a bug: ZeroDivisionError\n")


def test_an_interrupt_has_its_code(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_context: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "invocation", interrupted)

    assert facestreams("keys", "list")[0] == ExitCode.INTERRUPTED
