import subprocess
from pathlib import Path

import pytest

from streams.cli.exit_codes import ExitCode
from streams.wire.rights import Role, rights_of
from streams.wire.topics import Topics


def test_a_cameras_one_right(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_BOOTSTRAP_SERVERS", "b1:9092")

    assert facestreams("--account", "acme", "rights", "camera", "--principal", "User:lobby") == (
        ExitCode.DONE,
        "kafka-acls.sh --bootstrap-server b1:9092 --add --allow-principal User:lobby "
        "--operation Write --topic facestreams.acme.camera-frames\n",
        "",
    )


@pytest.mark.parametrize("role", Role)
def test_a_shell_runs_what_is_printed(facestreams, role: Role, tmp_path: Path) -> None:
    """A kafka-acls.sh of the test's own writes its arguments down."""
    script = tmp_path / "kafka-acls.sh"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    script.chmod(0o700)
    principal = "User:O=It's; a test"
    code, printed, _ = facestreams(
        "rights", role, "--principal", principal, "--command-config", "a b", "--group", "g h"
    )
    assert code == ExitCode.DONE

    said = subprocess.run(
        ["sh", "-eu"],
        input=printed,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    rights = rights_of(role, Topics(), groups=["g h"])
    assert {right.name for right in rights if right.resource != "cluster"} <= set(said)
    assert said.count(principal) == said.count("a b") == said.count("--add") == len(printed.splitlines())
    assert ("--cluster" in said) == any(right.resource == "cluster" for right in rights)


def test_a_name_without_its_kind_is_no_principal(facestreams) -> None:
    code, _, err = facestreams("rights", "worker", "--principal", "worker")

    assert code == ExitCode.USAGE
    assert "expected a kind and a name, as in User:worker" in err
