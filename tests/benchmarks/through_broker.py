"""Ours as it is used: frames on a topic of the embedded broker, a worker, recognitions on another topic."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from urllib.request import urlopen

from aiokafka import AIOKafkaConsumer
from clips import Clip
from rig import Rig
from systems import Named, Run

from models.gallery.keys import KeyDirectory
from streams.demo.worker_process import WorkerProcess
from streams.edge.broker import started_consumer, started_producer
from streams.edge.client import GalleryClient
from streams.engine.embedded import EmbeddedBroker
from streams.engine.topics.admin import create_missing
from streams.wire.connection import Connection
from streams.wire.records import Recognition, decode
from streams.wire.topics import CAMERA_FRAMES, RECOGNITIONS, Topics

DRAIN_S = 120.0
"""Longest wait for a run's last recognition, the start of its worker included."""


class ThroughBroker:
    """The embedded broker with one clip's people enrolled; a context manager.

    All frames of a run are on the topic before its worker starts, so that neither a publisher nor a reader takes
    processor time from it. Frames bear the time at which they were filmed, which this broker leaves as it is: what
    is done every few seconds is done as often as in a live feed.
    """

    name = "facestreams"

    def __init__(self, clip: Clip, rig: Rig, copies: int) -> None:
        """copies: how many cameras show the clip at once."""
        self._clip = clip
        self._cache_dir = rig.cache_dir
        self._copies = copies
        self._runs = 0
        self._topics = Topics()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            broker = stack.enter_context(EmbeddedBroker())
            key_dir = Path(stack.enter_context(TemporaryDirectory()), "keys")
            KeyDirectory.create(key_dir)
            self._connection = Connection(broker.bootstrap_servers)
            self._environment = {
                "FACESTREAMS_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
                "FACESTREAMS_BROKER": "embedded",
                "FACESTREAMS_KEY_DIR": str(key_dir),
                "FACESTREAMS_CACHE_DIR": str(self._cache_dir),
                "FACESTREAMS_LOG_LEVEL": "error",
            }
            asyncio.run(self._enroll())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, clip: Clip) -> Run:
        """See `System`. Raises ValueError for another clip than the one whose people are enrolled."""
        if clip is not self._clip:
            raise ValueError(f"the people of {self._clip.name} are enrolled, not those of {clip.name}")
        self._runs += 1
        return asyncio.run(self._run())

    @contextmanager
    def _worker(self) -> Iterator[tuple[WorkerProcess, int]]:
        """A worker that runs for a while, and its HTTP port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            http_port = int(probe.getsockname()[1])
        worker = WorkerProcess({**self._environment, "FACESTREAMS_HTTP_PORT": str(http_port)})
        try:
            yield worker, http_port
        finally:
            worker.stop()

    async def _enroll(self) -> None:
        await create_missing(self._connection, self._topics, replication=1)
        with self._worker() as (worker, _):
            await worker.ready()
            async with GalleryClient(self._connection, self._topics) as gallery:
                for person_id, picture in self._clip.people.items():
                    answer = await gallery.enroll(person_id, picture, consent="bench", consent_basis="of_age")
                    if not answer.accepted:
                        raise ValueError(f"{person_id} of {self._clip.name}: {answer.code} ({answer.detail})")

    async def _run(self) -> Run:
        reader = await started_consumer(self._connection, self._topics.name(RECOGNITIONS), from_beginning=False)
        try:
            await self._publish()
            with self._worker() as (worker, http_port):
                values = await self._drained(reader, worker)
                encodings = await asyncio.to_thread(_encodings, http_port)
        finally:
            await reader.stop()
        return self._run_of([decode(value, Recognition) for value in values], encodings)

    async def _drained(self, reader: AIOKafkaConsumer, worker: WorkerProcess) -> list[bytes]:
        """The recognitions of this run's frames, once they are all there."""
        frames, values = self._copies * len(self._clip), []
        ours = self._prefix().encode()
        deadline_s = time.monotonic() + DRAIN_S
        while len(values) < frames:
            worker.check()
            if time.monotonic() > deadline_s:
                raise TimeoutError(
                    f"{len(values)} of {frames} frames were recognised within {DRAIN_S:g} s\n{worker.log_tail()}"
                )
            batches = await reader.getmany(timeout_ms=500)
            values += [record.value for batch in batches.values() for record in batch if record.key.startswith(ours)]
        return values

    async def _publish(self) -> None:
        filmed_ms = 1000 * len(max(self._clip.cameras.values(), key=len)) / self._clip.frames_per_s
        begun_ms = time.time_ns() // 1_000_000 - filmed_ms
        producer = await started_producer(self._connection, max_picture_bytes=self._topics.max_picture_bytes)
        try:
            for camera_id, number, jpeg in self._clip.frames():
                for copy in range(self._copies):
                    await producer.send(
                        self._topics.name(CAMERA_FRAMES),
                        jpeg,
                        key=f"{self._prefix(copy)}{camera_id}".encode(),
                        headers=[("frame_id", str(number).encode())],
                        timestamp_ms=round(begun_ms + 1000 * number / self._clip.frames_per_s),
                    )
            await producer.flush()
        finally:
            await producer.stop()

    def _prefix(self, copy: int | None = None) -> str:
        """How the ids of this run's cameras begin, or of those of one copy."""
        return f"run{self._runs}-" if copy is None else f"run{self._runs}-{copy}-"

    def _run_of(self, recognitions: list[Recognition], encodings: int) -> Run:
        processed_ms = [record.processed_at_ms for record in recognitions]
        fps = 1000 * (len(recognitions) - 1) / (max(processed_ms) - min(processed_ms))
        first = self._prefix(0)
        said = {
            (record.camera_id.removeprefix(first), int(record.frame_id or 0)): tuple(_named(record))
            for record in recognitions
            if record.camera_id.startswith(first)
        }
        return Run(fps, encodings / self._copies, said)


def _encodings(http_port: int) -> int:
    """Faces that a worker has encoded since its start, by its own metrics."""
    with urlopen(f"http://127.0.0.1:{http_port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return round(sum(float(line.split()[1]) for line in lines if line.startswith("facestreams_encodings_total")))


def _named(record: Recognition) -> list[Named]:
    return [
        ((face.box.left, face.box.top, face.box.width, face.box.height), face.match.person_id) for face in record.faces
    ]
