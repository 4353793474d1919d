"""Deletions that are under way, from the topic's records."""

import pytest

from streams.agents.erasure.pending import PendingErasures
from streams.wire import records
from tests.streams.agents.erasure.conftest import NOW_MS, Read, erasure


def taken(*given) -> tuple[PendingErasures, list]:
    told: list = []
    pending = PendingErasures(told.append)
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


def test_a_record_that_names_no_command_is_refused() -> None:
    with pytest.raises(ValueError, match="not an event id"):
        taken(erasure(event_id="nothing"))
