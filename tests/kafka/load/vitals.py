"""A worker's memory, file handles, lag and own metrics, looked at once a second. Linux alone has /proc."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.demo.worker_process import WorkerProcess
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, Topics

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """at_s: by the monotonic clock. lag: frames on the topic that no worker has acknowledged.

    heartbeat_s: longest time without an answered heartbeat since the sample before.
    """

    at_s: float
    rss_mib: float
    handles: int
    lag: int
    heartbeat_s: float


@dataclass(slots=True)
class Vitals:
    """Samples of one worker since its start."""

    worker: WorkerProcess
    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    topics: Topics
    samples: list[Sample] = field(default_factory=list)
    _task: "asyncio.Task[None] | None" = None

    @classmethod
    async def started(cls, worker: WorkerProcess, connection: Connection, topics: Topics) -> Self:
        """Looking."""
        consumer = AIOKafkaConsumer(**connection.client_options(), group_id=None)
        admin = AIOKafkaAdminClient(**connection.client_options())
        await consumer.start()
        await admin.start()
        vitals = cls(worker, consumer, admin, topics)
        vitals._task = asyncio.create_task(vitals._look())
        return vitals

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.consumer.stop()
        await self.admin.close()

    async def lag(self) -> int:
        """Frames that no worker has acknowledged."""
        name = self.topics.name(CAMERA_FRAMES)
        partitions = [TopicPartition(name, number) for number in range(self.topics.partitions)]
        ends = await self.consumer.end_offsets(partitions)
        group = f"{self.topics.prefix}.{self.topics.account}.workers"
        done = await self.admin.list_consumer_group_offsets(group, partitions=partitions)
        return sum(ends[each] - max(0, done[each].offset if each in done else 0) for each in partitions)

    def peak_rss_mib(self) -> float:
        """The most memory that the worker has had since its start."""
        return self._status("VmHWM") / 1024

    async def metric(self, name: str) -> dict[str, float]:
        """Samples of the worker's own metric, by label set as it is written; empty if there is none."""
        return await asyncio.to_thread(lambda: dict(self._metrics(name)))

    async def _look(self) -> None:
        while True:
            heartbeats = await self.metric("facestreams_heartbeat_longest_seconds")
            self.samples.append(
                Sample(
                    at_s=time.monotonic(),
                    rss_mib=self._status("VmRSS") / 1024,
                    handles=len(list(self._proc("fd").iterdir())),
                    lag=await self.lag(),
                    heartbeat_s=max(heartbeats.values()),
                )
            )
            await asyncio.sleep(LOOK_S)

    def since(self, at_s: float) -> list[Sample]:
        """What was seen from then on. Raises what ended the looking."""
        if self._task is not None and self._task.done():
            self._task.result()
        return [sample for sample in self.samples if sample.at_s >= at_s]

    def _status(self, name: str) -> int:
        """In KiB."""
        lines = self._proc("status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def _proc(self, name: str) -> Path:
        return Path("/proc", str(self.worker.process.pid), name)

    def _metrics(self, name: str) -> Iterator[tuple[str, float]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.worker.port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                sample, _, value = line.rpartition(" ")
                if sample.partition("{")[0] == name:
                    yield sample.partition("{")[2].removesuffix("}"), float(value)
