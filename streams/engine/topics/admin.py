"""Topics are created here, and given their epochs.

aiokafka's admin calls do not raise on refusal: the error code stands in the answer and is read here.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from streams.access.closing import let_go
from streams.access.granted import require
from streams.access.partition import read_partition
from streams.access.refusal import RefusedError, missing_right, unlogged, why_refused
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.header_names import read_any_header_name
from streams.wire.rights import Right, Role, rights_of
from streams.wire.topics import CAMERA_FRAMES, CONTROL, FACE_FEATURES, GALLERY_COMMANDS, Topics, TopicSpec

_log = structlog.get_logger(__name__)

EPOCH_TOPICS: Final = (CAMERA_FRAMES, GALLERY_COMMANDS, FACE_FEATURES)
"""Where an offset is remembered elsewhere: in event ids, and in snapshots of the gallery."""

TOPIC_EXISTS: Final = 36
SETTLE_S: Final = 10.0


class AdminError(Exception):
    """The broker cannot be reached, refused, or has topics that differ from what is promised. Stops the start."""


class DeniedError(AdminError):
    """The broker is there and does not serve us: a user, a certificate, a right."""

    def __init__(self, connection: Connection, refused: RefusedError) -> None:
        super().__init__(f"the Kafka broker at {connection.bootstrap_servers} refused: {refused}")


@asynccontextmanager
async def admin_client(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started one, closed at the end. Raises AdminError where no broker answers or lets us in, then or later."""
    client = AIOKafkaAdminClient(**connection.client_options())
    try:
        with unlogged():
            await client.start()
    except KafkaError as error:
        await let_go(client)
        if (refused := await why_refused(connection)) is not None:
            raise DeniedError(connection, refused) from error
        raise AdminError(f"no broker answers at {connection.bootstrap_servers}: {error}") from error
    try:
        yield client
    except KafkaError as error:
        raise _unanswered(connection, error) from error
    finally:
        await let_go(client)


def _unanswered(connection: Connection, error: KafkaError) -> AdminError:
    return AdminError(f"the broker at {connection.bootstrap_servers} does not answer: {error!r}")


async def require_rights(connection: Connection, role: Role, rights: Sequence[Right]) -> None:
    """Raise DeniedError unless we have these rights, which are those of `role` or a part of them.

    A topic that does not exist has none to ask for: that is for others to find. Raises AdminError as all here do.
    """
    async with admin_client(connection) as client:
        try:
            await require(client, connection, role, rights)
        except RefusedError as error:
            raise DeniedError(connection, error) from error


async def create_missing(connection: Connection, topics: Topics, *, replication: int) -> list[str]:
    """Create the topics that do not exist; a new epoch is drawn before each topic that needs one.

    So whatever ends this in the middle, no topic that was made anew runs under its old epoch. Returns the names
    of those that were created. Never alters a topic. Raises AdminError.
    """
    await require_rights(connection, Role.OPERATOR, rights_of(Role.OPERATOR, topics))
    async with admin_client(connection) as client:
        existing = set(await client.list_topics())
        created = []
        for spec in topics:
            if spec.name in existing:
                continue
            if spec.short in EPOCH_TOPICS:
                await draw_epoch(connection, topics, spec.short)
            if await _create(client, spec, replication):
                created.append(spec.name)
                await _settle(client, [spec.name])
    known = await epochs(connection, topics)
    for short in EPOCH_TOPICS:
        if short not in known:
            await draw_epoch(connection, topics, short)
    return created


async def _create(client: AIOKafkaAdminClient, spec: TopicSpec, replication: int) -> bool:
    wanted = NewTopic(spec.name, spec.partitions, replication, topic_configs=spec.settings(replication))
    answer = await client.create_topics([wanted])
    for _name, code, *message in answer.topic_errors:
        if code == TOPIC_EXISTS:
            return False
        if code:
            words = " ".join(filter(None, message))  # an old version of the answer has none
            raise AdminError(f"the broker refused to create {spec.name}: {for_code(code).__name__} {words}")
    return True


async def _settle(client: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until every created topic has a leader for each of its partitions."""
    deadline = time.monotonic() + SETTLE_S
    while names:
        described = await client.describe_topics(names)
        if all(
            topic["error_code"] == 0 and topic["partitions"] and all(p["leader"] >= 0 for p in topic["partitions"])
            for topic in described
        ):
            return
        if time.monotonic() > deadline:
            raise AdminError(f"topics were created but have no leader after {SETTLE_S:g} s: {', '.join(names)}")
        await asyncio.sleep(0.1)


async def epochs(connection: Connection, topics: Topics) -> dict[str, str]:
    """The epoch of each topic that has one, by the topic's short name. Raises AdminError."""
    keys = {short.encode() for short in EPOCH_TOPICS}
    drawn = [record for record in await control_records(connection, topics) if record.key in keys]
    return {epoch.topic: epoch.epoch for epoch in readable(drawn, records.Epoch)}


def readable(found: Iterable[Any], kind: type[records.R]) -> Iterator[records.R]:
    """What decodes of the records of our own topic; the others are logged and passed over."""
    for record in found:
        try:
            yield records.decode(record.value, kind)
        except ValueError:
            _log.warning("record refused", topic=record.topic, partition=record.partition, offset=record.offset)


async def control_records(connection: Connection, topics: Topics) -> list[Any]:
    """All that stands on the control topic now, as aiokafka's records with a key and a value. Raises AdminError."""
    read_any_header_name()
    partition = TopicPartition(topics.name(CONTROL), 0)
    consumer = AIOKafkaConsumer(
        **connection.client_options(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    async with answered(connection, consumer):
        end = (await consumer.end_offsets([partition]))[partition]
        found = [record async for record in read_partition(consumer, partition, end)]
    return [record for record in found if record.key and record.value]


async def draw_epoch(connection: Connection, topics: Topics, short: str) -> None:
    """Give a topic a new epoch: what it holds from now on is not what it held before. Raises AdminError."""
    epoch = records.Epoch(topic=short, epoch=secrets.token_hex(4), created_at_ms=int(time.time() * 1000))
    producer = AIOKafkaProducer(**connection.client_options(), acks="all")
    async with answered(connection, producer):
        await producer.send_and_wait(topics.name(CONTROL), records.encode(epoch), short.encode(), partition=0)


@asynccontextmanager
async def answered(connection: Connection, client: AIOKafkaConsumer | AIOKafkaProducer) -> AsyncIterator[None]:
    """Started, and stopped whatever happens; what the broker does not answer is an AdminError."""
    try:
        await client.start()
        yield
    except KafkaError as error:
        if (refused := missing_right(error) or await why_refused(connection)) is not None:
            raise DeniedError(connection, refused) from error
        raise _unanswered(connection, error) from error
    finally:
        await let_go(client)
