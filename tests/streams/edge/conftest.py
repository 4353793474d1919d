import itertools
from collections.abc import Iterator

import pytest

from streams.engine.admin import create_missing
from streams.engine.brokers import EMBEDDED
from streams.engine.embedded import EmbeddedBroker
from streams.wire.connection import Connection
from streams.wire.topics import Topics

_prefixes = (f"test{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def connection() -> Iterator[Connection]:
    """A broker of this session's own, on loopback; it ends with the session."""
    with EmbeddedBroker() as broker:
        yield Connection(broker.bootstrap_servers)


@pytest.fixture
async def topics(connection: Connection) -> Topics:
    """Topics of this test's own, with two partitions each."""
    topics = Topics(prefix=next(_prefixes), partitions=2, max_picture_bytes=100_000)
    await create_missing(connection, topics, replication=1, broker=EMBEDDED)
    return topics
