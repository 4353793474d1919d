"""Topics are created here, compared with what exists, and given their epochs.

aiokafka's admin calls do not raise on refusal: the error code stands in the answer and is read here.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from streams.engine.brokers import Broker
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, CONTROL, FACE_FEATURES, GALLERY_COMMANDS, Topics, TopicSpec

EPOCH_TOPICS: Final = (CAMERA_FRAMES, GALLERY_COMMANDS, FACE_FEATURES)
"""Where an offset is remembered elsewhere: in event ids, and in snapshots of the gallery."""

TOPIC_EXISTS: Final = 36
SETTLE_S: Final = 10.0


class AdminError(Exception):
    """The broker cannot be reached, refused, or has topics that differ from what is promised. Stops the start."""


@asynccontextmanager
async def _client(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection.client_options())
    try:
        await client.start()
    except KafkaError as error:
        await client.close()
        raise AdminError(f"no broker answers at {connection.bootstrap_servers}: {error}") from error
    try:
        yield client
    finally:
        await client.close()


async def create_missing(connection: Connection, topics: Topics, *, replication: int) -> list[str]:
    """Create the topics that do not exist; a new epoch is drawn before each topic that needs one.

    So whatever ends this in the middle, no topic that was made anew runs under its old epoch. Returns the names
    of those that were created. Never alters a topic. Raises AdminError.
    """
    async with _client(connection) as client:
        existing = set(await client.list_topics())
        created = []
        for spec in topics:
            if spec.name in existing:
                continue
            if spec.short in EPOCH_TOPICS:
                await _draw_epoch(connection, topics, spec.short)
            if await _create(client, spec, replication):
                created.append(spec.name)
                await _settle(client, [spec.name])
    known = await epochs(connection, topics)
    for short in EPOCH_TOPICS:
        if short not in known:
            await _draw_epoch(connection, topics, short)
    return created


async def _create(client: AIOKafkaAdminClient, spec: TopicSpec, replication: int) -> bool:
    answer = await client.create_topics([NewTopic(spec.name, spec.partitions, replication, topic_configs=spec.config)])
    for _name, code, *message in answer.topic_errors:
        if code == TOPIC_EXISTS:
            return False
        if code:
            raise AdminError(f"the broker refused to create {spec.name}: {for_code(code).__name__} {message}")
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


async def differences(connection: Connection, topics: Topics, *, replication: int, broker: Broker) -> list[str]:
    """What differs between the topics as declared and as they are, one sentence each. Raises AdminError."""
    async with _client(connection) as client:
        existing = set(await client.list_topics())
        found = [f"{spec.name} does not exist" for spec in topics if spec.name not in existing]
        present = [spec for spec in topics if spec.name in existing]
        described = {topic["topic"]: topic for topic in await client.describe_topics([spec.name for spec in present])}
        for spec in present:
            found += _shape_differences(spec, described[spec.name], replication)
            if broker.retains:
                found += _config_differences(spec, await _config(client, spec.name))
    return found


def _shape_differences(spec: TopicSpec, found: dict[str, Any], replication: int) -> list[str]:
    partitions = found["partitions"]
    sentences = []
    if len(partitions) != spec.partitions:
        sentences.append(f"{spec.name} has {len(partitions)} partitions, expected {spec.partitions}")
    copies = min((len(partition["replicas"]) for partition in partitions), default=0)
    if copies < replication:
        sentences.append(f"{spec.name} has {copies} replicas, expected at least {replication}")
    return sentences


def _config_differences(spec: TopicSpec, found: dict[str, str]) -> list[str]:
    return [
        f"{spec.name} has {name}={found.get(name)}, expected {wanted}"
        for name, wanted in spec.config.items()
        if found.get(name) != wanted
    ]


async def _config(client: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    return {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}


async def epochs(connection: Connection, topics: Topics) -> dict[str, str]:
    """The epoch of each topic that has one, by the topic's short name. Raises AdminError."""
    partition = TopicPartition(topics.name(CONTROL), 0)
    consumer = AIOKafkaConsumer(
        **connection.client_options(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    found: dict[str, str] = {}
    async with _answered(connection, consumer):
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=200)).get(partition, []):
                if record.value:
                    epoch = records.decode(record.value, records.Epoch)
                    found[epoch.topic] = epoch.epoch
    return found


async def _draw_epoch(connection: Connection, topics: Topics, short: str) -> None:
    epoch = records.Epoch(topic=short, epoch=secrets.token_hex(4), created_at_ms=int(time.time() * 1000))
    producer = AIOKafkaProducer(**connection.client_options(), acks="all")
    async with _answered(connection, producer):
        await producer.send_and_wait(topics.name(CONTROL), records.encode(epoch), short.encode(), partition=0)


@asynccontextmanager
async def _answered(connection: Connection, client: AIOKafkaConsumer | AIOKafkaProducer) -> AsyncIterator[None]:
    """Started, and stopped whatever happens; what the broker does not answer is an AdminError."""
    try:
        await client.start()
        yield
    except KafkaError as error:
        raise AdminError(f"the broker at {connection.bootstrap_servers} does not answer: {error!r}") from error
    finally:
        await client.stop()
