"""What waits in aiokafka's producer goes out only under the lease, and in the generation in which it was begun."""

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka import TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch

from streams.engine.group.batches import LeaseOverError, watch_batches
from streams.engine.lease import Lease

FREE = "error-log"


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Client:
    """Connects when it is told to."""

    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self, node_id: int) -> bool:
        await self.connected.wait()
        return True


@dataclass
class Sender:
    client: Client
    sent: list[list[str]] = field(default_factory=list)
    _in_flight: set[int] = field(default_factory=set)
    _muted_partitions: set[TopicPartition] = field(default_factory=set)

    async def _send_produce_req(self, node_id: int, batches: dict[TopicPartition, MessageBatch]) -> None:
        self.sent.append(sorted(partition.topic for partition in batches))
        self._in_flight.remove(node_id)
        self._muted_partitions -= set(batches)

    async def drain(self, *batches: MessageBatch) -> None:
        """As its routine does with what was drained for one node."""
        self._in_flight.add(1)
        self._muted_partitions |= {batch.tp for batch in batches}
        await self._send_produce_req(1, {batch.tp: batch for batch in batches})


class Accumulator:
    def _append_batch(self, builder: BatchBuilder, tp: TopicPartition) -> MessageBatch:
        return MessageBatch(tp, builder, 10, 0)


class Watched:
    """A producer under a lease of 5.5 s, connected."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=self.clock)
        self.lease.assign(1)
        self.client = Client()
        self.client.connected.set()
        self.sender = Sender(self.client)
        self.accumulator = Accumulator()
        watch_batches(self.accumulator, self.sender, self.lease, {FREE})

    def batch(self, topic: str) -> tuple[MessageBatch, asyncio.Future]:
        batch = self.accumulator._append_batch(BatchBuilder(1000, 0), TopicPartition(topic, 0))
        return batch, batch.append(b"key", b"value", None)

    @property
    def idle(self) -> bool:
        return not self.sender._in_flight and not self.sender._muted_partitions


@pytest.fixture
async def watched() -> Watched:
    return Watched()


async def test_goes_out_under_the_lease(watched) -> None:
    batch, outcome = watched.batch("sightings")
    await watched.sender.drain(batch)
    assert watched.sender.sent == [["sightings"]]
    assert not outcome.done()


async def test_is_held_back_once_the_lease_is_over_and_the_sender_goes_on(watched) -> None:
    batch, outcome = watched.batch("sightings")
    watched.clock.now_s = 5.5
    await watched.sender.drain(batch)
    assert isinstance(outcome.exception(), LeaseOverError)
    assert (watched.sender.sent, watched.idle) == ([], True)


async def test_what_needs_no_lease_goes_out_beside_what_is_held_back(watched) -> None:
    held, outcome = watched.batch("sightings")
    free, other = watched.batch(FREE)
    watched.clock.now_s = 5.5
    await watched.sender.drain(held, free)
    assert isinstance(outcome.exception(), LeaseOverError)
    assert (watched.sender.sent, watched.idle, other.done()) == ([[FREE]], True, False)


async def test_is_held_back_in_a_later_generation_though_the_lease_is_valid_again(watched) -> None:
    batch, outcome = watched.batch("sightings")
    watched.lease.assign(2)
    await watched.sender.drain(batch)
    assert isinstance(outcome.exception(), LeaseOverError)
    again, _ = watched.batch("sightings")
    await watched.sender.drain(again)
    assert watched.sender.sent == [["sightings"]]


async def test_is_looked_at_once_the_connection_stands(watched) -> None:
    batch, outcome = watched.batch("sightings")
    watched.client.connected.clear()
    sending = asyncio.create_task(watched.sender.drain(batch))
    await asyncio.sleep(0)
    watched.clock.now_s = 5.5
    watched.client.connected.set()
    await sending
    assert isinstance(outcome.exception(), LeaseOverError)


async def test_a_batch_that_is_sent_again_is_looked_at_again(watched) -> None:
    batch, outcome = watched.batch("sightings")
    await watched.sender.drain(batch)
    watched.clock.now_s = 5.5
    await watched.sender.drain(batch)
    assert watched.sender.sent == [["sightings"]]
    assert isinstance(outcome.exception(), LeaseOverError)
