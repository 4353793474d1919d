"""What we reach for in faust and aiokafka is where we expect it: an upgrade that moves it fails here."""

import asyncio
import inspect
from types import SimpleNamespace

import aiokafka
import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from mode.threads import ServiceThread

from streams.engine import consumer, transport
from streams.engine.lease import Lease


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
    for book in ("_gap", "_acked", "_acked_index", "_read_offset", "_committed_offset", "_unacked_messages"):
        assert f"self.{book} =" in kept


def test_faust_still_forgets_before_it_commits_so_our_order_is_still_needed() -> None:
    text = source(faust_consumer.Consumer.on_partitions_revoked)
    assert text.index("self._acked.pop") < text.index("self._on_partitions_revoked")


def test_faust_still_waits_for_work_in_flight_without_a_limit() -> None:
    text = source(faust_consumer.Consumer.wait_empty)
    assert "while not self.should_stop and self._unacked_messages" in text
    assert "await T(self._wait_for_ack)" in text


def test_our_engine_uses_our_consumer() -> None:
    assert consumer.LeasedTransport.Consumer is consumer.LeasedConsumer
    assert consumer.LeasedConsumer.RebalanceListener is consumer._Listener


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
    thread = object.__new__(consumer._ConsumerThread)
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


@pytest.mark.parametrize("stopping", [True, False])
async def test_a_commit_that_nobody_takes_is_given_up_when_we_stop_and_only_then(monkeypatch, stopping) -> None:
    answered = asyncio.get_running_loop().create_future()
    now = iter(range(0, 1000, 2))
    monkeypatch.setattr(consumer, "LOOK_S", 0)
    monkeypatch.setattr(consumer, "time", SimpleNamespace(monotonic=lambda: next(now)))

    async def commit(self, offsets) -> bool:
        return await answered

    monkeypatch.setattr(driver.Consumer, "_commit", commit)
    leased = object.__new__(consumer.LeasedConsumer)
    leased.app = SimpleNamespace(should_stop=stopping)
    committing = asyncio.create_task(leased._commit({}))
    for _ in range(20):
        await asyncio.sleep(0)
    if stopping:
        assert await committing is False
        assert answered.cancelled()
    else:
        answered.set_result(True)
        assert await committing is True
