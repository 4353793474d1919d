"""What is done to a running cluster, and what is waited for after it."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.wire.connection import Connection
from streams.wire.topics import Topics
from tests.kafka.broker import Kafka, Node, java
from tests.kafka.faults.rig import RigError

PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.2
TOPICS_OWN: Final = 1
"""config_source of what is set on the topic itself; the rest are defaults."""


async def started(node: Node) -> None:
    """Start it and wait until it serves."""
    await asyncio.to_thread(node.start)
    await asyncio.to_thread(node.wait_ready)


async def ended(node: Node) -> None:
    """Wait until it ends by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while node.running:
            await asyncio.sleep(LOOK_S)


async def coordinator(kafka: Kafka, connection: Connection, group_id: str) -> Node:
    """The node that coordinates this group."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        number = await admin.find_coordinator(group_id)
    finally:
        await admin.close()
    return next(node for node in kafka.nodes if node.number == number)


async def in_sync(connection: Connection, topics: Topics, *, copies: int) -> None:
    """Wait until all partitions of all topics have so many copies in sync."""
    names = [spec.name for spec in topics]
    async with asyncio.timeout(PATIENCE_S):
        while not await _in_sync(connection, names, copies):
            await asyncio.sleep(LOOK_S)


async def _in_sync(connection: Connection, names: list[str], copies: int) -> bool:
    admin = AIOKafkaAdminClient(**connection.client_options())
    try:
        await admin.start()
        found = await admin.describe_topics(names)
    except KafkaError:
        return False
    finally:
        await admin.close()
    return all(len(partition["isr"]) == copies for topic in found for partition in topic["partitions"])


async def elect_preferred(kafka: Kafka) -> None:
    """Each partition is led by the first of its copies again."""
    await asyncio.to_thread(
        java,
        "org.apache.kafka.tools.LeaderElectionCommand",
        "--bootstrap-server",
        kafka.bootstrap(),
        "--election-type",
        "preferred",
        "--all-topic-partitions",
    )


async def altered(connection: Connection, topic: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Alter these settings of a topic and leave its others; what these were."""
    resource = ConfigResourceType.TOPIC
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(resource, topic)])
        _code, _message, _type, _name, entries = answer.resources[0]
        own = {entry[0]: entry[1] for entry in entries if entry[3] == TOPICS_OWN}
        (answer,) = await admin.alter_configs([ConfigResource(resource, topic, {**own, **settings})])
        code, message, *_ = answer.resources[0]
    finally:
        await admin.close()
    if code:
        raise RigError(f"{topic} does not take {settings}: {message}")
    return {name: own[name] for name in settings}
