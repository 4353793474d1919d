"""The consumer that keeps the lease: what is changed in faust's and aiokafka's own.

- fetches answer within 100 ms instead of 1.5 s;
- heartbeats feed the lease; a membership that ends is known at once;
- a rebalance commits what is done before the books are forgotten, not after: nothing is done twice;
- waiting for work in flight, and for a commit at the stop, ends when it would be in vain;
- an acknowledgement of an earlier generation, or of what was never tracked, is ignored.

This file and `transport` alone reach into the engine; tests/streams/engine/test_transport.py fails when an upgrade
moves what is reached for.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Protocol, cast

from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    Consumer,
    ConsumerRebalanceListener,
    Transport,
)
from faust.types import TP
from mode.utils.futures import notify

from streams.engine.lease import Lease

FETCH_MAX_WAIT_MS: Final = 100
FETCH_MAX_BYTES: Final = 16 * 1024 * 1024
STOP_GRACE_S: Final = 5.0
LOOK_S: Final = 0.1


class Holder(Protocol):
    """The app that the consumer belongs to.

    assigned: called in the event loop with (topic, partition) pairs and the generation, before their first message.
    """

    lease: Lease
    assigned: Callable[[Collection[tuple[str, int]], int], object]


def _holder(part: Any) -> Holder:
    """The app that this part of faust belongs to."""
    return cast(Holder, part.app)


class _Listener(ConsumerRebalanceListener):
    """Runs in the consumer's thread: the lease hears of a rebalance before anybody else does."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Any:
        _holder(self._thread).lease.revoke()
        return super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        _holder(self._thread).lease.assign(self._thread._ensure_consumer()._coordinator.generation)
        await super().on_partitions_assigned(assigned)


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        _watch(self._ensure_consumer()._coordinator, _holder(self).lease)

    async def on_thread_stop(self) -> None:
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # a fetch that waits for an absent broker passes on the cancellation that was meant for it alone;
            # out of here it would end the thread without a word, and the engine waits a minute for that word
            await self._ensure_consumer()._client.close()


def _watch(coordinator: Any, lease: Lease) -> None:
    """Let the lease hear of every heartbeat that was answered, and of the end of the membership."""
    do_heartbeat, reset_generation = coordinator._do_heartbeat, coordinator.reset_generation

    async def heartbeat() -> bool:
        sent_at = time.monotonic()
        answered: bool = await do_heartbeat()
        # "rebalancing" is also an answer, but says nothing about how long the partitions stay ours
        if answered and not coordinator._rejoin_needed_fut.done():
            lease.heartbeat_answered(sent_at)
        return answered

    def reset() -> None:
        lease.member_lost()
        reset_generation()

    coordinator._do_heartbeat = heartbeat
    coordinator.reset_generation = reset


class LeasedConsumer(Consumer):
    """Acknowledges, commits and waits only for what is ours."""

    RebalanceListener = _Listener
    _stopping_since: float | None = None

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def ack(self, message: Any) -> bool:
        """Acknowledge a message of this generation; whether it was one."""
        if not message.tracked or message.generation_id != self.app.consumer_generation_id:
            return False
        return bool(super().ack(message))

    def abandon(self, message: Any) -> None:
        """Stop waiting for a message; nothing at or behind it will be committed under this generation."""
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait and commit first, forget afterwards."""
        if self._active_partitions is not None:
            self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        await self.commit()  # the wait inside may have joined an older commit
        self._forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin with empty books, and tell the holder before the first message."""
        self._forget([*self._acked, *self._committed_offset, *self._read_offset])
        self._unacked_messages.clear()
        _holder(self).assigned({(tp.topic, tp.partition) for tp in assigned}, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    def _forget(self, partitions: Iterable[TP]) -> None:
        for tp in tuple(partitions):
            for book in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
                book.pop(tp, None)

    async def wait_empty(self) -> None:
        """Wait for work in flight as long as it can still be published."""
        guard = asyncio.create_task(self._give_up_in_time())
        try:
            await super().wait_empty()
        finally:
            guard.cancel()

    async def _give_up_in_time(self) -> None:
        lease = _holder(self).lease
        while True:
            await asyncio.sleep(LOOK_S)
            if lease.hopeless or self._stop_grace_is_over():
                lease.give_up()
                self._unacked_messages.clear()
                notify(self._waiting_for_ack)

    async def _commit(self, offsets: Any) -> bool:
        under_way = asyncio.ensure_future(super()._commit(offsets))
        try:
            while not (await asyncio.wait({under_way}, timeout=LOOK_S))[0]:
                if self._stop_grace_is_over():
                    return False  # it would wait for a broker that is away until that comes back
            return bool(under_way.result())
        finally:
            under_way.cancel()

    def _stop_grace_is_over(self) -> bool:
        if not self.app.should_stop:
            return False
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        return time.monotonic() - self._stopping_since > STOP_GRACE_S


class LeasedTransport(Transport):
    """Makes such consumers."""

    Consumer = LeasedConsumer
