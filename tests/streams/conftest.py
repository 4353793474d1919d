"""One embedded broker for all tests; each test has topics of its own by a prefix of its own."""

import itertools
from collections.abc import Iterator

import pytest

from streams.engine.embedded import EmbeddedBroker
from streams.wire.connection import Connection
from streams.wire.topics import Topics

_numbers = itertools.count()


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def connection(embedded: EmbeddedBroker) -> Connection:
    embedded.check()
    return Connection(embedded.bootstrap_servers)


@pytest.fixture
def topics() -> Topics:
    return Topics(prefix=f"test{next(_numbers)}", partitions=4)
