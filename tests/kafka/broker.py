"""Apache Kafka for tests: one broker or a cluster, KRaft, on loopback, with ports and directories of its own.

with Kafka(tmp_path) as kafka:
    kafka.bootstrap()
"""

import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from tests.kafka.jars import classpath

JVM: Final = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_S: Final = 60.0
STOP_S: Final = 30.0
CONTROLLER: Final = "CONTROLLER"

QUICK: Final = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "num.io.threads": "2",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "log.index.size.max.bytes": "1048576",
    "log.initial.task.delay.ms": "0",
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "0",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "broker.heartbeat.interval.ms": "300",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "replica.lag.time.max.ms": "3000",
    "replica.fetch.wait.max.ms": "100",
}
"""What is slow by default and makes tests slow: waits, housekeeping, failover."""


class KafkaError(Exception):
    """A broker or a tool of Kafka's ended or does not answer; the message has the last lines of its log."""


def java(main: str, *arguments: str) -> str:
    """Run one of Kafka's tools; what it printed. Raises KafkaError if it fails."""
    command = ["java", *JVM, "-cp", classpath(), main, *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_S)
    if ended.returncode:
        raise KafkaError(f"{main} ended with code {ended.returncode}:\n{(ended.stdout + ended.stderr)[-2000:]}")
    return ended.stdout


class Node:
    """One broker of a cluster, which is one process; it votes in the quorum of controllers as well."""

    def __init__(self, directory: Path, number: int, ports: Mapping[str, int], settings: Mapping[str, str]) -> None:
        """settings: its server.properties."""
        directory.mkdir(parents=True, exist_ok=True)
        self.number = number
        self.data_dir = directory / "data"
        self.log_path = directory / "broker.log"
        self._ports = ports
        self._properties = directory / "server.properties"
        lines = {"log.dirs": str(self.data_dir), **settings}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            raise KafkaError(f"broker {self.number} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Started, and not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def port(self, listener: str) -> int:
        """Where this listener listens, whatever it advertises."""
        return self._ports[listener]

    def format(self, cluster_id: str, options: Sequence[str]) -> None:
        """Prepare its empty directory."""
        java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(self._properties), *options)

    def start(self) -> None:
        """Start it; see `wait_ready`."""
        self.kill()  # one that ended by itself is cleared away
        level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=info"
        with self.log_path.open("ab") as log:
            command = ["java", *JVM, level, "-cp", classpath(), "kafka.Kafka", str(self._properties)]
            self._process = _parent.submit(_spawn, command, log).result()

    def wait_ready(self, timeout_s: float = START_S) -> None:
        """Wait until it serves clients. Raises KafkaError."""

        def serves() -> bool:
            if not self.running:
                raise KafkaError(f"broker {self.number} ended:\n{self.log_tail()}")
            return all(_listens(port) for name, port in self._ports.items() if name != CONTROLLER)

        if not _until(serves, timeout_s):
            raise KafkaError(f"broker {self.number} does not serve after {timeout_s:g} s:\n{self.log_tail()}")

    def terminate(self) -> None:
        """Ask it to end, and wait; killed if it does not."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self.kill()

    def kill(self) -> None:
        """End it as a crash would; one that is paused, too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-30:])


class Kafka:
    """A cluster of `nodes` brokers; topics get as many replicas as are asked for, offsets and transactions all.

    settings: properties that go over ours. listeners: their names; the first is used between brokers. advertised:
    the ports that a listener names to clients, one a node, where a proxy stands in front of it.
    format_options: passed on to `kafka-storage format`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        nodes: int = 1,
        settings: Mapping[str, str] | None = None,
        listeners: Sequence[str] = ("PLAINTEXT",),
        advertised: Mapping[str, Sequence[int]] | None = None,
        format_options: Sequence[str] = (),
    ) -> None:
        self._advertised = dict(advertised or {})
        self._format_options = tuple(format_options)
        self._listeners = tuple(listeners)
        free = iter(_free_ports(nodes * (len(listeners) + 1)))
        ports = [{name: next(free) for name in (*listeners, CONTROLLER)} for _ in range(nodes)]
        voters = ",".join(f"{number}@127.0.0.1:{each[CONTROLLER]}" for number, each in enumerate(ports, 1))
        self.nodes = [
            Node(
                directory / f"broker-{number}",
                number,
                each,
                {**self._common(nodes), **self._own(number, each), "controller.quorum.voters": voters}
                | dict(settings or {}),
            )
            for number, each in enumerate(ports, 1)
        ]

    def bootstrap(self, listener: str = "PLAINTEXT") -> str:
        """Addresses to give to clients."""
        return ",".join(f"127.0.0.1:{self._advertised_port(listener, node.number, node)}" for node in self.nodes)

    def start(self) -> None:
        """Format what is new, start all and wait until they serve. Raises KafkaError and KafkaMissingError."""
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        try:
            for node in self.nodes:
                if not node.data_dir.exists():
                    node.format(cluster_id, self._format_options)
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all at once; their data stays."""
        for node in self.nodes:
            node.kill()

    def _common(self, nodes: int) -> dict[str, str]:
        least = str(2 if nodes > 2 else 1)
        return {
            **QUICK,
            "broker.session.timeout.ms": "1500" if nodes > 1 else "6000",  # alone, it has nobody to fail over to
            "process.roles": "broker,controller",
            "controller.listener.names": CONTROLLER,
            "inter.broker.listener.name": self._listeners[0],
            "listener.security.protocol.map": ",".join(
                f"{name}:PLAINTEXT" for name in dict.fromkeys((*self._listeners, CONTROLLER))
            ),
            "default.replication.factor": str(nodes),
            "min.insync.replicas": least,
            "offsets.topic.replication.factor": str(nodes),
            "transaction.state.log.replication.factor": str(nodes),
            "transaction.state.log.min.isr": least,
        }

    def _own(self, number: int, ports: Mapping[str, int]) -> dict[str, str]:
        return {
            "node.id": str(number),
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
            "advertised.listeners": ",".join(
                f"{name}://127.0.0.1:{self._advertised.get(name, {number - 1: port})[number - 1]}"
                for name, port in ports.items()
                if name != CONTROLLER
            ),
        }

    def _advertised_port(self, listener: str, number: int, node: Node) -> int:
        return self._advertised[listener][number - 1] if listener in self._advertised else node.port(listener)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_ports(number: int) -> list[int]:
    """All taken at once, so that none comes twice."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


_parent: Final = ThreadPoolExecutor(1, "parent-of-brokers")
"""The kernel ends a broker with the thread that started it, so that must live as long as the process does."""


def _spawn(command: Sequence[str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start a process that the kernel kills when ours goes, however it goes (where the system can)."""
    bound = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    return subprocess.Popen([*bound, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
