"""Recognitions and sightings as a consumer should read them: each once, in order for each camera."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.highest import HighestOffsets
from streams.wire.connection import Connection
from streams.wire.records import Recognition, Sighting, decode
from streams.wire.rights import Role
from streams.wire.topics import RECOGNITIONS, SIGHTINGS, Topics

R = TypeVar("R", Recognition, Sighting)


class RecordReader(Generic[R]):
    """An asynchronous context manager and iterator over the records of one topic; never ends by itself.

    repeated: records dropped because they are not above the camera's highest. unreadable: records passed
    over because they are not of this kind; empty ones are not counted.
    """

    def __init__(
        self, connection: Connection, topics: Topics, kind: type[R], short: str, *, from_beginning: bool = False
    ) -> None:
        self.repeated = 0
        self.unreadable = 0
        self._connection = connection
        self._topics = topics
        self._short = short
        self._topic = topics.name(short)
        self._kind: type[R] = kind
        self._from_beginning = from_beginning
        self._highest = HighestOffsets()

    async def __aenter__(self) -> "RecordReader[R]":
        """What is appended from now on will be read.

        Raises BrokerUnreachableError, BrokerRefusedError or TopicMissingError; reading raises the first two.
        """
        await require_topics(self._connection, self._topics, Role.CONSUMER, self._short)
        self._consumer: AIOKafkaConsumer = await started_consumer(
            self._connection, self._topic, from_beginning=self._from_beginning
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def __aiter__(self) -> AsyncIterator[R]:
        with reaching(self._connection):
            async for message in self._consumer:
                record = self._new(message.value)
                if record is not None:
                    yield record

    def _new(self, raw: bytes | None) -> R | None:
        if not raw:
            return None
        try:
            record = decode(raw, self._kind)
            admitted = self._highest.admits(record.camera_id, record.event_id, _within_frame(record))
        except ValueError:  # includes msgspec's DecodeError
            self.unreadable += 1
            return None
        if not admitted:
            self.repeated += 1
        return record if admitted else None


def _within_frame(record: Recognition | Sighting) -> tuple[str, str] | None:
    return (record.visit_id, record.event) if isinstance(record, Sighting) else None


def recognition_reader(
    connection: Connection, topics: Topics, *, from_beginning: bool = False
) -> RecordReader[Recognition]:
    """A reader of what was recognised in each frame."""
    return RecordReader(connection, topics, Recognition, RECOGNITIONS, from_beginning=from_beginning)


def sighting_reader(connection: Connection, topics: Topics, *, from_beginning: bool = False) -> RecordReader[Sighting]:
    """A reader of who enters, is seen on, and leaves."""
    return RecordReader(connection, topics, Sighting, SIGHTINGS, from_beginning=from_beginning)
