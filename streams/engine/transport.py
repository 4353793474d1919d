"""The one file that reaches into faust and aiokafka. tests/streams/engine/test_transport.py fails when an
upgrade moves what is reached for.

What is changed, and why (figures: README, "Delivery"):
- fetches answer within 100 ms instead of 1.5 s;
- heartbeats feed the lease; a membership that ends is known at once;
- a rebalance commits what is done before the books are forgotten, not after: nothing is done twice;
- waiting for work in flight ends when that work could not be published any more;
- an acknowledgement of an earlier generation, or of what was never tracked, is ignored.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    Consumer,
    ConsumerRebalanceListener,
    Transport,
)
from faust.types import TP
from mode.utils.futures import notify

from streams.engine.lease import NO_GENERATION, Lease
from streams.engine.outlet import Output, Written
from streams.engine.request import Request
from streams.wire.connection import Connection

FETCH_MAX_WAIT_MS: Final = 100
FETCH_MAX_BYTES: Final = 16 * 1024 * 1024
STREAM_BUFFER_MESSAGES: Final = 16
STOP_GRACE_S: Final = 5.0
LOOK_S: Final = 0.1
PRODUCER_REQUEST_TIMEOUT_S: Final = 10.0
HEARD_S: Final = 3.0
"""Answers to fetches come ten times a second; one that is older than this says nothing about the present."""


class EngineError(Exception):
    """The engine ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """Membership of the consumer group; times in seconds."""

    group_id: str
    session_timeout_s: float
    rebalance_timeout_s: float
    heartbeat_s: float
    commit_interval_s: float
    max_record_bytes: int
    data_dir: Path


def _engine(part: Any) -> "Engine":
    """The engine that this part of faust belongs to."""
    return cast("Engine", part.app)


