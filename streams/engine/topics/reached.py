"""How far the input topics were read under their epochs, kept on control and held against where they end.

An event id is the epoch, the topic, the partition and the offset. Where a topic ends below what was read of it (it was
deleted and made again by hand, or the broker was restored from an older copy), the same ids would be given to other
requests, and their entries would replace bills. Records are written once a minute, when partitions move and at the
stop: what was read since the last of them is not known to who compares.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.engine.outlet import Output, Send
from streams.engine.request import Request
from streams.engine.topics.admin import AdminError, answered, control_records, readable
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, CONTROL, GALLERY_COMMANDS, Topics

_log = structlog.get_logger(__name__)

INPUTS: Final = (CAMERA_FRAMES, GALLERY_COMMANDS)
EVERY_MS: Final = 60_000

Place = tuple[str, int]
"""An input topic's short name, and a partition."""


class RewoundError(AdminError):
    """An input topic ends below what was read of it under its epoch; the message says what to do."""

    def __init__(self, short: str, problem: str) -> None:
        super().__init__(
            f"{problem}: it was made anew or restored from an older copy, and event ids would repeat; stop all"
            f" workers, run facestreams topics new-epoch {short}, and start them again"
        )
        self.short = short


async def check(
    connection: Connection, topics: Topics, epochs: Mapping[str, str], read: Mapping[Place, int] | None = None
) -> None:
    """Raise RewoundError where an input topic ends below what was read of it under these epochs.

    read: next offsets of what this worker has read itself, which may not be on control yet. Raises AdminError where
    the broker does not answer.
    """
    known = await _known(connection, topics, epochs)
    for place, offset in (read or {}).items():
        known[place] = max(offset, known.get(place, 0))
    if not known:
        return
    partitions = {TopicPartition(topics.name(short), number): (short, number) for short, number in known}
    consumer = AIOKafkaConsumer(**connection.client_options(), group_id=None, enable_auto_commit=False)
    async with answered(connection, consumer):
        ends = await consumer.end_offsets(list(partitions))
    for partition, place in sorted(partitions.items()):
        if ends[partition] < known[place]:
            raise RewoundError(
                place[0],
                f"{partition.topic} ends at offset {ends[partition]} in partition {partition.partition}, but was read"
                f" to {known[place]} under the epoch {epochs[place[0]]}",
            )


async def _known(connection: Connection, topics: Topics, epochs: Mapping[str, str]) -> dict[Place, int]:
    """The next offset of every partition that there is and that was read under these epochs."""
    places = {
        _key(short, number): (short, number) for short in INPUTS for number in range(topics.spec(short).partitions)
    }
    found = [record for record in await control_records(connection, topics) if record.key in places]
    known: dict[Place, int] = {}
    for reached in readable(found, records.Reached):
        place = places.get(reached.topic.encode())
        if place is not None and reached.epoch == epochs.get(place[0]):
            known[place] = max(reached.next_offset, known.get(place, 0))
    return known


def _key(short: str, partition: int) -> bytes:
    return f"{short}/{partition}".encode()


class Reached:
    """How far this worker has read. epochs: of the input topics. clock_ms: milliseconds since 1970."""

    def __init__(self, topics: Topics, epochs: Mapping[str, str], clock_ms: Callable[[], int]) -> None:
        self._topics = topics
        self._epochs = epochs
        self._clock_ms = clock_ms
        self._places = {
            (topics.name(short), number): (short, number)
            for short in INPUTS
            for number in range(topics.spec(short).partitions)
        }
        self._next: dict[Place, int] = {}
        self._written: dict[Place, int] = {}
        self._ours: frozenset[Place] = frozenset()
        self._due_at_ms = 0

    def arrived(self, request: Request) -> None:
        """A request was read."""
        place = self._places[request.topic, request.partition]
        self._next[place] = max(request.offset + 1, self._next.get(place, 0))

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """These (topic, partition) are this worker's now; how far the others were read is written without delay."""
        self._ours = frozenset(self._places[partition] for partition in partitions)
        if not self._next.keys() <= self._ours:
            self._due_at_ms = 0

    def next_offset(self, topic: str, partition: int) -> int:
        """The offset behind the last one that this worker has read of a partition; 0 where it has read none."""
        return self._next.get(self._places[topic, partition], 0)

    def read(self) -> dict[Place, int]:
        """The next offset of every partition that this worker has read, and whose record may not be out yet."""
        return self._next.copy()

    async def write(self, send: Send) -> None:
        """Write what has moved, once a minute; what the broker does not take comes with the next."""
        if self._clock_ms() >= self._due_at_ms:
            self._due_at_ms = self._clock_ms() + EVERY_MS
            await self.write_rest(send)

    async def write_rest(self, send: Send) -> None:
        """Write what has moved."""
        for place, offset in tuple(self._next.items()):
            if self._written.get(place) != offset:
                try:
                    await (await send(self._output(place, offset)))
                except KafkaError as error:
                    _log.warning("control took no record, it is kept for later", error=repr(error))
                    return
                self._written[place] = offset
            if place not in self._ours:
                self._next.pop(place, None)  # the stop writes the rest while the last tick may still be at it
                self._written.pop(place, None)

    def _output(self, place: Place, next_offset: int) -> Output:
        key = _key(*place)
        record = records.Reached(
            topic=key.decode(),
            epoch=self._epochs[place[0]],
            created_at_ms=self._clock_ms(),
            next_offset=next_offset,
        )
        return Output(topic=self._topics.name(CONTROL), key=key, value=records.encode(record), partition=0)
