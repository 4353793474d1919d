"""The Dockerfile, as far as it can be checked without building the image."""

import asyncio
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from models.packs import load_pack
from streams.monitor.health import HealthServer
from tests.house import containers
from tests.house.build_image import Image, in_context


@pytest.fixture(scope="module")
def instructions():
    return containers.instructions()


@pytest.fixture(scope="module")
def final_stage():
    return containers.stages()[-1]


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


def test_what_is_copied_is_in_the_builds_context_and_no_key_or_history_is(instructions):
    copied = [text.split()[:-1] for word, text in instructions if word == "COPY" and "--from" not in text]
    assert all(in_context(name) for names in copied for name in names)
    assert not [name for name in (".git", ".env", "keys", "tests", "build") if in_context(name)]


def test_nobody_is_told_what_the_image_does():
    assert containers.image_environment()["ORT_DISABLE_TELEMETRY"] == "1"


def test_the_steps_can_be_carried_out_in_a_directory(tmp_path):
    image = Image(tmp_path / "root", Path(sys.executable))
    image.carry_out("ENV", "PATH=/opt/facestreams/bin:$PATH GREETING=good-day")
    image.carry_out("WORKDIR", "/source")
    image.carry_out("COPY", "pyproject.toml LICENSE ./")
    image.carry_out("RUN", 'mkdir /opt && echo "$GREETING" > /opt/said && ls > /opt/listed')
    root = tmp_path / "root"
    assert (root / "opt" / "said").read_text() == "good-day\n"
    assert (root / "opt" / "listed").read_text().split() == ["LICENSE", "pyproject.toml"]
    assert image.environment["PATH"].startswith(f"{root}/opt/facestreams/bin:{root}/programs:")
    with pytest.raises(FileNotFoundError, match="not in the build's context"):
        image.carry_out("COPY", "tests ./")
    image.carry_out("FROM", "python:3.13-slim-bookworm")
    assert "GREETING" not in image.environment


def test_the_build_prepares_the_default_pack(instructions, tmp_path):
    [code] = [
        re.search(r'python -c "(.*?)"', text)[1] for word, text in instructions if word == "RUN" and "python -c" in text
    ]
    subprocess.run([sys.executable, "-c", code.replace("/opt/facestreams/cache", str(tmp_path))], check=True)
    prepared = {path.name for path in tmp_path.iterdir()}
    assert prepared
    load_pack("opencv-zoo", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == prepared, "a worker would prepare it again"


@pytest.fixture(scope="module")
def checks(instructions):
    """Program and arguments of the image's own health check, and of the one that compose puts in its place."""
    [text] = [text for word, text in instructions if word == "HEALTHCHECK"]
    own = json.loads(text[text.index("CMD") + len("CMD") :])
    kind, *ours = containers.compose()["services"]["processor"]["healthcheck"]["test"]
    assert kind == "CMD"
    return {"live": own, "ready": ours}


async def check(command, port):
    """Whether the container would be healthy, and what it would say of that."""
    program, *arguments = command
    assert program == "python"
    asked = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, "FACESTREAMS_HTTP_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    return asked.returncode == 0, said.decode()


@pytest.mark.parametrize(
    ("live", "ready", "healthy"),
    [
        (None, None, {"live": True, "ready": True}),
        (None, "reading face-features", {"live": True, "ready": False}),
        ("stopping", "reading face-features", {"live": False, "ready": False}),
    ],
)
async def test_the_image_is_healthy_while_it_lives_and_the_service_while_it_is_ready(checks, live, ready, healthy):
    server = HealthServer("127.0.0.1", 0, CollectorRegistry(), lambda: live, lambda: ready)
    await server.start()
    try:
        for name, reason in (("live", live), ("ready", ready)):
            assert await check(checks[name], server.port) == (healthy[name], f"{reason}\n\n" if reason else "")
    finally:
        await server.stop()


async def test_a_container_in_which_nobody_answers_is_not_healthy(checks):
    server = HealthServer("127.0.0.1", 0, CollectorRegistry(), lambda: None, lambda: None)
    await server.start()
    port = server.port
    await server.stop()
    for command in checks.values():
        healthy, said = await check(command, port)
        assert not healthy
        assert "ConnectionRefusedError" in said
