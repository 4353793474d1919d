"""The built wheel, in an environment that holds it alone, run from another directory."""

import email
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from streams.wire.schemas import files


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """Built with the backend that pyproject.toml names, as it is installed here; nothing is fetched."""
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory],
        cwd=root,
        check=True,
        capture_output=True,
    )
    [built] = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new environment; of this one it sees the dependencies, by a path that comes after its own."""
    directory = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    python = directory / "bin" / "python"
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel], check=True)
    [packages] = directory.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return directory


@pytest.fixture
def run(environment, tmp_path):
    """Runs a program of the new environment, in a directory that holds nothing."""

    def run_there(program, *arguments):
        return subprocess.run(
            [environment / "bin" / program, *arguments],
            cwd=tmp_path,
            env={"PATH": os.defpath, "HOME": str(tmp_path), "COLUMNS": "100"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return run_there


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_the_command_tells_its_version_and_what_it_can_do(run, metadata):
    assert run("facestreams", "--version") == f"facestreams {metadata['Version']}\n"
    shown = run("facestreams", "--help")
    for command in ("worker", "publish", "enroll", "forget", "watch", "topics", "demo"):
        assert f" {command} " in shown


def test_both_packages_are_the_wheels_own(run, environment):
    printed = run("python", "-c", "import models, streams; print(models.__file__); print(streams.__file__)")
    [packages] = environment.glob("lib/python*/site-packages")
    assert printed.splitlines() == [str(packages / name / "__init__.py") for name in ("models", "streams")]


def test_the_schemas_are_in_it(run):
    code = "import streams.wire.schemas as s; print(*sorted(p.name for p in s.DIRECTORY.glob('*.json')))"
    assert run("python", "-c", code).split() == sorted(files())


def test_it_holds_the_two_packages_and_nothing_else(wheel, root):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"models", "streams"}
    sources = {
        str(path.relative_to(root)) for package in ("models", "streams") for path in (root / package).rglob("*.py")
    }
    assert sources == {name for name in names if name.endswith(".py")}


def test_its_licence_is_named_and_carried(wheel, metadata, root):
    assert metadata["Name"] == "facestreams"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    with zipfile.ZipFile(wheel) as archive:
        [carried] = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(carried) == (root / "LICENSE").read_bytes()


def test_it_asks_for_one_opencv(metadata):
    asked = [requirement for requirement in metadata.get_all("Requires-Dist") if requirement.startswith("opencv")]
    assert [requirement.split("<")[0].split(">")[0] for requirement in asked] == ["opencv-python-headless"]
