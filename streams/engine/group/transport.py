"""The engine: a faust app whose consumer keeps the lease, and the one way out.

This file, `consumer`, `consumer_thread` and `batches` alone reach into faust;
tests/streams/engine/group/test_transport.py fails when an upgrade moves what is reached for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.exceptions import ProducerSendError
from faust.types import TP

from streams.engine.errors import EngineError, FencedInstanceError
from streams.engine.group.batches import LeasedProducer
from streams.engine.group.consumer import LeasedConsumer, LeasedTransport
from streams.engine.group.holder import Backlog
from streams.engine.group.positions import Jump
from streams.engine.lease import NO_GENERATION, Lease
from streams.engine.outlet import Output, Written
from streams.engine.request import Request
from streams.wire.connection import Connection

STREAM_BUFFER_MESSAGES: Final = 16
PRODUCER_REQUEST_TIMEOUT_S: Final = 10.0
LEAST_REQUEST_TIMEOUT_S: Final = 30.0
"""A connection that has silently died is found out after so long. A join is answered once all others have joined."""
HEARD_S: Final = 3.0
"""Answers to fetches come ten times a second; one that is older than this says nothing about the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """Membership of the consumer group; times in seconds.

    instance_id: a name that no other process bears, for static membership; None for a member like any other.
    """

    group_id: str
    instance_id: str | None = None
    session_timeout_s: float
    rebalance_timeout_s: float
    heartbeat_s: float
    commit_interval_s: float
    max_record_bytes: int
    data_dir: Path


class Engine(faust.App):
    """A faust app whose consumer keeps the lease.

    assigned: called in the event loop with (topic, partition) pairs and the generation, before their
        first message.
    unleased: topics whose records may go out without the lease; all others wait for it.
    """

    def __init__(
        self,
        settings: GroupSettings,
        connection: Connection,
        lease: Lease,
        assigned: Callable[[Collection[tuple[str, int]], int], object],
        *,
        unleased: Collection[str] = (),
    ) -> None:
        self.lease = lease
        self.unleased = unleased
        self.assigned = assigned
        self.instance_id = settings.instance_id
        self.backlog: Backlog | None = None
        self._on_jump: Callable[[Jump, int], object] = lambda _jump, _generation: None
        self._last: Callable[[], Awaitable[None]] | None = None
        super().__init__(
            settings.group_id,
            broker=[f"kafka://{server.strip()}" for server in connection.bootstrap_servers.split(",")],
            broker_credentials=_credentials(connection),
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
            broker_request_timeout=max(
                LEAST_REQUEST_TIMEOUT_S, settings.session_timeout_s + settings.rebalance_timeout_s + 5
            ),
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=settings.instance_id,
            consumer_max_fetch_size=settings.max_record_bytes,
            producer_max_request_size=settings.max_record_bytes,
            producer_acks=-1,
            producer_request_timeout=PRODUCER_REQUEST_TIMEOUT_S,
        )

    def _new_transport(self) -> Any:
        return LeasedTransport(self.conf.broker_consumer, self, loop=self.loop)

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

    def read_behind(self, backlog: Backlog) -> None:
        """Read no further than `backlog` allows, and tell it when nothing more of it is to be begun."""
        self.backlog = backlog

    def on_jumps(self, take: Callable[[Jump, int], object]) -> None:
        """Have `take` called where reading does not go on where it was, with the generation, before the next record.

        The same jump may come again. Until `skip` is called for it, the partition's committed offset stays before it.
        """
        self._on_jump = take

    def skip(self, jump: Jump) -> None:
        """What was passed over is accounted for: let the offset behind it be committed once all before it is."""
        cast(LeasedConsumer, self.consumer).skip(jump.topic, jump.partition, jump.wanted, jump.found)

    def jumped(self, jump: Jump) -> None:
        """Called by the consumer's thread."""
        self.loop.call_soon_threadsafe(self._take_jump, jump, self.lease.generation)

    def _take_jump(self, jump: Jump, generation: int) -> None:
        if jump.missed < 0:
            cast(LeasedConsumer, self.consumer).rewind(jump.topic, jump.partition)
        self._on_jump(jump, generation)

    def cut_off(self) -> None:
        """Let nothing reach the broker any more that it has not answered for."""
        cast(LeasedProducer, self.producer).cut_off()

    def fenced(self, error: FencedInstanceError) -> None:
        """Called by the consumer's thread."""
        self.loop.call_soon_threadsafe(self._crash, error)

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
        cast(LeasedConsumer, self.consumer).abandon(message)

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
            client = cast(LeasedConsumer, self.consumer)._thread._ensure_consumer()
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
        read = cast(LeasedConsumer, self.consumer)._read_offset[tp]
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


def _credentials(connection: Connection) -> Any:
    """As faust takes them; None for a connection in the clear."""
    tls, sasl = connection.tls, connection.sasl
    if tls is None:
        return None
    if sasl is None:
        return faust.SSLCredentials(context=tls.context)
    return faust.SASLCredentials(
        username=sasl.username, password=sasl.password, mechanism=sasl.mechanism, ssl_context=tls.context
    )


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
