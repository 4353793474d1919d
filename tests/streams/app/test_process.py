"""A worker that crashes leaves no memory behind."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ALLOW = "import resource; resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2);"
ALONE = str(Path(find_spec("streams").submodule_search_locations[0], "app", "process.py"))  # its package loads networks
FORBID = f"import runpy; runpy.run_path({ALONE!r})['forbid_core_dumps']();"


def run(program: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=directory, check=False, capture_output=True, text=True)


def test_no_file_is_written_by_a_crash(tmp_path: Path) -> None:
    assert run(f"{ALLOW}{FORBID}import os; os.abort()", tmp_path).returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_the_limit_cannot_be_raised_again(tmp_path: Path) -> None:
    found = run(f"{ALLOW}{FORBID}import resource; print(resource.getrlimit(resource.RLIMIT_CORE))", tmp_path)
    assert (found.stdout, found.stderr) == ("(0, 0)\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_no_program_is_handed_the_dump(tmp_path: Path) -> None:
    get = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert run(get, tmp_path).stdout == "1\n"
    assert run(f"{FORBID}{get}", tmp_path).stdout == "0\n"
