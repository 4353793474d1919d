import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gallery.bits import ROWS, Owner, Segment, packed, scan


def owners(n: int) -> tuple[Owner, ...]:
    return tuple(Owner(f"person-{i}", "1") for i in range(n))


def segment(of: tuple[Owner | None, ...], first: int = 1) -> Segment:
    """Row i has bits and vector of the number first + i; an emptied row has zeros."""
    numbers = np.array([0 if owner is None else first + i for i, owner in enumerate(of)])
    return Segment(
        of, np.repeat(numbers[:, None], 2, 1).astype(np.uint8), np.repeat(numbers[:, None], 4, 1).astype("f4")
    )


def test_a_change_leaves_the_original_as_it_was() -> None:
    ada, bob, cyd = owners(3)
    before = segment((ada, bob))
    after = before.with_feature(cyd, np.full(2, 9, np.uint8), np.full(4, 9, np.float32)).without([ada])
    assert before.owners == (ada, bob)
    assert before.vectors.tolist() == [[1] * 4, [2] * 4]
    assert after.owners == (None, bob, cyd)
    assert after.bits.tolist() == [[0] * 2, [2] * 2, [9] * 2]
    assert after.vectors.tolist() == [[0] * 4, [2] * 4, [9] * 4]
    assert (before.live, after.live) == (2, 2)


def test_an_emptied_row_is_taken_again() -> None:
    ada, bob, cyd = owners(3)
    after = segment((ada, bob)).without([ada]).with_feature(cyd, np.full(2, 9, np.uint8), np.full(4, 9, np.float32))
    assert after.owners == (cyd, bob)
    assert after.bits.tolist() == [[9] * 2, [2] * 2]


def test_a_segment_that_nobody_holds_is_overwritten() -> None:
    ada, bob = owners(2)
    before = segment((ada, bob))
    bits, vectors, gone = before.bits, before.vectors, weakref.ref(before)
    after = before.without([ada])
    assert bits.any()  # a reader holds it still
    del before
    gc.collect()
    assert gone() is None
    assert not bits.any()
    assert not vectors.any()
    assert after.vectors[1].tolist() == [2] * 4


def test_scan_scores_all_rows_in_their_order() -> None:
    ada, bob, cyd = owners(3)
    probe = np.array([1, 0, 0, 0.5], np.float32)
    assert scan((segment((ada, None, bob)), segment((cyd,), 7)), probe).tolist() == [1.5, 0, 4.5, 10.5]
    assert scan((), probe).shape == (0,)


@given(st.lists(st.integers(0, 3 * ROWS), max_size=4), st.integers(0, 3))
def test_packing_keeps_every_feature(holes: list[int], size: int) -> None:
    people = owners(size * ROWS - min(size, 1) * 7)
    whole = [segment(people[at : at + ROWS], at % 200 + 1) for at in range(0, len(people), ROWS)]
    doomed = {people[hole % len(people)] for hole in holes} if people else set()
    thinned = [part.without([owner for owner in part.owners if owner in doomed]) for part in whole]
    result = packed(thinned)
    rows = {owner: part.vectors[i, 0] for part in thinned for i, owner in enumerate(part.owners) if owner}
    assert {owner: part.vectors[i, 0] for part in result for i, owner in enumerate(part.owners)} == rows
    assert [len(part.owners) for part in result[:-1]] == [ROWS] * (len(result) - 1)
    assert all(part.live == len(part.owners) > 0 for part in result)


def test_arrays_must_fit_the_owners() -> None:
    with pytest.raises(ValueError, match="vectors"):
        Segment(owners(2), np.zeros((2, 1), np.uint8), np.zeros((1, 4), np.float32))
