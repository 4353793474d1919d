"""What failures leave in the error log, and what becomes of sums that the broker does not take."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.agents.journal import Journal
from streams.engine.request import Request
from streams.logs.error import Repeats
from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import Caller, Deployment
from streams.wire.records import ErrorLogEntry
from streams.wire.topics import Topics


def request(value: bytes | None, headers=()) -> Request:
    return Request("frames", 0, 0, 0, b"lobby", value, headers, 1)


def test_records_that_cannot_be_used_are_summed_by_topic_and_cause() -> None:
    repeats = Repeats(1e6)
    journal = Journal(
        topics=Topics(),
        deployment=Deployment(account="main", app_id="77", region="eu"),
        repeats=repeats,
        clock_ms=lambda: 1000,
    )
    for code in (Code.BAD_RECORD, Code.FOREIGN_FEATURE, Code.BAD_RECORD):
        journal.view_refused("face-features", code)
    journal.view_refused("visits", Code.BAD_RECORD)
    due = [(each.request_interface, each.upstream, each.return_code, each.repeats) for each in repeats.due(1000)]
    assert due == [
        ("view", "face-features read", "bad_record", 2),
        ("view", "face-features read", "foreign_feature", 1),
        ("view", "visits read", "bad_record", 1),
    ]


class Broker:
    """Takes records while it is there."""

    def __init__(self) -> None:
        self.taken: list[ErrorLogEntry] = []
        self.there = self.full = False

    async def send(self, output) -> asyncio.Future:
        if not self.there and self.full:
            raise KafkaTimeoutError
        answer = asyncio.get_running_loop().create_future()
        if self.there:
            self.taken.append(records.decode(output.value, ErrorLogEntry))
            answer.set_result(None)
        else:
            answer.set_exception(KafkaTimeoutError())
        return answer


@pytest.mark.parametrize("full", [False, True])
async def test_a_sum_that_the_broker_does_not_take_is_summed_on(full: bool) -> None:
    now_ms, broker = [1000], Broker()
    journal = Journal(
        topics=Topics(),
        deployment=Deployment(account="main", app_id="77", region="eu"),
        repeats=Repeats(1e6),
        clock_ms=lambda: now_ms[0],
    )
    asked = Asked(
        event_id=EventId("0a0b0c0d", "camera-frames", 0, 0),
        interface="recognize",
        caller=Caller(),
        requested_at_ms=1,
        camera_id="lobby",
    )

    def fail() -> None:
        journal.failure(request(b"hello"), asked, Code.NOT_A_PICTURE, "")

    for _ in range(3):
        fail()
    now_ms[0] = 2500
    await journal.write_sums(broker.send)
    assert broker.taken == []
    broker.full = full
    await journal.write_sums(broker.send)
    broker.there = True
    now_ms[0] = 4000
    await journal.write_sums(broker.send)
    assert [each.repeats for each in broker.taken] == [2]


async def test_the_end_of_a_worker_writes_what_is_summed_whether_due_or_not() -> None:
    broker = Broker()
    broker.there = True
    journal = Journal(
        topics=Topics(),
        deployment=Deployment(account="main", app_id="77", region="eu"),
        repeats=Repeats(1e6),
        clock_ms=lambda: 1000,
    )
    journal.view_refused("face-features", Code.BAD_SEAL)
    await journal.write_rest(broker.send)
    await journal.write_rest(broker.send)
    assert [(each.return_code, each.repeats) for each in broker.taken] == [("bad_seal", 1)]


async def test_the_last_sums_are_handed_over_together() -> None:
    journal = Journal(
        topics=Topics(),
        deployment=Deployment(account="main", app_id="77", region="eu"),
        repeats=Repeats(1e6),
        clock_ms=lambda: 1000,
    )
    for number in range(200):
        journal.view_refused(f"topic-{number}", Code.BAD_RECORD)
    handed_over: list[object] = []
    answers = asyncio.get_running_loop().create_future()

    async def send(output: object) -> asyncio.Future:
        handed_over.append(output)
        if len(handed_over) == 200:
            answers.set_result(None)
        return answers

    async with asyncio.timeout(10):  # for ever, if each waited for the one before
        await journal.write_rest(send)
    assert len(handed_over) == 200