class _Listener(ConsumerRebalanceListener):
    """Runs in the consumer's thread: the lease hears of a rebalance before anybody else does."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Any:
        _engine(self._thread).lease.revoke()
        return super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        _engine(self._thread).lease.assign(self._thread._ensure_consumer()._coordinator.generation)
        await super().on_partitions_assigned(assigned)


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        _watch(self._ensure_consumer()._coordinator, _engine(self).lease)

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


class _Consumer(Consumer):
    RebalanceListener = _Listener
    _stopping_since: float | None = None

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def ack(self, message: Any) -> bool:
        if not message.tracked or message.generation_id != self.app.consumer_generation_id:
            return False
        return bool(super().ack(message))

    def abandon(self, message: Any) -> None:
        """Stop waiting for a message; nothing at or behind it will be committed under this generation."""
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        if self._active_partitions is not None:
            self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        await self.commit()  # the wait inside may have joined an older commit
        self._forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._forget([*self._acked, *self._committed_offset, *self._read_offset])
        self._unacked_messages.clear()
        _engine(self).assigned({(tp.topic, tp.partition) for tp in assigned}, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    def _forget(self, partitions: Iterable[TP]) -> None:
        for tp in tuple(partitions):
            for book in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
                book.pop(tp, None)

    async def wait_empty(self) -> None:
        guard = asyncio.create_task(self._give_up_in_time())
        try:
            await super().wait_empty()
        finally:
            guard.cancel()

    async def _give_up_in_time(self) -> None:
        lease = _engine(self).lease
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


class _Transport(Transport):
    Consumer = _Consumer


class Engine(faust.App):
    """A faust app whose consumer keeps the lease.

    assigned: called in the event loop with (topic, partition) pairs and the generation, before their
        first message.
    """

    def __init__(
        self,
        settings: GroupSettings,
        connection: Connection,
        lease: Lease,
        assigned: Callable[[Collection[tuple[str, int]], int], object],
    ) -> None:
        self.lease = lease
        self.assigned = assigned
        self._last: Callable[[], Awaitable[None]] | None = None
        super().__init__(
            settings.group_id,
            broker=[f"kafka://{server.strip()}" for server in connection.bootstrap_servers.split(",")],
            store="memory://",
            datadir=str(settings.data_dir),
            origin="streams",
            autodiscover=False,
            web_enabled=False,
            web_tables_enabled=False,
            web_router_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            table_standby_replicas=0,
            stream_wait_empty=True,
            stream_buffer_maxsize=STREAM_BUFFER_MESSAGES,
            broker_session_timeout=settings.session_timeout_s,
            broker_rebalance_timeout=settings.rebalance_timeout_s,
            broker_heartbeat_interval=settings.heartbeat_s,
            broker_commit_interval=settings.commit_interval_s,
            broker_request_timeout=max(90.0, settings.session_timeout_s + 5),
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=settings.max_record_bytes,
            producer_max_request_size=settings.max_record_bytes,
            producer_acks=-1,
            producer_request_timeout=PRODUCER_REQUEST_TIMEOUT_S,
        )

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self, loop=self.loop)

    def on_requests(self, topics: Collection[str], ready: Callable[[], Any], take: Callable[[Request], Any]) -> None:
        """Hand every record of these topics to `take`, from when `ready` has returned on."""
        source = self.topic(
            *topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", internal=False
        )

        async def read(stream: Any) -> None:
            await ready()
            async for event in stream.noack().events():
                await take(_request(event.message))

        self.agent(source, name="requests")(read)

    def before_end(self, last: Callable[[], Awaitable[None]]) -> None:
        """Have this awaited at the stop, once nothing is read any more and while the producer still takes records."""
        self._last = last

    async def _stop_consumer(self) -> None:
        await super()._stop_consumer()
        if self._last is not None:
            await self._last()

    def acknowledge(self, message: Any) -> None:
        """Let the message's offset be committed."""
        message.ack(self.consumer)

    def abandon(self, message: Any) -> None:
        """Stop waiting for the message without acknowledging it."""
        cast(_Consumer, self.consumer).abandon(message)

    def why_not_ready(self) -> str | None:
        """None while records flow (a member without partitions is as good), else what is waited for."""
        if not self.started or self.should_stop:
            return "starting" if not self.should_stop else "stopping"
        if self.rebalancing or self.lease.generation == NO_GENERATION:
            return "joining the group"
        if not self.lease.valid:
            return "the group's coordinator does not answer"
        return None if self.flow_control.is_active() else "records do not flow"

    async def ended(self) -> None:
        """Wait until the engine has crashed; raises what crashed it."""
        await self._crashed.wait()
        raise self.crash_reason or EngineError("the engine ended without a reason")

    def hears(self, topic: str, partition: int) -> bool:
        """The broker has just said what it has of this partition: neither it nor this process stands still."""
        try:
            client = cast(_Consumer, self.consumer)._thread._ensure_consumer()
            answered_ms = client.last_poll_timestamp(TP(topic, partition))
        except Exception:  # noqa: BLE001  not assigned, not started: then nothing was said
            return False
        return answered_ms is not None and time.time() - answered_ms / 1000 < HEARD_S

    def caught_up(self, topic: str, partition: int) -> bool:
        """Everything that the broker is known to have of this partition has been read."""
        tp = TP(topic, partition)
        try:
            high = self.consumer.highwater(tp)
        except Exception:  # noqa: BLE001  not assigned, not started: then nothing can be said
            return False
        read = cast(_Consumer, self.consumer)._read_offset[tp]
        return high is not None and (high == 0 or (read is not None and read + 1 >= high))

    async def send(self, output: Output) -> "asyncio.Future[Written]":  # type: ignore[override]  # our one way out
        """Hand a record to the producer."""
        producer = await self.maybe_start_producer()
        try:
            sent = await producer.send(
                output.topic, output.key, output.value, output.partition, None, list(output.headers)
            )
        except ProducerSendError as error:  # faust's own wrapping
            raise error.__cause__ or error from None
        return cast("asyncio.Future[Written]", sent)


def _request(message: Any) -> Request:
    return Request(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=round(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
        generation=message.generation_id,
        token=message,
    )
