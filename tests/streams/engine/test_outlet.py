"""Output under the lease."""

import asyncio

import pytest

from streams.engine import outlet as module
from streams.engine.outlet import FencedError, Outlet, Output, PublishTimeoutError


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(module, "HOLD_S", 0.001)


def output(topic: str = "t") -> Output:
    return Output(topic=topic, key=b"k", value=b"v")


async def test_returns_where_each_stands_in_the_order_given(producer, lease) -> None:
    written = await Outlet(producer.send, lease, 1, timeout_s=1).publish([output("a"), output("b")])
    assert [place.offset for place in written] == [0, 1]
    assert [taken.topic for taken in producer.taken] == ["a", "b"]


async def test_returns_only_when_the_broker_has_it(producer, lease) -> None:
    producer.hold = True
    publishing = asyncio.create_task(Outlet(producer.send, lease, 1, timeout_s=1).publish([output()]))
    while not producer.taken:
        await asyncio.sleep(0)
    assert not publishing.done()
    producer.release()
    await publishing


async def test_a_refused_output_is_tried_again(producer, lease) -> None:
    producer.refuse = 2
    await Outlet(producer.send, lease, 1, timeout_s=5).publish([output()])
    assert len(producer.taken) == 1


async def test_only_what_was_refused_is_sent_again(producer, lease) -> None:
    producer.refuse = 1
    await Outlet(producer.send, lease, 1, timeout_s=5).publish([output("a"), output("b")])
    assert sorted(taken.topic for taken in producer.taken) == ["a", "b"]


async def test_patience_ends_in_an_error_that_names_the_topic_and_the_cause(producer, lease) -> None:
    producer.refuse = 10**9
    with pytest.raises(PublishTimeoutError, match=r"^t took no record .*refused"):
        await Outlet(producer.send, lease, 1, timeout_s=0.05).publish([output()])


async def test_nothing_is_sent_for_a_lost_generation(producer, lease) -> None:
    lease.assign(2)
    with pytest.raises(FencedError):
        await Outlet(producer.send, lease, 1, timeout_s=1).publish([output()])
    assert producer.taken == []


async def test_holds_while_the_lease_is_out_and_goes_on_when_it_is_renewed(producer, lease) -> None:
    lease._clock = lambda: 100.0
    publishing = asyncio.create_task(Outlet(producer.send, lease, 1, timeout_s=5).publish([output()]))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert producer.taken == []
    lease.heartbeat_answered(99.0)
    await publishing
    assert len(producer.taken) == 1


async def test_a_send_under_way_is_left_alone_when_the_generation_is_lost(producer, lease) -> None:
    producer.hold = True
    publishing = asyncio.create_task(Outlet(producer.send, lease, 1, timeout_s=5).publish([output()]))
    while not producer.taken:
        await asyncio.sleep(0)
    lease.member_lost()
    with pytest.raises(FencedError):
        await publishing
    assert not producer.waiting[0].cancelled()
