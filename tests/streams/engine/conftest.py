"""A producer that the test answers for, and requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streams.engine.lease import Lease
from streams.engine.outlet import Output
from streams.engine.request import Request
from streams.engine.topics.found import FoundTopic
from streams.wire.topics import TopicSpec

KAFKAS_DEFAULTS = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "delete.retention.ms": "86400000",
    "file.delete.delay.ms": "60000",
    "max.compaction.lag.ms": "9223372036854775807",
    "max.message.bytes": "1048588",
    "message.timestamp.after.max.ms": "3600000",
    "message.timestamp.type": "CreateTime",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
    "segment.bytes": "1073741824",
    "segment.ms": "604800000",
    "unclean.leader.election.enable": "false",
}


@dataclass
class Place:
    partition: int
    offset: int


@dataclass
class Producer:
    """Takes outputs; `refuse` of them fail first, and those on `too_small` always; with `hold` the answers wait for
    `release`.
    """

    refuse: int = 0
    error: Exception = field(default_factory=lambda: RuntimeError("refused"))
    too_small: set[str] = field(default_factory=set)
    hold: bool = False
    taken: list[Output] = field(default_factory=list)
    waiting: list[asyncio.Future] = field(default_factory=list)

    async def send(self, output: Output) -> asyncio.Future:
        answer = asyncio.get_running_loop().create_future()
        if output.topic in self.too_small:
            answer.set_exception(MessageSizeTooLargeError())
            return answer
        if self.refuse:
            self.refuse -= 1
            answer.set_exception(self.error)
            return answer
        self.taken.append(output)
        if self.hold:
            self.waiting.append(answer)
        else:
            answer.set_result(Place(0, len(self.taken) - 1))
        return answer

    def release(self) -> None:
        for answer in self.waiting:
            answer.set_result(Place(0, 0))
        self.waiting.clear()


@pytest.fixture
def producer() -> Producer:
    return Producer()


@pytest.fixture
def lease() -> Lease:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: 0.0)
    lease.assign(1)
    return lease


@pytest.fixture
def request_at() -> Callable[..., Request]:
    def make(offset: int, key: bytes = b"lobby", partition: int = 0, generation: int = 1) -> Request:
        return Request("frames", partition, offset, 1000 + offset, key, b"x", (), generation, token=offset)

    return make


@pytest.fixture
def as_found() -> Callable[..., FoundTopic]:
    """A topic as Apache Kafka shows it after it was created as declared, but for `changed` settings."""

    def make(spec: TopicSpec, *, replication: int = 1, copies: int | None = None, **changed: str) -> FoundTopic:
        altered = {name.replace("_", "."): value for name, value in changed.items()}
        own = {**spec.settings(replication), **altered}
        copies = replication if copies is None else copies
        return FoundTopic(spec.name, spec.partitions, copies, KAFKAS_DEFAULTS | own, own)

    return make
