"""Output under the lease."""

import asyncio

import pytest

from streams.engine import outlet as module
from streams.engine.outlet import (
    GENERATION_HEADER,
    TOO_LARGE,
    TOO_LARGE_TRIES,
    TOOK_IT,
    DirectOutlet,
    FencedError,
    Output,
    OutputTooLargeError,
    PublishTimeoutError,
)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(module, "HOLD_S", 0.001)


def output(topic: str = "t") -> Output:
    return Output(topic=topic, key=b"k", value=b"v")


async def test_returns_where_each_stands_in_the_order_given(producer, lease) -> None:
    written = await DirectOutlet(producer.send, lease, 1, timeout_s=1).publish([output("a"), output("b")])
    assert [place.offset for place in written] == [0, 1]
    assert [taken.topic for taken in producer.taken] == ["a", "b"]


async def test_returns_only_when_the_broker_has_it(producer, lease) -> None:
    producer.hold = True
    publishing = asyncio.create_task(DirectOutlet(producer.send, lease, 1, timeout_s=1).publish([output()]))
    while not producer.taken:
        await asyncio.sleep(0)
    assert not publishing.done()
    producer.release()
    await publishing


async def test_a_refused_output_is_tried_again(producer, lease) -> None:
    producer.refuse = 2
    await DirectOutlet(producer.send, lease, 1, timeout_s=5).publish([output()])
    assert len(producer.taken) == 1


async def test_only_what_was_refused_is_sent_again(producer, lease) -> None:
    producer.refuse = 1
    await DirectOutlet(producer.send, lease, 1, timeout_s=5).publish([output("a"), output("b")])
    assert sorted(taken.topic for taken in producer.taken) == ["a", "b"]


async def test_patience_ends_in_an_error_that_names_the_topic_and_the_cause(producer, lease) -> None:
    producer.refuse = 10**9
    with pytest.raises(PublishTimeoutError, match=r"^t took no record .*refused"):
        await DirectOutlet(producer.send, lease, 1, timeout_s=0.05).publish([output()])


async def test_nothing_is_sent_for_a_lost_generation(producer, lease) -> None:
    lease.assign(2)
    with pytest.raises(FencedError):
        await DirectOutlet(producer.send, lease, 1, timeout_s=1).publish([output()])
    assert producer.taken == []


async def test_holds_while_the_lease_is_out_and_goes_on_when_it_is_renewed(producer, lease) -> None:
    lease._clock = lambda: 100.0
    publishing = asyncio.create_task(DirectOutlet(producer.send, lease, 1, timeout_s=5).publish([output()]))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert producer.taken == []
    lease.heartbeat_answered(99.0)
    await publishing
    assert len(producer.taken) == 1


async def test_a_send_under_way_is_left_alone_when_the_generation_is_lost(producer, lease) -> None:
    producer.hold = True
    publishing = asyncio.create_task(DirectOutlet(producer.send, lease, 1, timeout_s=5).publish([output()]))
    while not producer.taken:
        await asyncio.sleep(0)
    lease.member_lost()
    with pytest.raises(FencedError):
        await publishing
    assert not producer.waiting[0].cancelled()


async def test_every_output_says_under_which_generation_it_was_written(producer, lease) -> None:
    given = Output(topic="t", key=b"k", value=b"v", headers=(("own", b"1"),))
    await DirectOutlet(producer.send, lease, 1, timeout_s=1).publish([given])
    assert [sent.headers for sent in producer.taken] == [(("own", b"1"), (GENERATION_HEADER, b"1"))]


@pytest.mark.parametrize("error", TOO_LARGE)
async def test_what_a_topic_does_not_take_is_given_up_and_the_rest_is_written(producer, lease, error) -> None:
    producer.refuse, producer.error = 10**9, error()
    with pytest.raises(OutputTooLargeError, match=r"^t takes no record of 1 bytes$"):
        await DirectOutlet(producer.send, lease, 1, timeout_s=60).publish([output()])
    assert 10**9 - producer.refuse == TOO_LARGE_TRIES

    producer.refuse, producer.too_small = 0, {"small"}
    with pytest.raises(OutputTooLargeError, match=r"^small "):
        await DirectOutlet(producer.send, lease, 1, timeout_s=60).publish([output("small"), output("large")])
    assert [taken.topic for taken in producer.taken] == ["large"]


async def test_what_was_refused_beside_another_is_tried_again(producer, lease) -> None:
    producer.refuse, producer.error = TOO_LARGE_TRIES - 1, TOO_LARGE[0]()
    await DirectOutlet(producer.send, lease, 1, timeout_s=60).publish([output()])
    assert len(producer.taken) == 1


async def test_last_words_are_insisted_on(producer, lease) -> None:
    producer.refuse, producer.error = TOO_LARGE_TRIES + 3, TOO_LARGE[0]()
    await DirectOutlet(producer.send, lease, 1, timeout_s=60).insisting().publish([output()])
    assert len(producer.taken) == 1

    producer.too_small = {"t"}
    with pytest.raises(PublishTimeoutError, match=r"^t took no record .*TooLarge"):
        await DirectOutlet(producer.send, lease, 1, timeout_s=0.05).insisting().publish([output()])


async def test_it_tells_what_the_broker_said_last_of_each_topic(producer, lease) -> None:
    outlet = DirectOutlet(producer.send, lease, 1, timeout_s=60)
    assert outlet.said == {}
    producer.too_small = {"small"}
    with pytest.raises(OutputTooLargeError):
        await outlet.publish([output("small"), output("large")])
    assert outlet.said == {"small": "MessageSizeTooLargeError", "large": TOOK_IT}
    producer.too_small = set()
    await outlet.insisting().publish([output("small")])
    assert outlet.said == {"small": TOOK_IT, "large": TOOK_IT}
