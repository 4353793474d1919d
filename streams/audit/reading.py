"""Topics, read from their beginning to where they ended when the audit began."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.access.partition import read_partition
from streams.audit.pictures import marker_in
from streams.engine.topics.admin import answered
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.feature_topic import texts
from streams.wire.header_names import read_any_header_name
from streams.wire.records import (
    Erasure,
    ErrorLogEntry,
    GalleryEvent,
    OpenVisits,
    Recognition,
    Record,
    RunningLogEntry,
    Sighting,
)
from streams.wire.topics import (
    ERASURES,
    ERROR_LOG,
    GALLERY_EVENTS,
    RECOGNITIONS,
    RUNNING_LOG,
    SIGHTINGS,
    VISITS,
    TopicSpec,
    is_filler,
)

FETCH_WAIT_MS: Final = 20
"""The next partition waits for the last one's fetch to be answered."""

KINDS: Final[Mapping[str, type[Record]]] = {
    ERASURES: Erasure,
    GALLERY_EVENTS: GalleryEvent,
    RUNNING_LOG: RunningLogEntry,
    RECOGNITIONS: Recognition,
    SIGHTINGS: Sighting,
    VISITS: OpenVisits,
    ERROR_LOG: ErrorLogEntry,
}
"""Which record each topic of JSON holds."""

Form = Literal["record", "tombstone", "picture", "unreadable"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One record of one of our output topics.

    short: the topic's short name. timestamp_ms: by the broker's clock or the sender's, as the topic has it.
    form: `tombstone` where there is no value (an empty one is a bad record); `picture` where a picture's beginning
        stands in its key, value or headers; `unreadable` where the topic holds another kind of records. A record of
        face-features is not decoded here: its form is never `unreadable`.
    record: decoded, where its form is `record`; None on face-features.
    """

    short: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: Mapping[str, str]
    form: Form
    record: Record | None

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"{self.short}-{self.partition}@{self.offset}"

    def __repr__(self) -> str:
        """Never a byte of what it holds."""
        return f"Seen({self.place}, {self.form}, {len(self.value)} bytes)"


@asynccontextmanager
async def reader(connection: Connection, *, committed_alone: bool) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer in no group. Raises AdminError where the broker does not answer, DeniedError where it refuses.

    committed_alone: it reads what is committed, and not before that; the other tells where topics really end.
    """
    read_any_header_name()
    consumer = AIOKafkaConsumer(
        **connection.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        isolation_level="read_committed" if committed_alone else "read_uncommitted",
    )
    async with answered(connection, consumer):
        yield consumer


async def ends(consumer: AIOKafkaConsumer, spec: TopicSpec) -> dict[TopicPartition, int]:
    """Where each partition of the topic ends now."""
    partitions = [TopicPartition(spec.name, number) for number in range(spec.partitions)]
    return dict(await consumer.end_offsets(partitions))


async def read(consumer: AIOKafkaConsumer, short: str, until: Mapping[TopicPartition, int]) -> AsyncIterator[Seen]:
    """Every record of these partitions below these offsets, one partition after the other; fillers are passed over.

    A transaction that is open is waited for. Raises StalledError where nothing comes though there is more.
    """
    for partition, end in sorted(until.items()):
        async for record in read_partition(consumer, partition, end):
            if not is_filler(record.key, record.value):
                yield seen(short, record)


def seen(short: str, record: Any) -> Seen:
    """An aiokafka record as the audit looks at it."""
    key, value = record.key or b"", record.value or b""
    headers = texts(record.headers)
    form, decoded = _decoded(short, key, record.value, [raw or b"" for _, raw in record.headers])
    return Seen(short, record.partition, record.offset, record.timestamp, key, value, headers, form, decoded)


def _decoded(short: str, key: bytes, value: bytes | None, headers: Collection[bytes]) -> tuple[Form, Record | None]:
    if any(marker_in(raw) is not None for raw in (key, value or b"", *headers)):
        return "picture", None
    if value is None:
        return "tombstone", None
    if short not in KINDS:
        return "record", None
    try:
        return "record", records.decode(value, KINDS[short])
    except msgspec.DecodeError:
        return "unreadable", None
