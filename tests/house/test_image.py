"""The Dockerfile, as far as it can be checked without building the image."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from models.packs import load_pack


@pytest.fixture(scope="module")
def instructions(root):
    """(instruction, its text) in order, with continued lines joined and comments left out."""
    lines = [line for line in (root / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line]


@pytest.fixture(scope="module")
def final_stage(instructions):
    last = max(index for index, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def test_the_linter_finds_nothing(root):
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([linter, root / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_have_the_same_python_of_a_named_version(instructions):
    bases = [text.split()[0] for word, text in instructions if word == "FROM"]
    assert bases == ["python:3.13-bookworm", "python:3.13-slim-bookworm"]


def test_every_package_comes_from_a_lock_file_with_hashes(instructions):
    fetching = [
        command
        for word, text in instructions
        if word == "RUN"
        for command in re.split(r" *&& *", text)
        if re.search(r"pip (install|wheel)", command) and "--no-index" not in command and not command.endswith(" .")
    ]
    assert len(fetching) == 2
    assert all("--require-hashes" in command and "--no-deps" in command for command in fetching)


def test_hnswlib_is_compiled_for_any_processor_and_with_pinned_tools(instructions):
    [compiling] = [
        index for index, (word, text) in enumerate(instructions) if word == "RUN" and "requirements.lock" in text
    ]
    assert ("ENV", "HNSWLIB_NO_NATIVE=1") in instructions[:compiling]
    assert "--no-build-isolation" in instructions[compiling][1]


def test_the_embedded_broker_and_the_tools_stay_out(root, final_stage):
    assert "calfkit" not in (root / "requirements.lock").read_text("utf-8")
    copied = [text for word, text in final_stage if word in ("COPY", "ADD")]
    assert copied == ["--from=build /opt/facestreams /opt/facestreams"]


def test_it_runs_as_a_user_without_rights(final_stage):
    [user] = [text for word, text in final_stage if word == "USER"]
    assert user.isdigit()
    assert int(user) > 0
    after = [word for word, text in final_stage[final_stage.index(("USER", user)) :]]
    assert "RUN" not in after


def test_only_what_is_named_reaches_the_build(root):
    lines = [line for line in (root / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line for line in lines if line.startswith("!")} == {
        "!pyproject.toml",
        "!README.md",
        "!LICENSE",
        "!requirements.lock",
        "!requirements-build.lock",
        "!models/",
        "!streams/",
    }


def test_the_build_prepares_the_default_pack(instructions, tmp_path):
    [code] = [
        re.search(r'python -c "(.*?)"', text)[1] for word, text in instructions if word == "RUN" and "python -c" in text
    ]
    subprocess.run([sys.executable, "-c", code.replace("/opt/facestreams/cache", str(tmp_path))], check=True)
    prepared = {path.name for path in tmp_path.iterdir()}
    assert prepared
    load_pack("opencv-zoo", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == prepared, "a worker would prepare it again"


def test_the_health_check_asks_whether_the_worker_lives(instructions):
    [text] = [text for word, text in instructions if word == "HEALTHCHECK"]
    program, option, code = json.loads(text[text.index("[") :])
    assert (program, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert "'/live'" in code
    assert "FACESTREAMS_HTTP_PORT" in code
