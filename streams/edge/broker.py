"""How a program outside the worker reaches the broker: without a group, and without creating a topic."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    RequestTimedOutError,
    StaleMetadata,
)

from streams.edge.errors import (
    BrokerRefusedError,
    BrokerUnreachableError,
    PictureTooLargeError,
    TopicMissingError,
)
from streams.wire.connection import Connection
from streams.wire.topics import PICTURE_HEADROOM_BYTES

REQUEST_TIMEOUT_S: Final = 10.0
"""How long a broker may be silent before a client gives up; aiokafka's own 40 s are long for a command line."""

FETCH_WAIT_MS: Final = 100
UNREACHABLE: Final = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError, StaleMetadata)
"""How the Kafka client says that no broker answers."""


@contextmanager
def reaching(connection: Connection) -> Iterator[None]:
    """Turn a client's failures into BrokerUnreachableError, and a broker's refusals into BrokerRefusedError."""
    try:
        yield
    except UNREACHABLE as error:
        raise BrokerUnreachableError(connection.bootstrap_servers) from error
    except KafkaError as error:
        raise BrokerRefusedError(connection.bootstrap_servers, error) from error


@contextmanager
def delivering(connection: Connection, *, picture_bytes: int, limit_bytes: int) -> Iterator[None]:
    """As `reaching` does, and PictureTooLargeError where the topic takes less than our settings say."""
    with reaching(connection):
        try:
            yield
        except MessageSizeTooLargeError as error:
            raise PictureTooLargeError(picture_bytes, limit_bytes) from error


async def require_topics(connection: Connection, *names: str) -> None:
    """Raise TopicMissingError unless all exist.

    Asked of the whole list: a broker may create a topic, with settings that keep no promise, for whoever
    asks for it by name.
    """
    async with _admin(connection) as admin:
        existing = set(await admin.list_topics())
    for name in names:
        if name not in existing:
            raise TopicMissingError(name)


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000), **connection.client_options())
    try:
        with reaching(connection):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def started_producer(connection: Connection, *, max_picture_bytes: int) -> AIOKafkaProducer:
    """A producer that waits for every replica and takes pictures of this size. The caller stops it."""
    producer = AIOKafkaProducer(
        acks="all",
        max_request_size=max_picture_bytes + PICTURE_HEADROOM_BYTES,
        request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
        **connection.client_options(),
    )
    try:
        with reaching(connection):
            await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def started_consumer(connection: Connection, topic: str, *, from_beginning: bool) -> AIOKafkaConsumer:
    """A consumer of all partitions of an existing topic, in no group. The caller stops it.

    Its place is settled before this returns: whatever is appended afterwards will be read.
    """
    partitions = await _partitions(connection, topic)
    consumer = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
        **connection.client_options(),
    )
    try:
        with reaching(connection):
            await consumer.start()
            consumer.assign(partitions)
            seek = consumer.seek_to_beginning if from_beginning else consumer.seek_to_end
            if not await seek():
                raise BrokerUnreachableError(connection.bootstrap_servers)
    except BaseException:
        await consumer.stop()
        raise
    return consumer


async def _partitions(connection: Connection, topic: str) -> list[TopicPartition]:
    # a consumer without a topic knows of no partition: Kafka tells it only of the topics that it asks for
    async with _admin(connection) as admin:
        [described] = await admin.describe_topics([topic])
    if not described["partitions"]:
        raise TopicMissingError(topic)
    return [TopicPartition(topic, number) for number in sorted(each["partition"] for each in described["partitions"])]
