"""A worker as a process of its own, as it runs in service; started, watched and ended from here."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

READY_S: Final = 90.0
STOP_S: Final = 20.0
LOG_LINES: Final = 30


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WorkerProcessError(Exception):
    """The worker ended, or is not ready in time; the message ends with the last lines of its log."""


class WorkerProcess:
    """`facestreams worker` with these settings.

    settings: FACESTREAMS_ variables; FACESTREAMS_HTTP_PORT must be among them and free. None other are handed on.
    module: whose `worker` is run.
    """

    def __init__(self, settings: Mapping[str, str], *, module: str = "streams.cli") -> None:
        self.port = int(settings["FACESTREAMS_HTTP_PORT"])
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FACESTREAMS_")}
        descriptor, name = tempfile.mkstemp(prefix="facestreams-worker-", suffix=".log")
        self._log = Path(name)
        self._last_words = ""
        with os.fdopen(descriptor, "wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  the module is the caller's own
                [sys.executable, "-m", module, "worker"],
                env={**inherited, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def ready(self, timeout_s: float = READY_S) -> None:
        """Wait until it recognises frames as they come. Raises WorkerProcessError."""
        deadline = time.monotonic() + timeout_s
        while (said := await asyncio.to_thread(self._said)) is not None:
            if self.process.poll() is not None:
                raise WorkerProcessError(f"the worker ended with code {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise WorkerProcessError(f"the worker is not ready after {timeout_s:g} s ({said}):\n{self.log_tail()}")
            await asyncio.sleep(0.1)

    def check(self) -> None:
        """Raise WorkerProcessError if it has ended."""
        if self.process.poll() is not None:
            raise WorkerProcessError(f"the worker ended with code {self.process.returncode}:\n{self.log_tail()}")

    def stop(self) -> int:
        """Ask it to end and wait for that; its exit code. It is killed if it does not."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self._remove_log()

    def kill(self) -> int:
        """End it at once, as a crash would."""
        self.process.kill()
        code = self.process.wait()
        self._remove_log()
        return code

    def log(self) -> str:
        """All that it logged; after its end the last lines alone."""
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")
        return self._last_words

    def log_tail(self) -> str:
        """The last lines of its log, after its end as well."""
        return "\n".join(self.log().splitlines()[-LOG_LINES:])

    def _remove_log(self) -> None:
        self._last_words = self.log_tail()
        self._log.unlink(missing_ok=True)

    def _said(self) -> str | None:
        """None when ready, else why not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2):
                return None
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace")
        except OSError:
            return "it does not answer"
