"""Deletions that are under way, from the topic's records."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from msgspec import structs

from streams.agents.erasure.pending import PendingErasures
from streams.engine.reading.view import View
from streams.engine.topics import admin
from streams.wire import records
from streams.wire.topics import ERASURES
from tests.streams.agents.erasure.conftest import NOW_MS, Read, erasure


def taken(*given) -> tuple[PendingErasures, list]:
    told: list = []
    pending = PendingErasures(told.append, partitions=2)
    for each in given:
        pending.apply(Read(each.event_id.encode(), records.encode(each)))
    return pending, told


def test_the_newest_record_counts_until_it_is_complete() -> None:
    first, second, last = erasure(), erasure(state="swept"), erasure(state="completed")
    pending, told = taken(first, second)
    assert pending.all() == [second] == pending.of(1, 2)
    assert pending.newest(first.event_id) == second
    pending, told = taken(first, second, last)
    assert (pending.all(), len(pending), pending.newest(first.event_id)) == ([], 0, None)
    assert told == [first, second, last]  # whoever matches must learn of the end as well


def test_each_belongs_to_the_partition_of_its_command_and_the_oldest_goes_first() -> None:
    other = erasure(event_id="0a0b0c0d-gallery-commands-0-3")
    older = erasure(event_id="0a0b0c0d-gallery-commands-1-5", requested_at_ms=1)
    pending, _ = taken(erasure(), other, older)
    assert pending.of(1, 2) == [older, erasure()]
    assert pending.of(0, 2) == [other]


def test_a_partition_that_is_no_more_is_another_ones_to_drive() -> None:
    """gallery-commands was made anew with fewer."""
    left = erasure(event_id="0a0b0c0d-gallery-commands-7-3")
    pending, _ = taken(left)
    assert (pending.of(1, 2), pending.of(0, 2)) == ([left], [])


def test_the_complete_ones_are_remembered_until_their_records_are_erased() -> None:
    older = erasure(event_id="0a0b0c0d-gallery-commands-1-5", state="completed", requested_at_ms=5)
    newer = erasure(event_id="0a0b0c0d-gallery-commands-1-9", state="completed", requested_at_ms=7)
    pending, _ = taken(older, newer)
    assert pending.completed_before(erasure(requested_at_ms=6)) == [older.event_id]
    pending.apply(Read(older.event_id.encode(), None))
    assert pending.completed_before(erasure(requested_at_ms=7)) == [newer.event_id]


def test_how_far_the_topic_must_be_read_is_the_farthest_of_all() -> None:
    pending, _ = taken(
        erasure(reached={"0": 5, "1": 9}), erasure(event_id="0a0b0c0d-gallery-commands-0-3", reached={"0": 7})
    )
    assert pending.reached() == {0: 7, 1: 9}


def test_the_age_of_the_oldest() -> None:
    assert taken()[0].oldest_age_s(NOW_MS) == 0.0
    assert taken(erasure(), erasure(event_id="a0b0c0d0-gallery-commands-0-3", requested_at_ms=NOW_MS - 9000))[
        0
    ].oldest_age_s(NOW_MS) == pytest.approx(9.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"event_id": "nothing"},
        {"reached": {"x": 3}},
        {"reached": {"": 3}},
        {"reached": {"-1": 3}},
        {"reached": {"01": 3}},
        {"reached": {"\u0661": 3}},
        {"reached": {"2": 3}},
        {"waits_for": {"x": 3}},
    ],
)
def test_a_record_that_names_no_command_or_partition_is_refused_and_changes_nothing(bad: dict) -> None:
    told: list = []
    pending = PendingErasures(told.append, partitions=2)
    with pytest.raises(ValueError, match=r"event id|partition"):
        pending.apply(Read(b"e", records.encode(erasure(**bad))))
    assert (len(pending), told, pending.reached()) == (0, [], {})


def test_gallery_commands_may_have_had_more_partitions_when_it_was_made_before() -> None:
    assert len(taken(erasure(waits_for={"7": 3}))[0]) == 1


def test_face_features_may_have_had_more_partitions_when_a_deletion_was_completed() -> None:
    """Its record stays, and so does what it contains."""
    before = erasure(event_id="0a0b0c0d-gallery-commands-1-3", requested_at_ms=1)
    account = structs.replace(ACCOUNT, reached={"0": 5, "7": 3})
    assert taken(account)[0].containing(before) == account


def test_one_whose_record_is_erased_is_not_under_way_and_covers_nothing_any_more() -> None:
    """Its last record may have been compacted away before it was read."""
    pending, told = taken(erasure())
    pending.apply(Read(erasure().event_id.encode(), None))
    assert len(pending) == 0
    assert [each.state for each in told] == ["accepted", "completed"]


ACCOUNT = erasure(scope="account", gallery=None, person=None, state="completed", requested_at_ms=5)


@pytest.mark.parametrize(
    ("event_id", "requested_at_ms", "contained"),
    [
        ("0a0b0c0d-gallery-commands-1-6", 5, True),
        ("0a0b0c0d-gallery-commands-1-8", 5, False),
        ("0a0b0c0d-gallery-commands-0-9", 4, True),
        ("0a0b0c0d-gallery-commands-0-9", 5, False),  # nobody can tell
        ("0e0e0e0e-gallery-commands-1-9", 4, True),
    ],
)
def test_the_accounts_deletion_contains_what_was_asked_for_before_it(event_id, requested_at_ms, contained) -> None:
    before = erasure(event_id=event_id, requested_at_ms=requested_at_ms)
    assert (taken(before, ACCOUNT)[0].containing(before) == ACCOUNT) == contained
    under_way = structs.replace(ACCOUNT, state="confirmed")
    assert taken(before, under_way)[0].containing(before) is None
    of_a_gallery = structs.replace(ACCOUNT, scope="gallery", gallery="default")
    assert taken(before, of_a_gallery)[0].containing(before) is None


@pytest.mark.broker
async def test_a_worker_reads_on_behind_a_record_that_names_no_partition(connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    producer = AIOKafkaProducer(**connection.client_options())
    await producer.start()
    other = "0a0b0c0d-gallery-commands-0-3"
    for each in (erasure(reached={"x": 3}), erasure(event_id=other, reached={"1": 9})):
        await producer.send_and_wait(topics.name(ERASURES), records.encode(each), each.event_id.encode(), partition=0)
    await producer.stop()
    pending, refused = PendingErasures(lambda each: None, partitions=2), []
    view = View(topics.name(ERASURES), connection, pending.apply, refused=lambda: refused.append(1))
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
    await view.stop()
    assert [each.event_id for each in pending.all()] == [other]
    assert (pending.reached(), len(refused)) == ({1: 9}, 1)
