from hypothesis import given
from hypothesis import strategies as st

from streams.audit.runs import Gap, Runs, Unread


def test_gaps_lie_between_entries_and_at_both_ends() -> None:
    runs = Runs()
    for offset in (2, 3, 7):
        assert runs.add(offset, 10 * offset)
    assert list(runs.gaps(0, 10)) == [Gap(0, 1, None, 20), Gap(4, 6, 30, 70), Gap(8, 9, 70, None)]


def test_a_gap_ends_where_it_is_asked_to() -> None:
    runs = Runs()
    runs.add(5, 50)
    assert list(runs.gaps(0, 3)) == [Gap(0, 2, None, 50)]
    assert list(runs.gaps(6, 8)) == [Gap(6, 7, 50, None)]
    assert list(runs.gaps(5, 6)) == []


def test_without_entries_all_is_one_gap() -> None:
    assert list(Runs().gaps(0, 4)) == [Gap(0, 3, None, None)]


def test_what_expired_unread_leaves_what_is_beside_it() -> None:
    gap = Gap(10, 29, 100, 900)
    assert list(gap.without([])) == [gap]
    assert list(gap.without([Unread(0, 10, 500), Unread(30, 40, 500)])) == [gap]
    assert list(gap.without([Unread(20, 25, 500), Unread(12, 22, 400)])) == [
        Gap(10, 11, 100, 900),
        Gap(25, 29, 500, 900),
    ]
    assert list(gap.without([Unread(5, 40, 500)])) == []


@given(st.lists(st.integers(0, 40), max_size=60))
def test_it_agrees_with_a_set(offsets: list[int]) -> None:
    runs, known = Runs(), set()
    for offset in offsets:
        assert runs.add(offset, offset) == (offset not in known)
        known.add(offset)
    assert {offset for offset in range(42) if offset in runs} == known
    missing = {offset for gap in runs.gaps(0, 41) for offset in range(gap.first, gap.last + 1)}
    assert missing == set(range(41)) - known
