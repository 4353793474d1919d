"""What a deletion makes of the workers' words."""

import pytest

from streams.agents.erasure.workers import GONE_AFTER_MS, SNAPSHOT_GONE_AFTER_MS, Verdict, judge
from streams.wire.records import Confirmed
from streams.wire.workers import SILENT_AFTER_MS, Heard

TIMES = {
    "here": 2 * GONE_AFTER_MS - SILENT_AFTER_MS,
    "silent": 2 * GONE_AFTER_MS - SILENT_AFTER_MS - 1,
    "gone": GONE_AFTER_MS - 1,
}


def test_a_deletion_of_nobody_is_confirmed_by_who_is_there() -> None:
    heard = [Heard(Confirmed(worker=name, applied={}, saved=None, written_at_ms=1), at) for name, at in TIMES.items()]
    assert judge(heard, {}, 2 * GONE_AFTER_MS) == Verdict(("here",), (), ("silent",), ("gone",))


@pytest.mark.parametrize("saved", [{"0": 4}, {}])
def test_who_left_a_snapshot_that_is_behind_is_named_for_as_long_as_it_may_lie_there(saved: dict[str, int]) -> None:
    heard = [Heard(Confirmed(worker="left", applied={"0": 9}, saved=saved, written_at_ms=1), 0)]
    assert judge(heard, {"0": 5}, GONE_AFTER_MS + 1) == Verdict((), (), ("left",), ())
    assert judge(heard, {"0": 5}, SNAPSHOT_GONE_AFTER_MS) == Verdict((), (), ("left",), ())
    assert judge(heard, {"0": 5}, SNAPSHOT_GONE_AFTER_MS + 1) == Verdict((), (), (), ("left",))


def test_who_left_a_snapshot_that_is_past_a_deletion_keeps_its_word_for_the_next_one() -> None:
    heard = [Heard(Confirmed(worker="left", applied={"0": 9}, saved={"0": 9}, written_at_ms=1), 0)]
    assert judge(heard, {"0": 5}, GONE_AFTER_MS + 1) == Verdict(("left",), (), (), (), snapshots=1)
    assert judge(heard, {"0": 10}, GONE_AFTER_MS + 1).silent == ("left",)
