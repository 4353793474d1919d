"""A worker as it is deployed: a process of its own, configured by its environment."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

START_S, STOP_S = 60.0, 30.0


class WorkerError(Exception):
    """The worker ended, or was not ready in time."""


class WorkerProcess:
    """`facestreams worker`; a context manager. It may take frames from before it is asked whether it is ready."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._port = _free_port()
        self._environment = {**os.environ, **environment, "FACESTREAMS_HTTP_PORT": str(self._port)}

    def __enter__(self) -> Self:
        command = Path(sys.executable).with_name("facestreams")
        self._process = subprocess.Popen([command, "worker"], env=self._environment, stdin=subprocess.DEVNULL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raise WorkerError if it has ended."""
        if self._process.poll() is not None:
            raise WorkerError(f"the worker ended with code {self._process.returncode}")

    def wait_until_ready(self) -> None:
        """Return when it answers so. Raises WorkerError."""
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            self.check()
            try:
                self._get("ready")
            except URLError:
                time.sleep(0.1)
            else:
                return
        raise WorkerError(f"the worker was not ready within {START_S:g} s")

    def encodings(self) -> int:
        """Faces that it has encoded since its start, by its own metrics."""
        lines = self._get("metrics").splitlines()
        return round(sum(float(line.split()[1]) for line in lines if line.startswith("facestreams_encodings_total")))

    def _get(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self._port}/{path}", timeout=5) as answer:
            return answer.read().decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
