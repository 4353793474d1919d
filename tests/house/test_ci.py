"""What CI runs, and that nothing is skipped there."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

from tests import sharing

TESTS = {
    "passes": "def test_passes(): pass",
    "fails": "def test_fails(): assert False",
    "skips": "import pytest\ndef test_skips(): pytest.skip('no broker here')",
    "skips_itself": "import pytest\npytest.importorskip('no_such_module_anywhere')",
    "fails_as_expected": "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_xfails(): assert False",
}


def test_ci_runs_make_test(root):
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text("utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[1] == "set -euo pipefail"
    assert lines[-1] == "make test"


def test_every_script_is_executable_and_parses(root):
    for script in (root / ".ci" / "run", root / ".ci" / "environment.sh"):
        assert os.access(script, os.X_OK), script
        subprocess.run(["bash", "-n", script], check=True)


@pytest.fixture(params=[(), ("-n", "2", "--dist", "loadfile")], ids=["one process", "as make test does"])
def session(root, tmp_path, request):
    """Runs some of TESTS under the project's own conftest."""

    def run(*names, ci):
        shutil.copy(root / "tests" / "conftest.py", tmp_path)
        for name in names:
            (tmp_path / f"test_{name}.py").write_text(TESTS[name])
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
        alone = ["-p", "no:cacheprovider", "-p", "no:asyncio"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *alone, *request.param, tmp_path],
            cwd=tmp_path,
            env=environment | ({"CI": "true"} if ci else {}),
            check=False,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    ("name", "reason"),
    [("skips", "test_skips.py::test_skips: Skipped: no broker here"), ("skips_itself", "test_skips_itself.py: ")],
)
def test_in_ci_a_skipped_test_is_an_error_and_is_named(session, name, reason):
    done = session("passes", name, ci=True)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"skipped, which is an error in CI: {reason}" in done.stdout


def test_elsewhere_it_is_not(session):
    done = session("passes", "skips", "skips_itself", ci=False)
    assert done.returncode == pytest.ExitCode.OK
    assert "error in CI" not in done.stdout


def test_an_expected_failure_is_no_skipped_test(session):
    assert session("passes", "fails_as_expected", ci=True).returncode == pytest.ExitCode.OK


def test_a_session_without_a_test_stays_one(session):
    assert session(ci=True).returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_hooks_fetch_nothing_and_call_the_environments_tools(root):
    config = yaml.safe_load((root / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    makefile = (root / "Makefile").read_text("utf-8")
    for hook in hooks:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
        assert hook["entry"].replace(".venv/bin", "$(VENV)") in makefile, "a hook asks what make check does not"


def test_the_longest_files_are_begun_first_and_each_exists(root):
    assert [name for name in sharing.LONGEST if not (root / name).exists()] == []
    items = [SimpleNamespace(nodeid=f"{name}::test") for name in ("tests/a.py", *reversed(sharing.LONGEST))]
    sharing.longest_first(items)
    assert [item.nodeid.partition("::")[0] for item in items] == [*sharing.LONGEST, "tests/a.py"]
