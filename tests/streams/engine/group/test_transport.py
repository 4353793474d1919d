"""What we reach for in faust and aiokafka is where we expect it: an upgrade that moves it fails here."""

import asyncio
import inspect
import ssl
from types import SimpleNamespace

import aiokafka
import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import Sender
from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v3
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import ServiceThread, WorkerThread

from streams.engine.group import consumer, consumer_thread, transport
from streams.engine.lease import Lease
from streams.wire.connection import Connection, Sasl, Tls


def source(thing: object) -> str:
    return inspect.getsource(thing)


def test_the_consumer_takes_its_fetch_limits_from_these_attributes_when_it_starts() -> None:
    text = source(aiokafka.AIOKafkaConsumer.start)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in text
    assert "fetch_max_bytes=self._fetch_max_bytes" in text


def test_heartbeats_and_the_end_of_a_membership_pass_through_these_methods() -> None:
    assert "await self._do_heartbeat()" in source(GroupCoordinator)
    assert list(inspect.signature(GroupCoordinator._do_heartbeat).parameters) == ["self"]
    assert list(inspect.signature(GroupCoordinator.reset_generation).parameters) == ["self"]
    assert "self.reset_generation()" in source(GroupCoordinator._do_heartbeat)
    assert "_rejoin_needed_fut" in source(GroupCoordinator.request_rejoin)


def test_the_thread_creates_its_consumer_and_calls_the_listener_here() -> None:
    thread = driver.AIOKafkaConsumerThread
    assert "self._create_consumer" in source(thread.on_start)
    assert "self._create_worker_consumer" in source(thread._create_consumer)
    assert "consumer.RebalanceListener(self)" in source(thread.__post_init__)
    assert "AIOKafkaConsumerThread(self" in source(driver.Consumer._new_consumer_thread)


def test_the_books_that_we_forget_are_the_ones_that_the_consumer_keeps() -> None:
    kept = source(faust_consumer.Consumer.__init__)
    for book in ("_acked", "_acked_index", "_read_offset", "_committed_offset", "_unacked_messages"):
        assert f"self.{book} =" in kept


def test_faust_still_forgets_before_it_commits_so_our_order_is_still_needed() -> None:
    text = source(faust_consumer.Consumer.on_partitions_revoked)
    assert text.index("self._acked.pop") < text.index("self._on_partitions_revoked")


def test_what_is_committed_is_asked_for_here_and_gaps_are_told_there() -> None:
    kept = faust_consumer.Consumer
    assert "offset = self._new_offset(tp)" in source(kept._filter_committable_offsets)
    assert "for tp in self._acked" in source(kept._filter_tps_with_pending_acks)
    assert "await self._add_gap(" in source(kept._drain_messages)
    assert list(inspect.signature(kept._add_gap).parameters) == ["self", "tp", "offset_from", "offset_to"]
    assert "WeakSet()" in source(kept.__init__)  # what nobody holds any more holds up no commit


def test_batches_are_begun_here_and_sent_there_and_nothing_is_waited_for_before_they_are_written() -> None:
    assert "batch = self._append_batch(builder, tp)" in source(MessageAccumulator.add_message)
    assert list(inspect.signature(MessageAccumulator._append_batch).parameters) == ["self", "builder", "tp"]
    assert "self._send_produce_req(node_id, node_batches)" in source(Sender._sender_routine)
    text = source(Sender._send_produce_req)
    assert "self._in_flight.remove(node_id)" in text
    assert "self._muted_partitions.remove(tp)" in text
    sent = source(AIOKafkaClient.send)
    assert sent.count("await") == 2  # to be ready, and for the answer
    assert sent.index("await self.ready(") < sent.index(".send(") < sent.index("await future")
    assert "self._producer = self._new_producer()" in source(driver.Producer.on_start)


def test_unanswered_requests_stand_on_their_connections_and_go_with_them() -> None:
    assert "self._conns = {}" in source(AIOKafkaClient.__init__)
    assert "(correlation_id, request_struct, fut)" in source(AIOKafkaConnection.send)
    assert "self._requests.append" in source(AIOKafkaConnection.send)
    closed = source(AIOKafkaConnection.close)
    assert "for _, _, fut in self._requests:" in closed
    assert "self._writer = self._reader = None" in closed
    assert ProduceRequest_v3.API_KEY == ProduceRequest.API_KEY
    assert "topics" in ProduceRequest_v3.SCHEMA.names


def test_a_reader_drops_what_lies_below_the_offset_that_a_rewind_forgets() -> None:
    text = source(faust_consumer.Consumer._drain_messages)
    assert "if r_offset is None or offset >= r_offset" in text
    assert "committed is None or offset >= committed" in source(faust_consumer.Consumer.ack)


