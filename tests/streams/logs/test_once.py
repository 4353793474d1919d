"""Offsets that were seen: as a plain set would have it, in bounded room, and never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logs.once import OnceEach, TooFarBackError

ANY_ORDER = st.lists(st.integers(0, 60), max_size=200)


@given(ANY_ORDER)
def test_every_offset_counts_once_whatever_the_order(offsets: list[int]) -> None:
    once, seen = OnceEach(), set()
    for offset in offsets:
        assert once.add(offset) == (offset not in seen)
        seen.add(offset)


@given(ANY_ORDER, st.integers(1, 5))
def test_in_little_room_it_is_right_or_says_that_it_cannot_tell(offsets: list[int], most_gaps: int) -> None:
    once, seen = OnceEach(most_gaps), set()
    for offset in offsets:
        try:
            assert once.add(offset) == (offset not in seen)
        except TooFarBackError:
            assert any(later > offset for later in seen)
        seen.add(offset)
        assert once.gaps <= most_gaps


@given(st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=20), min_size=1, max_size=60))
def test_what_comes_again_within_a_window_needs_no_more_gaps_than_the_window_has_places(windows) -> None:
    once, seen = OnceEach(most_gaps=16), set()
    for number, window in enumerate(windows):
        for place in window:
            offset = 4 * number + place
            assert once.add(offset) == (offset not in seen)
            seen.add(offset)


def test_a_long_run_takes_no_gap_and_a_late_start_takes_one() -> None:
    once = OnceEach()
    assert all(once.add(offset) for offset in range(5000, 15_000))
    assert once.gaps == 1
    assert not any(once.add(offset) for offset in range(5000, 15_000))


def test_below_gaps_that_were_given_up_it_refuses_to_guess() -> None:
    once = OnceEach(most_gaps=2)
    for offset in (1, 3, 5):  # gaps at 0, 2 and 4: the first is given up
        assert once.add(offset)
    with pytest.raises(TooFarBackError):
        once.add(0)
    assert (once.add(2), once.add(3), once.add(4)) == (True, False, True)
