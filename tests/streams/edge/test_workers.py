"""An account's workers by their own words, and words that are taken back, on each broker."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from streams.edge.errors import BrokerUnreachableError, TopicMissingError
from streams.edge.workers import Worker, read_workers, take_back, why_not_gone, worker_of
from streams.engine.brokers import Broker
from streams.wire.connection import Connection
from streams.wire.records import Confirmed, encode
from streams.wire.topics import CONTROL, FACE_FEATURES, MS_PER_DAY, Topics
from streams.wire.workers import SILENT_AFTER_MS, Heard, key_of

REACHED = {"0": 5, "1": 3}
NOW_MS = 1_767_225_600_000
LATER_MS = 4 * NOW_MS
"""Whenever the test runs, all was long ago."""


def word(worker: str, applied: dict[str, int], saved: dict[str, int] | None = None) -> Confirmed:
    return Confirmed(worker=worker, applied=applied, saved=saved, written_at_ms=0)  # its own clock may say anything


@pytest.mark.parametrize(
    ("applied", "saved", "memory", "snapshot"),
    [
        (REACHED, None, "up_to_date", "no"),
        ({"0": 5, "1": 2}, None, "behind", "no"),
        (REACHED, REACHED, "up_to_date", "yes"),
        (REACHED, {"0": 5}, "up_to_date", "behind"),
    ],
)
def test_how_far_a_worker_is_on_face_features(applied, saved, memory: str, snapshot: str) -> None:
    found = worker_of(Heard(word("a", applied, saved), NOW_MS), REACHED, NOW_MS)
    assert (found.memory, found.snapshot) == (memory, snapshot)


@pytest.mark.parametrize(
    ("silent_ms", "saved", "state"),
    [
        (SILENT_AFTER_MS, None, "live"),
        (SILENT_AFTER_MS + 1, None, "silent"),
        (SILENT_AFTER_MS, REACHED, "live"),
        (SILENT_AFTER_MS + 1, REACHED, "left_snapshot"),
    ],
)
def test_who_was_silent_for_a_minute_is_not_live(silent_ms: int, saved, state: str) -> None:
    found = worker_of(Heard(word("a", REACHED, saved), NOW_MS - silent_ms), REACHED, NOW_MS)
    assert (found.silent_ms, found.state) == (silent_ms, state)


def test_a_broker_whose_clock_is_ahead_of_ours_hears_nobody_in_the_future() -> None:
    found = worker_of(Heard(word("a", REACHED), NOW_MS + 5), REACHED, NOW_MS)
    assert (found.silent_ms, found.state) == (0, "live")


def known(*silences_ms: int) -> list[Worker]:
    """a, b, and so on."""
    return [
        worker_of(Heard(word(name, REACHED), NOW_MS - silence_ms), REACHED, NOW_MS)
        for name, silence_ms in zip("abcd", silences_ms, strict=False)
    ]


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        (["b", "c"], None),
        (["b", "x", "y"], "no word of x and y stands on control"),
        (["a", "b"], "a spoke within the last minute: stop the process first, and wait for that long"),
    ],
)
def test_words_of_the_silent_alone_are_taken_back(workers: Sequence[str], reason: str | None) -> None:
    assert why_not_gone(known(SILENT_AFTER_MS, SILENT_AFTER_MS + 1, MS_PER_DAY), workers) == reason


@pytest.mark.broker
async def test_words_are_read_and_taken_back(broker: Broker, connection: Connection, topics: Topics) -> None:
    async def found() -> list[tuple[str, str, str]]:
        workers = await read_workers(connection, topics, exact_ends=broker.exact_ends, now_ms=LATER_MS)
        return [(each.worker, each.memory, each.state) for each in workers]

    assert await found() == []
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for _ in range(3):
            await producer.send_and_wait(topics.name(FACE_FEATURES), b"sealed", key=b"k", partition=1)
        control = topics.name(CONTROL)
        for said in (word("w2", {"0": 0, "1": 3}), word("w1", {"0": 0, "1": 1}, {}), word("w1", {"1": 1}, {"1": 1})):
            await producer.send_and_wait(control, encode(said), key=key_of(said.worker), partition=0)
        await producer.send_and_wait(control, b"<html>", key=key_of("w2"), partition=0)

    assert await found() == [("w1", "behind", "left_snapshot"), ("w2", "up_to_date", "silent")]
    await take_back(connection, topics, ["w1"])
    assert await found() == [("w2", "up_to_date", "silent")]


@pytest.mark.broker
async def test_a_topic_that_does_not_exist_is_named(connection: Connection, topics: Topics) -> None:
    nobodys = replace(topics, account="nobody")
    with pytest.raises(TopicMissingError, match=nobodys.name(FACE_FEATURES)):
        await read_workers(connection, nobodys, exact_ends=True, now_ms=NOW_MS)
    with pytest.raises(TopicMissingError, match=nobodys.name(CONTROL)):
        await take_back(connection, nobodys, ["w1"])


async def test_a_broker_that_is_away_is_said(unused_tcp_port: int) -> None:
    nowhere = Connection(f"127.0.0.1:{unused_tcp_port}")
    with pytest.raises(BrokerUnreachableError):
        await read_workers(nowhere, Topics(), exact_ends=True, now_ms=NOW_MS)
    with pytest.raises(BrokerUnreachableError):
        await take_back(nowhere, Topics(), ["w1"])
