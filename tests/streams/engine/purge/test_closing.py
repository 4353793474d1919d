"""Which partitions of a compacted topic are due for a filler, by what the broker says of them."""

import pytest

from streams.engine.purge.closing import Closing


@pytest.fixture
def closing() -> Closing:
    closing = Closing()
    closing.assigned([0, 1])
    return closing


def test_a_partition_is_due_whose_last_record_is_old(closing: Closing) -> None:
    assert closing.idle({0: 7, 1: 3}, {0: 7, 1: 4}) == [0]


def test_what_was_written_between_the_two_questions_is_young(closing: Closing) -> None:
    assert closing.idle({0: 7}, {0: 8}) == []


def test_neither_an_empty_partition_is_due_nor_anothers(closing: Closing) -> None:
    assert closing.idle({0: 0, 1: 0, 2: 5}, {0: 0, 1: 0, 2: 5}) == []


def test_one_that_is_closed_is_due_again_once_more_was_written(closing: Closing) -> None:
    closing.closed(0, 8)
    assert closing.idle({0: 8}, {0: 8}) == []
    assert closing.idle({0: 9}, {0: 9}) == [0]


def test_a_new_owner_does_not_know_what_is_closed(closing: Closing) -> None:
    closing.closed(0, 8)
    closing.assigned([0])
    assert closing.idle({0: 8}, {0: 8}) == [0]
