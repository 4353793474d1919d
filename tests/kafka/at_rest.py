"""A deployment that is looked through for pictures: a broker, a worker, and what was sent."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaProducer

from models.gallery.keys import KeyDirectory
from models.gallery.seal import joined, open_bytes, seal_bytes
from models.gallery.snapshot import sidecar_path
from streams.agents.gallery.snapshot_slots import SNAPSHOT_NAME
from streams.audit.pictures import Shingles, marker_in, scan
from streams.engine.topics import admin, inspection
from streams.engine.topics.promises import Difference
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, GALLERY_COMMANDS, Topics
from tests.kafka.broker import Kafka
from tests.kafka.sent_pictures import Sent

TOPICS = Topics(prefix="rest", partitions=2, max_picture_bytes=1024 * 1024)
INPUTS = (CAMERA_FRAMES, GALLERY_COMMANDS)
QUICKER = {"segment.ms": "2000", "file.delete.delay.ms": "1000"}
"""Than declared, so that the bound is seconds; it is computed from what the broker then says of itself."""


@dataclass
class Deployment:
    """A broker, a worker that writes wherever a worker writes, and what was sent. keys: of the worker."""

    kafka: Kafka
    directory: Path
    keys: KeyDirectory
    sent: list[Sent]
    known: Shingles
    port: int
    worker: subprocess.Popen[bytes] | None = None
    said: list[bytes] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return Connection(self.kafka.bootstrap())

    @property
    def places(self) -> list[Path]:
        """The broker's data and log, and all of the worker's directories, its output among them."""
        return [self.kafka.nodes[0].data_dir.parent, self.directory / "worker"]

    @property
    def snapshots(self) -> Path:
        return self.directory / "worker" / "snapshots"

    def start_worker(self) -> None:
        own = self.directory / "worker"
        for name in ("work", "tmp", "snapshots", "home"):
            (own / name).mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")} | {
            "HOME": str(own / "home"),
            "TMPDIR": str(own / "tmp"),
            "FACESTREAMS_BOOTSTRAP_SERVERS": self.kafka.bootstrap(),
            "FACESTREAMS_PREFIX": TOPICS.prefix,
            "FACESTREAMS_PARTITIONS": str(TOPICS.partitions),
            "FACESTREAMS_MAX_PICTURE_BYTES": str(TOPICS.max_picture_bytes),
            "FACESTREAMS_KEY_DIR": str(self.keys.path),
            "FACESTREAMS_REGION": "eu",
            "FACESTREAMS_HTTP_PORT": str(self.port),
            "FACESTREAMS_LOG_LEVEL": "debug",
            "FACESTREAMS_SNAPSHOT_DIR": str(self.snapshots),
            "FACESTREAMS_CACHE_DIR": str(own / "cache"),
            "FACESTREAMS_COMMIT_INTERVAL_S": "0.3",
        }
        with (own / "stdout").open("ab") as out, (own / "stderr").open("ab") as err:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env=environment,
                cwd=own / "work",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def stop_worker(self) -> int:
        assert self.worker is not None
        self.worker.send_signal(signal.SIGTERM)
        return self.worker.wait(30)

    def scrape(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            self.said.append(answer.read())

    def found(self) -> Counter[tuple[str, str]]:
        """What kind of picture stands in which topic's files, or in which file; in snapshots, behind their seal."""
        found = Counter((each.topic or each.path.name, each.what) for each in scan(self.places, self.known))
        for snapshot in self.opened_snapshots():
            known = None if self.known.offset_in(snapshot) is None else "known"
            found.update((SNAPSHOT_NAME, what) for what in (marker_in(snapshot), known) if what is not None)
        return found

    def opened_snapshots(self) -> list[bytes]:
        """What stands behind the seal of each."""
        return [
            open_bytes(
                self.keys.snapshot_key(), path.read_bytes(), joined(b"snapshot", sidecar_path(path).read_bytes())
            )
            for path in sorted(self.snapshots.glob(f"*/*/{SNAPSHOT_NAME}"))
        ]

    @contextmanager
    def planted_snapshot(self, content: bytes) -> Iterator[None]:
        """With this behind the seal of a snapshot that no worker has written."""
        path = self.snapshots / "main" / "planted" / SNAPSHOT_NAME
        path.parent.mkdir(parents=True)
        sidecar_path(path).write_bytes(b"{}")
        path.write_bytes(seal_bytes(self.keys.snapshot_key(), content, joined(b"snapshot", b"{}")))
        try:
            yield
        finally:
            shutil.rmtree(path.parent)


async def prepare(deployment: Deployment) -> None:
    """Topics with quicker settings, and what is sent on them."""
    await admin.create_missing(deployment.connection, TOPICS, replication=1)
    await inspection.mend(
        deployment.connection,
        [Difference(TOPICS.name(short), name, value, "", None) for short in INPUTS for name, value in QUICKER.items()],
    )
    async with AIOKafkaProducer(
        **deployment.connection.client_options(), max_request_size=TOPICS.max_record_bytes
    ) as producer:
        for number, each in enumerate(deployment.sent):
            if each.person_id is None:
                await producer.send_and_wait(
                    TOPICS.name(CAMERA_FRAMES), each.value, key=f"camera-{number % 3}".encode()
                )
            else:
                await producer.send_and_wait(
                    TOPICS.name(GALLERY_COMMANDS), each.value, key=each.person_id.encode(), headers=_enroll(each)
                )


def _enroll(sent: Sent) -> list[tuple[str, bytes]]:
    given = {"command": "enroll", "person_id": sent.person_id or "", "consent": "c-1", "consent_basis": "of_age"}
    return [(name, value.encode()) for name, value in given.items()]
