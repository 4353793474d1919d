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

from streams.access.granted import require
from streams.access.refusal import RefusedError, missing_right, why_refused
from streams.edge.errors import (
    BrokerRefusedError,
    BrokerUnreachableError,
    PictureTooLargeError,
    TopicMissingError,
)
from streams.wire.connection import Connection
from streams.wire.header_names import read_any_header_name
from streams.wire.rights import Role, rights_of
from streams.wire.topics import PICTURE_HEADROOM_BYTES, Topics

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
        raise BrokerRefusedError(connection.bootstrap_servers, missing_right(error) or error) from error


@asynccontextmanager
async def starting(connection: Connection) -> AsyncIterator[None]:
    """As `reaching` does for a client that starts, where the Kafka client does not say why it finds no broker."""
    try:
        with reaching(connection):
            yield
    except BrokerUnreachableError as error:
        if (refused := await why_refused(connection)) is None:
            raise
        raise BrokerRefusedError(connection.bootstrap_servers, refused) from error


@contextmanager
def delivering(connection: Connection, *, picture_bytes: int, limit_bytes: int) -> Iterator[None]:
    """As `reaching` does, and PictureTooLargeError where the topic takes less than our settings say."""
    with reaching(connection):
        try:
            yield
        except MessageSizeTooLargeError as error:
            raise PictureTooLargeError(picture_bytes, limit_bytes) from error


async def require_topics(connection: Connection, topics: Topics, role: Role, *shorts: str) -> None:
    """Raise TopicMissingError unless these topics exist, and BrokerRefusedError unless we may do there what `role` may.

    The question creates none: their settings carry promises.
    """
    names = {topics.name(short) for short in shorts}
    rights = [right for right in rights_of(role, topics) if right.name in names]
    async with _admin(connection) as admin:
        try:
            absent = await require(admin, connection, role, rights)
        except RefusedError as error:
            raise BrokerRefusedError(connection.bootstrap_servers, error) from error
    if absent:
        raise TopicMissingError(absent[0])


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000), **connection.client_options())
    try:
        async with starting(connection):
            await admin.start()
        with reaching(connection):
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
        async with starting(connection):
            await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def started_consumer(
    connection: Connection, topic: str, *, from_beginning: bool, committed_alone: bool = True
) -> AIOKafkaConsumer:
    """A consumer of all partitions of an existing topic, in no group. The caller stops it.

    Its place is settled before this returns: whatever is appended afterwards will be read, whatever its headers are
    called (`read_any_header_name`, which holds for the whole process). committed_alone: it reads what is committed,
    and takes for a partition's end where the first open transaction begins.
    """
    read_any_header_name()
    partitions = await _partitions(connection, topic)
    consumer = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed" if committed_alone else "read_uncommitted",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
        **connection.client_options(),
    )
    try:
        async with starting(connection):
            await consumer.start()
        with reaching(connection):
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
