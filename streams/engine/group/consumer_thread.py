"""The consumer's own thread: there aiokafka reads and beats, and the lease hears of a rebalance before anybody else."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, ConsumerRebalanceListener
from mode.threads import WorkerThread

from streams.engine.group.holder import holder_of
from streams.engine.group.membership import watch_lease, watch_name
from streams.engine.group.positions import watch_positions

FETCH_MAX_WAIT_MS: Final = 100
FETCH_MAX_BYTES: Final = 16 * 1024 * 1024


class Listener(ConsumerRebalanceListener):
    """Tells the lease of a rebalance, then faust."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Any:
        """A rebalance has begun."""
        holder_of(self._thread).lease.revoke()
        return super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """It has ended."""
        holder_of(self._thread).lease.assign(self._thread._ensure_consumer()._coordinator.generation)
        await super().on_partitions_assigned(assigned)


class PassingThread(WorkerThread):
    """Does not hold up the end of a process whose stop has failed; a stop that does not fail waits for it."""

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True


class ConsumerThread(AIOKafkaConsumerThread):
    """Fetches in our measure, and has lease, name and positions watched."""

    Worker = PassingThread

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        return consumer

    async def on_start(self) -> None:
        """Called by mode in the new thread."""
        await super().on_start()
        client, holder = self._ensure_consumer(), holder_of(self)
        watch_lease(client._coordinator, holder.lease)
        if holder.instance_id is not None:
            watch_name(client._coordinator, holder.instance_id, holder.fenced)
        watch_positions(client._fetcher, holder.jumped)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Warn of a partition on which nothing moves. One that has no position now, or was taken away, says nothing."""
        with suppress(AssertionError, AttributeError):  # as aiokafka puts it
            super().verify_event_path(now, tp)

    async def on_thread_stop(self) -> None:
        """Called by mode as the thread ends."""
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # a fetch that waits for an absent broker passes on the cancellation that was meant for it alone;
            # out of here it would end the thread without a word, and the engine waits a minute for that word
            await self._ensure_consumer()._client.close()