def test_positions_are_reset_here_and_told_there() -> None:
    fetched, updated = source(Fetcher._proc_fetch_request), source(Fetcher._update_fetch_positions)
    assert "error_type is Errors.OffsetOutOfRangeError" in fetched
    assert "tp_state.await_reset(self._default_reset_strategy)" in fetched
    assert "for topic, partitions in request.topics:" in fetched
    assert "tp_state.reset_to(offset)" in updated
    assert list(inspect.signature(Fetcher._proc_fetch_request).parameters) == [
        "self",
        "assignment",
        "node_id",
        "request",
    ]
    assert list(inspect.signature(Fetcher._update_fetch_positions).parameters) == [
        "self",
        "assignment",
        "node_id",
        "tps",
    ]


def test_a_member_with_a_name_still_leaves_the_group_in_silence_and_joins_again_when_unknown() -> None:
    assert "self._group_instance_id is None" in source(GroupCoordinator._maybe_leave_group)
    assert "group_instance_id=conf.consumer_group_instance_id" in source(
        driver.AIOKafkaConsumerThread._create_worker_consumer
    )
    assert 82 not in aiokafka.errors.kafka_errors  # FENCED_INSTANCE_ID
    assert aiokafka.errors.UnknownMemberIdError.errno == 25
    for caller in (GroupCoordinator._do_heartbeat, GroupCoordinator._do_commit_offsets):
        assert "await self._send_req(request)" in source(caller)


def test_faust_still_waits_for_work_in_flight_without_a_limit() -> None:
    text = source(faust_consumer.Consumer.wait_empty)
    assert "while not self.should_stop and self._unacked_messages" in text
    assert "await T(self._wait_for_ack)" in text


def test_records_are_asked_for_here_and_a_pause_would_lose_those_that_came() -> None:
    asked = source(faust_consumer.Consumer._wait_next_records)
    assert "records = await self._getmany(" in asked
    assert list(inspect.signature(faust_consumer.ThreadDelegateConsumer._getmany).parameters) == [
        "self",
        "active_partitions",
        "timeout",
    ]
    assert "or tp in active_partitions" in source(faust_consumer.Consumer.getmany)
    assert "if partitions and tp not in partitions" in source(Fetcher.fetched_records)  # none means all


@pytest.mark.parametrize(
    ("full", "asked", "waits_s"),
    [(set(), {0, 1}, 1.0), ({("frames", 0)}, {1}, 0.05), ({("frames", 0), ("frames", 1)}, None, None)],
)
async def test_a_partition_of_which_enough_waits_is_not_asked_for(monkeypatch, full, asked, waits_s) -> None:
    calls: list[tuple[set[int], float]] = []

    async def getmany(self, active_partitions, timeout) -> dict:  # noqa: ASYNC109  as faust has it
        calls.append(({tp.partition for tp in active_partitions}, timeout))
        return {}

    monkeypatch.setattr(faust_consumer.ThreadDelegateConsumer, "_getmany", getmany)
    leased = object.__new__(consumer.LeasedConsumer)
    leased.app = SimpleNamespace(backlog=SimpleNamespace(full=lambda: full))
    assert await leased._getmany({TP("frames", 0), TP("frames", 1)}, 1.0) == {}
    assert calls == ([] if asked is None else [(asked, waits_s)])


async def test_what_waits_is_dropped_before_work_in_flight_is_waited_for(monkeypatch) -> None:
    told: list[str] = []

    async def wait_empty(self) -> None:
        told.append("waited")

    monkeypatch.setattr(faust_consumer.Consumer, "wait_empty", wait_empty)
    leased = object.__new__(consumer.LeasedConsumer)
    leased.app = SimpleNamespace(
        backlog=SimpleNamespace(drop_waiting=lambda: told.append("dropped")),
        lease=None,
        cut_off=lambda: told.append("cut off"),
    )
    await leased.wait_empty()
    assert told == ["dropped", "waited", "cut off"]


def test_our_engine_uses_our_consumer() -> None:
    assert consumer.LeasedTransport.Consumer is consumer.LeasedConsumer
    assert consumer.LeasedConsumer.RebalanceListener is consumer_thread.Listener


def test_an_answer_to_a_fetch_is_noted_with_its_time_whether_or_not_it_holds_records() -> None:
    text = source(Fetcher._proc_fetch_request)
    assert "now_ms = int(1000 * time.time())" in text
    assert text.index("tp_state.timestamp = now_ms") < text.index("if records.has_next()")
    assert "self._thread =" in source(faust_consumer.ThreadDelegateConsumer.__init__)


