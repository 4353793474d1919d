"""A deployment whose bounds are seconds: a Kafka with an authorizer, topics, keys, a worker process, and the audit."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from models.gallery.keys import KeyDirectory
from streams.audit.finding import Promise
from streams.demo.worker_process import WorkerProcess, free_port
from streams.engine.topics.admin import create_missing
from streams.engine.topics.inspection import mend
from streams.engine.topics.promises import Difference
from streams.wire.connection import Connection
from streams.wire.rights import Role, rights_of
from streams.wire.topics import (
    CAMERA_FRAMES,
    ERASURES,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    RECOGNITIONS,
    RUNNING_LOG,
    VISITS,
    Topics,
)
from tests.kafka.broker import Kafka
from tests.kafka.policy.rights import allow

REGION: Final = "eu"
PARTITIONS: Final = 3
AUDIT_S: Final = 120.0

AUTHORIZED: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}
"""It asks who may do what, and lets in who comes without a name: rights can be given and seen."""

_INPUT: Final = {"segment.ms": "2000", "file.delete.delay.ms": "500"}
_COMPACTED: Final = {"max.compaction.lag.ms": "1000", "file.delete.delay.ms": "500"}
QUICK: Final = {
    CAMERA_FRAMES: _INPUT,
    GALLERY_COMMANDS: _INPUT,
    FACE_FEATURES: _COMPACTED,
    ERASURES: _COMPACTED,
    VISITS: _COMPACTED,
    RUNNING_LOG: _COMPACTED,
    RECOGNITIONS: {"segment.ms": "1000", "file.delete.delay.ms": "500"},
}
"""Settings that only scale times down: what a promise rests on besides is as it is created."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What one run of the audit printed. exit_code: the command's."""

    exit_code: int
    findings: dict[int, dict[str, Any]]

    @property
    def broken(self) -> set[int]:
        """Promises that it names as broken."""
        return {number for number, each in self.findings.items() if each["verdict"] == "broken"}

    @property
    def is_clean(self) -> bool:
        """Whether it has seen all nine to hold, and its exit code says so."""
        held = [number for number, each in self.findings.items() if each["verdict"] == "held"]
        return self.exit_code == 0 and held == list(Promise)

    def bound_s(self, promise: int) -> float:
        """Within which it says that the promise holds. Raises RuntimeError where it does not say."""
        bound_s = self.findings[promise]["bound_s"]
        if bound_s is None:
            raise RuntimeError(f"the audit says no time within which promise {promise} holds: {self.said()}")
        return float(bound_s)

    def said(self) -> str:
        """What it found fault with, for a failure's message."""
        faults = [
            f"{number} {each['verdict']}: {'; '.join(each['breaches'] or each['unseen'])}"
            for number, each in self.findings.items()
            if each["verdict"] != "held"
        ]
        return "\n".join(faults) or "nine held"


@dataclass(slots=True)
class Ground:
    """One deployment. directory: of the broker, keys and snapshots."""

    kafka: Kafka
    topics: Topics
    directory: Path
    keys: KeyDirectory
    worker: WorkerProcess | None = field(default=None)

    @property
    def connection(self) -> Connection:
        """As the broker's own administrator."""
        return Connection(self.kafka.bootstrap())

    @property
    def settings(self) -> dict[str, str]:
        """FACESTREAMS_ variables of the worker and of the audit."""
        given = {
            "BOOTSTRAP_SERVERS": self.kafka.bootstrap(),
            "PREFIX": self.topics.prefix,
            "PARTITIONS": str(self.topics.partitions),
            "KEY_DIR": str(self.keys.path),
            "REGION": REGION,
            "APP_ID": "77",
        }
        cache = os.environ.get("FACESTREAMS_CACHE_DIR")
        given |= {"CACHE_DIR": cache} if cache else {}
        return {f"FACESTREAMS_{name}": value for name, value in given.items()}

    async def start(self, *, module: str = "streams.cli") -> None:
        """Start the worker, and wait until it recognises. It takes the place of one that was killed."""
        own = {
            "INSTANCE_ID": "policy",
            "SNAPSHOT_DIR": str(self.directory / "snapshots"),
            "GALLERIES": "*=default,vip",
            "SESSION_TIMEOUT_S": "3",
            "REBALANCE_TIMEOUT_S": "3",
            "HEARTBEAT_S": "0.5",
            "SILENCE_S": "2",
            "VISIT_TIMEOUT_S": "3",
            "HTTP_PORT": str(free_port()),
        }
        ours = {f"FACESTREAMS_{name}": value for name, value in own.items()}
        self.worker = WorkerProcess({**self.settings, **ours}, module=module)
        await self.worker.ready()

    async def stop(self) -> None:
        """In order."""
        if self.worker is not None:
            await asyncio.to_thread(self.worker.stop)
            self.worker = None

    def kill(self) -> None:
        """As a crash would."""
        if self.worker is not None:
            self.worker.kill()
            self.worker = None

    async def audit(self) -> Audited:
        """`facestreams audit` with the broker's files and the keys, as an operator runs it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FACESTREAMS_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", "audit", "--json"),
            *("--broker-data", str(self.kafka.nodes[0].data_dir)),
            env={**inherited, **self.settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(AUDIT_S):
            out, err = await process.communicate()
        if process.returncode not in (0, 1, 2) or not out:
            raise RuntimeError(f"the audit ended with {process.returncode}: {err.decode(errors='replace')}")
        findings = [json.loads(line) for line in out.splitlines()]
        return Audited(process.returncode, {finding["promise"]: finding for finding in findings})


@asynccontextmanager
async def ground(directory: Path) -> AsyncIterator[Ground]:
    """A broker of its own, and topics; no worker yet. All of it is ended at the end."""
    topics = Topics(prefix="policy", partitions=PARTITIONS)
    with Kafka(directory / "kafka", settings=AUTHORIZED) as kafka:
        made = Ground(kafka, topics, directory, KeyDirectory.create(directory / "keys"))
        await create_missing(made.connection, topics, replication=1)
        changes = [
            Difference(topics.name(short), setting, value, "", None)
            for short, settings in QUICK.items()
            for setting, value in settings.items()
        ]
        await mend(made.connection, changes)
        for role in (Role.WORKER, Role.CAMERA, Role.CONSUMER):
            await allow(made.connection, f"main-{role}", rights_of(role, topics))
        try:
            yield made
        finally:
            made.kill()
