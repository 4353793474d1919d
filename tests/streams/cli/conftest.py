import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from streams.cli.entry import run
from streams.engine.brokers import Broker
from streams.engine.topics.admin import create_missing
from streams.wire.connection import Connection
from streams.wire.topics import Topics

_prefixes = (f"cli{number}" for number in itertools.count())

Run = Callable[..., tuple[int, str, str]]
Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_as_before: None) -> None:
    """No setting of whoever runs the tests, directories of the test's own, and a log that is as it was afterwards."""
    for name in [name for name in os.environ if name.startswith("FACESTREAMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def facestreams(capsys: pytest.CaptureFixture[str]) -> Run:
    """Carries out a command line here; exit code, stdout, stderr."""

    def carry_out(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return (code, *capsys.readouterr())

    return carry_out


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts `facestreams` in a process of its own; it and its children end with the test, whatever happens."""
    with ExitStack() as stack:

        def start(*arguments: object) -> "subprocess.Popen[str]":
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "streams.cli", *map(str, arguments)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
            stack.callback(_kill_group, process.pid)
            return process

        yield start


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@pytest.fixture
def topics(broker: Broker, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Topics:
    """Topics of this test's own; the environment leads every command to them."""
    topics = Topics(prefix=next(_prefixes), partitions=2)
    asyncio.run(create_missing(connection, topics, replication=1))
    monkeypatch.setenv("FACESTREAMS_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    monkeypatch.setenv("FACESTREAMS_PREFIX", topics.prefix)
    monkeypatch.setenv("FACESTREAMS_PARTITIONS", "2")
    monkeypatch.setenv("FACESTREAMS_BROKER", broker.name)
    return topics
