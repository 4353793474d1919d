"""The consumer that keeps the lease: what is changed in faust's and aiokafka's own.

- fetches answer within 100 ms instead of 1.5 s;
- heartbeats feed the lease; a membership that ends is known at once;
- a rebalance commits what is done before the books are forgotten, not after: nothing is done twice;
- waiting for work in flight, and for a commit at the stop, ends when it would be in vain;
- an acknowledgement of an earlier generation, or of what was never tracked, is ignored;
- a partition of which enough waits in this process is not read on, so that it does not hold up the others;
- what is committed follows from the order of arrival alone, and is never at or past a message that is in flight.

This file, `consumer_thread`, `batches` and `transport` alone reach into faust; they, `unanswered`, `membership` and
`positions` into aiokafka, as do `streams.engine.reading.view`, `streams.access.granted`, `streams.audit.access` and
`streams.wire.header_names`. tests/streams/engine/group/test_transport.py fails when an upgrade moves what is reached
for here.
"""

import asyncio
import math
import time
from collections.abc import Iterable
from typing import Any, Final

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.utils.futures import notify

from streams.engine.group.batches import LeasedProducer
from streams.engine.group.consumer_thread import ConsumerThread, Listener
from streams.engine.group.holder import holder_of

STOP_GRACE_S: Final = 5.0
LOOK_S: Final = 0.1
LOOK_AGAIN_S: Final = 0.05
"""Until a partition that was passed over is asked for again."""


class LeasedConsumer(Consumer):
    """Acknowledges, commits and waits only for what is ours."""

    RebalanceListener = Listener
    _stopping_since: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._skips: dict[TP, tuple[int, int]] = {}

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

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
        holder_of(self).assigned({(tp.topic, tp.partition) for tp in assigned}, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    def _forget(self, partitions: Iterable[TP]) -> None:
        for tp in tuple(partitions):
            for book in (self._acked, self._acked_index, self._read_offset, self._committed_offset, self._skips):
                book.pop(tp, None)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  faust's own
        """A paused partition would lose what was fetched of it already; one that is not asked for keeps it."""
        backlog = holder_of(self).backlog
        full = {TP(*place) for place in backlog.full()} if backlog is not None else set()
        if not full or active_partitions is None:
            return await super()._getmany(active_partitions, timeout)
        if not (others := active_partitions - full):
            await asyncio.sleep(LOOK_AGAIN_S)
            return {}
        return await super()._getmany(others, min(timeout, LOOK_AGAIN_S))

    async def wait_empty(self) -> None:
        """Wait for work in flight as long as it can still be published."""
        if (backlog := holder_of(self).backlog) is not None:
            backlog.drop_waiting()
        guard = asyncio.create_task(self._give_up_in_time())
        try:
            await super().wait_empty()
        finally:
            guard.cancel()
            holder_of(self).cut_off()  # what is not done now is given up, and its next owner may begin

    async def _give_up_in_time(self) -> None:
        lease = holder_of(self).lease
        while True:
            await asyncio.sleep(LOOK_S)
            if lease.hopeless or self._stop_grace_is_over():
                lease.give_up()
                self._unacked_messages.clear()
                notify(self._waiting_for_ack)

    async def _commit(self, offsets: Any) -> bool:
        if not holder_of(self).lease.is_member:
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
