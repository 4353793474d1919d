import itertools

import pytest

from streams.engine.topics.admin import create_missing
from streams.wire.connection import Connection
from streams.wire.topics import Topics

_numbers = itertools.count()


@pytest.fixture
async def topics(connection: Connection) -> Topics:
    """Topics of this test's own, with two partitions each."""
    topics = Topics(prefix=f"edge{next(_numbers)}", partitions=2, max_picture_bytes=100_000)
    await create_missing(connection, topics, replication=1)
    return topics