@pytest.mark.parametrize(("answered_ms", "heard"), [(None, False), (7_000, False), (7_001, True)])
def test_the_broker_is_heard_while_its_last_answer_is_fresh(monkeypatch, answered_ms, heard) -> None:
    monkeypatch.setattr(transport, "time", SimpleNamespace(time=lambda: 10.0))
    client = SimpleNamespace(last_poll_timestamp=lambda tp: answered_ms if tp == ("frames", 4) else 10_000)
    thread = SimpleNamespace(_ensure_consumer=lambda: client)
    engine = SimpleNamespace(consumer=SimpleNamespace(_thread=thread))
    assert transport.Engine.hears(engine, "frames", 4) is heard


def test_the_broker_is_not_heard_before_the_consumer_runs() -> None:
    assert not transport.Engine.hears(SimpleNamespace(consumer=None), "frames", 4)


async def test_a_fetch_that_is_cancelled_does_not_end_the_consumers_thread_without_a_word(monkeypatch) -> None:
    closed: list[str] = []

    async def cancelled(self) -> None:
        raise asyncio.CancelledError

    async def close() -> None:
        closed.append("client")

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_thread_stop", cancelled)
    thread = object.__new__(consumer_thread.ConsumerThread)
    thread._consumer = SimpleNamespace(_client=SimpleNamespace(close=close))
    await thread.on_thread_stop()
    assert closed == ["client"]


def test_aiokafka_and_mode_still_need_that() -> None:
    assert "x.cancel()\n            await x" in source(Fetcher.close)
    assert "await self._consumer.stop()" in source(driver.AIOKafkaConsumerThread.on_thread_stop)
    text = source(ServiceThread._shutdown_thread)
    assert text.index("await self.on_thread_stop()") < text.index("self.set_shutdown()")


def test_a_worker_whose_coordinator_is_silent_is_not_ready() -> None:
    now = [100.0]
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: now[0])
    flowing = SimpleNamespace(is_active=lambda: True)
    engine = SimpleNamespace(started=True, should_stop=False, rebalancing=False, lease=lease, flow_control=flowing)
    assert transport.Engine.why_not_ready(engine) == "joining the group"
    lease.assign(3)
    assert transport.Engine.why_not_ready(engine) is None
    now[0] += 5.5
    assert transport.Engine.why_not_ready(engine) == "the group's coordinator does not answer"


def test_at_the_stop_the_producer_still_takes_records_when_the_consumer_has_stopped() -> None:
    text = source(faust.App.on_stop)
    assert text.index("await self._stop_consumer()") < text.index("await self._producer_flush")


def test_the_engine_comes_in_as_every_other_client_does() -> None:
    context = ssl.create_default_context()
    for connection in (
        Connection("b1:9092"),
        Connection("b1:9093", Tls(context)),
        Connection("b1:9094", Tls(context), Sasl("PLAIN", "ada", "the-password")),
        Connection("b1:9094", Tls(context), Sasl("SCRAM-SHA-512", "ada", "the-password")),
    ):
        credentials = transport._credentials(connection)
        assert "the-password" not in repr(credentials)
        assert dict(driver.credentials_to_aiokafka_auth(credentials)) == {
            "security_protocol": connection.protocol,
            **connection.security_options(),
        }


def test_the_consumers_thread_does_not_hold_up_the_end_of_a_process() -> None:
    assert consumer_thread.ConsumerThread.Worker is not WorkerThread
    assert consumer_thread.ConsumerThread.Worker(object()).daemon
    assert not WorkerThread(object()).daemon, "needless now: the engine's own thread is a daemon"


async def test_a_partition_without_a_position_does_not_end_the_worker_that_looks_for_standstill() -> None:
    thread = consumer_thread.ConsumerThread.__new__(consumer_thread.ConsumerThread)
    assignment = SimpleNamespace(state_value=lambda _tp: TopicPartitionState(None))
    subscriptions = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    client = SimpleNamespace(
        _fetcher=SimpleNamespace(_subscriptions=subscriptions),
        highwater=lambda _tp: 1,
        last_poll_timestamp=lambda _tp: None,
    )
    thread._ensure_consumer = lambda: client
    thread._verify_aiokafka_event_path = lambda _now, _tp: False
    thread.time_started = 0.0
    topics = SimpleNamespace(acks_enabled_for=lambda _topic: True)
    thread.consumer = SimpleNamespace(app=SimpleNamespace(monitor=object(), topics=topics))
    with pytest.raises(AssertionError):
        driver.AIOKafkaConsumerThread.verify_event_path(thread, 1.0, TP("frames", 0))
    thread.verify_event_path(1.0, TP("frames", 0))
