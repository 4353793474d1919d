"""What became of each frame, read from the topics as it comes."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.wire.connection import Connection
from streams.wire.event_id import EventId
from streams.wire.topics import CAMERA_FRAMES, RECOGNITIONS, RUNNING_LOG, Topics
from tests.kafka.load.feed import Place


class _Recognition(msgspec.Struct):
    event_id: str
    camera_id: str
    received_at_ms: int


class _Entry(msgspec.Struct):
    event_id: str
    return_code: str
    billed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One recognition. at_s: when it was read, by the monotonic clock. latency_s: from append to append."""

    place: Place
    camera: str
    at_s: float
    latency_s: float


@dataclass(slots=True)
class Answers:
    """recognised: in the order of reading. codes: by place, what the running log says. entries: how often it did.

    last_entry_s: when the last entry of each code was read, by the monotonic clock.
    """

    consumer: AIOKafkaConsumer
    recognised: list[Answer] = field(default_factory=list)
    codes: dict[Place, str] = field(default_factory=dict)
    entries: Counter[Place] = field(default_factory=Counter)
    last_entry_s: dict[str, float] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None

    @classmethod
    async def started(cls, connection: Connection, topics: Topics) -> Self:
        """Reading from the beginning."""
        consumer = AIOKafkaConsumer(**connection.client_options(), group_id=None, fetch_max_wait_ms=100)
        await consumer.start()
        partitions = [
            TopicPartition(topics.name(short), number)
            for short in (RECOGNITIONS, RUNNING_LOG)
            for number in range(topics.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        answers = cls(consumer)
        answers._task = asyncio.create_task(answers._read(topics.name(RECOGNITIONS)))
        return answers

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.consumer.stop()

    async def all_of(self, sent: dict[Place, str], patience_s: float) -> float:
        """Wait until each of these frames has an entry; how long that took. Raises TimeoutError."""
        begun = time.monotonic()
        while missing := len(sent.keys() - self.codes.keys()):
            if self._task is not None and self._task.done():
                self._task.result()
            if time.monotonic() - begun > patience_s:
                raise TimeoutError(f"{missing} of {len(sent)} frames were not answered within {patience_s:g} s")
            await asyncio.sleep(0.1)
        return time.monotonic() - begun

    async def _read(self, recognitions: str) -> None:
        async for record in self.consumer:
            if not record.value:
                continue
            if record.topic == recognitions:
                self._recognised(record)
            else:
                self._entry(record)

    def _recognised(self, record: Any) -> None:
        said = msgspec.json.decode(record.value, type=_Recognition)
        latency_s = (record.timestamp - said.received_at_ms) / 1000
        self.recognised.append(Answer(_place(said.event_id), said.camera_id, time.monotonic(), latency_s))

    def _entry(self, record: Any) -> None:
        said = msgspec.json.decode(record.value, type=_Entry)
        if EventId.parse(said.event_id).topic == CAMERA_FRAMES:
            place = _place(said.event_id)
            self.codes[place] = said.return_code
            self.entries[place] += 1
            self.last_entry_s[said.return_code] = time.monotonic()


def _place(event_id: str) -> Place:
    event = EventId.parse(event_id)
    return event.partition, event.offset


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of them lies; 0.0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0
