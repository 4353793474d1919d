"""Making the environment: what is missing is named in one line, before anything is made."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UTILITIES = ("sh", "make", "sed", "expand", "touch", "date", "rm", "find")


@pytest.fixture
def tree(root, tmp_path):
    """A source tree with what the first step reads, and without a .venv."""
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements-build.lock",
        "requirements-dev.lock",
        ".ci/environment.sh",
    ):
        target = tmp_path / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target)
    return tmp_path / "tree"


@pytest.fixture
def programs(tmp_path):
    """A directory to be the whole PATH: some utilities, no Python, no compiler."""
    directory = tmp_path / "programs"
    directory.mkdir()
    for name in UTILITIES:
        (directory / name).symlink_to(shutil.which(name))
    return directory


def program(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def this_python(directory: Path, name: str, *, without: str = "nothing") -> Path:
    """Python as it runs this test; an import of `without` fails."""
    return program(
        directory,
        name,
        f'case "$*" in *"{without}"*) exit 1;; esac\nexec {sys.executable} "$@"',
    )


def other_python(directory: Path, name: str, version: str) -> Path:
    """Python that takes itself for another version."""
    pretend = f"import sys; sys.version_info = ({version.replace('.', ', ')}); exec(sys.argv[1])"
    return program(
        directory,
        name,
        f'[ "$1" = --version ] && echo "Python {version}" && exit 0\nexec {sys.executable} -c "{pretend}" "$2"',
    )


def make(tree: Path, programs: Path, *arguments: str) -> str:
    """What `make check` says when it cannot even make the environment; make's own line is left out."""
    environment = {"PATH": str(programs), "HOME": os.devnull}
    done = subprocess.run(
        ["make", "check", *arguments], cwd=tree, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert not (tree / ".venv").exists()
    assert done.stdout == ""
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    return line


def test_no_python(tree, programs):
    assert make(tree, programs) == (
        "facestreams: needs Python 3.11, 3.12 or 3.13 and found none of them; "
        "install one, or name it: make PYTHON=/path/to/python3.12"
    )


def test_only_pythons_of_other_versions(tree, programs):
    other_python(programs, "python3", "3.9.2")
    assert "found none of them" in make(tree, programs)


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0"])
def test_a_named_python_of_another_version(tree, programs, version):
    python = other_python(programs, "other", version)
    assert make(tree, programs, f"PYTHON={python}") == (
        f"facestreams: needs Python 3.11, 3.12 or 3.13 and {python} is Python {version}; "
        "install one, or name it: make PYTHON=/path/to/python3.12"
    )


def test_a_named_python_that_is_not_there(tree, programs):
    assert "and there is no /nowhere/python; install one" in make(tree, programs, "PYTHON=/nowhere/python")


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_without_its_venv_module(tree, programs, module):
    this_python(programs, "python3", without=module)
    assert make(tree, programs) == (
        "facestreams: python3 comes without its venv module; install it (Debian and Ubuntu: python3-venv)"
    )


def test_a_python_without_its_headers(tree, programs):
    program(programs, "python3", f'case "$*" in *sysconfig*) echo /nowhere;; *) exec {sys.executable} "$@";; esac')
    assert make(tree, programs) == (
        "facestreams: python3 comes without its C headers, needed to compile hnswlib; "
        "install them (Debian and Ubuntu: python3-dev)"
    )


def test_no_compiler(tree, programs):
    this_python(programs, "python3")
    assert make(tree, programs) == (
        "facestreams: needs a C++ compiler for hnswlib and found no c++; "
        "install one (Debian and Ubuntu: g++, macOS: xcode-select --install)"
    )


def test_a_named_compiler_that_is_not_there(tree, programs):
    this_python(programs, "python3")
    program(programs, "c++", "exit 0")
    assert "found no missing-c++;" in make(tree, programs, "CXX=missing-c++ -O2")


def test_a_compiler_may_be_named_with_its_options(tree, programs):
    program(programs, "python3", f'[ "$2" = venv ] && exit 3\nexec {sys.executable} "$@"')
    program(programs, "my-c++", "exit 0")
    done = subprocess.run(
        ["make", "check", "CXX=my-c++ -O2"],
        cwd=tree,
        env={"PATH": str(programs)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("facestreams: creating .venv with Python ")


def test_help_needs_nothing_and_names_every_target(tree, programs):
    done = subprocess.run(["make"], cwd=tree, env={"PATH": str(programs)}, check=True, capture_output=True, text=True)
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    [targets] = re.findall(r"^\.PHONY: (.*)$", (tree / "Makefile").read_text(), re.MULTILINE)
    assert listed == targets.split()
    assert listed[:4] == ["help", "demo", "test", "check"]
    assert not (tree / ".venv").exists()


def test_an_environment_that_is_up_to_date_is_left_alone(tree, programs):
    stamp = tree / ".venv" / ".made"
    stamp.parent.mkdir()
    stamp.touch()
    done = subprocess.run(
        ["make", "--question", ".venv/.made"], cwd=tree, env={"PATH": str(programs)}, check=False, capture_output=True
    )
    assert done.returncode == 0
    os.utime(stamp, (0, 0))
    done = subprocess.run(
        ["make", "--question", ".venv/.made"], cwd=tree, env={"PATH": str(programs)}, check=False, capture_output=True
    )
    assert done.returncode == 1
