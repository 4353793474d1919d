"""The consumer that keeps the lease: what is changed in faust's and aiokafka's own.

- fetches answer within 100 ms instead of 1.5 s;
- heartbeats feed the lease; a membership that ends is known at once;
- a rebalance commits what is done before the books are forgotten, not after: nothing is done twice;
- waiting for work in flight, and for a commit at the stop, ends when it would be in vain;
- an acknowledgement of an earlier generation, or of what was never tracked, is ignored;
- a partition of which enough waits in this process is not read on, so that it does not hold up the others;
- what is committed follows from the order of arrival alone, and is never at or past a message that is in flight.

This file, `batches` and `transport` alone reach into faust, `membership` and `positions` into aiokafka;
tests/streams/engine/group/test_transport.py fails when an upgrade moves what is reached for.
"""

import asyncio
import math
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
from mode.threads import WorkerThread
from mode.utils.futures import notify

from streams.engine.errors import FencedInstanceError
from streams.engine.group.batches import LeasedProducer
from streams.engine.group.membership import watch_lease, watch_name
from streams.engine.group.positions import Jump, watch_positions
from streams.engine.lease import Lease

FETCH_MAX_WAIT_MS: Final = 100
FETCH_MAX_BYTES: Final = 16 * 1024 * 1024
STOP_GRACE_S: Final = 5.0
LOOK_S: Final = 0.1
LOOK_AGAIN_S: Final = 0.05
"""Until a partition that was passed over is asked for again."""


class Backlog(Protocol):
    """What was read and is not begun yet."""

    def full(self) -> Collection[tuple[str, int]]:
        """The partitions, by topic and number, that are not to be read on now."""

    def drop_waiting(self) -> None:
        """The partitions go, or the process ends: begin nothing more of what was read."""


class Holder(Protocol):
    """The app that the consumer belongs to.

    assigned: called in the event loop with (topic, partition) pairs and the generation, before their first message.
    cut_off: called in the event loop. jumped, fenced: called in the consumer's thread.
    """

    lease: Lease
    instance_id: str | None
    backlog: Backlog | None
    assigned: Callable[[Collection[tuple[str, int]], int], object]

    def cut_off(self) -> None:
        """Let nothing reach the broker any more that it has not answered for."""

    def jumped(self, jump: Jump) -> None:
        """A partition does not go on where it was read to."""

    def fenced(self, error: FencedInstanceError) -> None:
        """The instance id is another's."""


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


class _PassingThread(WorkerThread):
    """Does not hold up the end of a process whose stop has failed; a stop that does not fail waits for it."""

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True


class _ConsumerThread(AIOKafkaConsumerThread):
    Worker = _PassingThread

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        client, holder = self._ensure_consumer(), _holder(self)
        watch_lease(client._coordinator, holder.lease)
        if holder.instance_id is not None:
            watch_name(client._coordinator, holder.instance_id, holder.fenced)
        watch_positions(client._fetcher, holder.jumped)

    async def on_thread_stop(self) -> None:
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # a fetch that waits for an absent broker passes on the cancellation that was meant for it alone;
            # out of here it would end the thread without a word, and the engine waits a minute for that word
            await self._ensure_consumer()._client.close()


class LeasedConsumer(Consumer):
    """Acknowledges, commits and waits only for what is ours."""

    RebalanceListener = _Listener
    _stopping_since: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._skips: dict[TP, tuple[int, int]] = {}

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

    def skip(self, topic: str, partition: int, start: int, end: int) -> None:
        """Offsets from `start` to below `end` are no more: commit `end` once all below `start` is acknowledged."""
        tp = TP(topic, partition)
        self._skips[tp] = start, end
        self._acked.setdefault(tp, [])  # a commit looks at the partitions that have an entry here

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets without a message need no book: what was acknowledged is told by the order of arrival."""

    def rewind(self, topic: str, partition: int) -> None:
        """The partition is read again from before what is known of it: forget how far it was read and committed."""
        tp = TP(topic, partition)
        self._read_offset[tp] = self._committed_offset[tp] = None

    def _new_offset(self, tp: TP) -> int | None:
        """Where the next owner is to begin; None where nothing has changed.

        Acknowledgements come in the order of arrival. That none lies past a message in flight is looked at here once
        more: what is committed too far is lost.
        """
        acked = self._acked[tp]
        limit = min((each.offset for each in self._unacked_messages if each.tp == tp), default=math.inf)
        done = {offset for offset in acked if offset < limit}
        self._acked[tp] = [offset for offset in acked if offset >= limit]
        self._acked_index[tp] -= done
        new = max(done) + 1 if done else None
        begun = self._committed_offset[tp] if new is None else new
        if tp in self._skips and begun is not None and begun >= self._skips[tp][0]:
            return max(begun, self._skips.pop(tp)[1])
        return new

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
            for book in (self._acked, self._acked_index, self._read_offset, self._committed_offset, self._skips):
                book.pop(tp, None)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  faust's own
        """A paused partition would lose what was fetched of it already; one that is not asked for keeps it."""
        backlog = _holder(self).backlog
        full = {TP(*place) for place in backlog.full()} if backlog is not None else set()
        if not full or active_partitions is None:
            return await super()._getmany(active_partitions, timeout)
        if not (others := active_partitions - full):
            await asyncio.sleep(LOOK_AGAIN_S)
            return {}
        return await super()._getmany(others, min(timeout, LOOK_AGAIN_S))

    async def wait_empty(self) -> None:
        """Wait for work in flight as long as it can still be published."""
        if (backlog := _holder(self).backlog) is not None:
            backlog.drop_waiting()
        guard = asyncio.create_task(self._give_up_in_time())
        try:
            await super().wait_empty()
        finally:
            guard.cancel()
            _holder(self).cut_off()  # what is not done now is given up, and its next owner may begin

    async def _give_up_in_time(self) -> None:
        lease = _holder(self).lease
        while True:
            await asyncio.sleep(LOOK_S)
            if lease.hopeless or self._stop_grace_is_over():
                lease.give_up()
                self._unacked_messages.clear()
                notify(self._waiting_for_ack)

    async def _commit(self, offsets: Any) -> bool:
        if not _holder(self).lease.is_member:
            return False
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
    """Makes such consumers, and producers that keep the lease as well."""

    Consumer = LeasedConsumer
    Producer = LeasedProducer
