"""Tests that need a broker run on each of both; each test has topics of its own by a prefix of its own."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.engine.brokers import BROKERS, EMBEDDED, Broker
from streams.engine.embedded import EmbeddedBroker
from streams.wire.connection import Connection
from streams.wire.topics import Topics

_numbers = itertools.count()


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="session", params=sorted(BROKERS))
def broker(request: pytest.FixtureRequest) -> Broker:
    """Which of the brokers `connection` leads to."""
    return BROKERS[request.param]


@pytest.fixture
def connection(broker: Broker, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """To a running broker; topics that the test made on Kafka go with it, since each takes files and memory."""
    if broker is EMBEDDED:
        embedded: EmbeddedBroker = request.getfixturevalue("embedded")
        embedded.check()
        yield Connection(embedded.bootstrap_servers)
    else:
        connection = Connection(request.getfixturevalue("kafka").bootstrap())
        before = asyncio.run(_topics(connection))
        yield connection
        asyncio.run(_delete_all_but(before, connection))


async def _topics(connection: Connection) -> set[str]:
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    try:
        return set(await client.list_topics())
    finally:
        await client.close()


async def _delete_all_but(before: set[str], connection: Connection) -> None:
    made = [name for name in await _topics(connection) - before if not name.startswith("__")]
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    try:
        await client.delete_topics(made)
    finally:
        await client.close()


@pytest.fixture
def topics() -> Topics:
    return Topics(prefix=f"test{next(_numbers)}", partitions=4)
