"""What workers say of themselves on control."""

import pytest

from streams.agents.erasure.workers import (
    GONE_AFTER_MS,
    SILENT_AFTER_MS,
    Heard,
    Verdict,
    WorkersView,
    judge,
)
from streams.wire import records
from streams.wire.records import Confirmed
from tests.streams.agents.erasure.conftest import Read

TIMES = {
    "here": 2 * GONE_AFTER_MS - SILENT_AFTER_MS,
    "silent": 2 * GONE_AFTER_MS - SILENT_AFTER_MS - 1,
    "gone": GONE_AFTER_MS - 1,
}


def said(worker: str = "a") -> bytes:
    return records.encode(Confirmed(worker=worker, applied={}, saved=None, written_at_ms=1))


def test_records_of_other_kinds_are_passed_over_and_a_tombstone_takes_it_back() -> None:
    view = WorkersView()
    view.apply(Read(b"camera-frames", b"{}"))
    view.apply(Read(None, b""))
    view.apply(Read(b"worker/a", said(), timestamp=5))
    assert [(each.said.worker, each.at_ms) for each in view.all()] == [("a", 5)]
    view.apply(Read(b"worker/a", None))
    assert view.all() == []


def test_a_deletion_of_nobody_is_confirmed_by_who_is_there() -> None:
    heard = [Heard(Confirmed(worker=name, applied={}, saved=None, written_at_ms=1), at) for name, at in TIMES.items()]
    assert judge(heard, {}, 2 * GONE_AFTER_MS) == Verdict(("here",), (), ("silent",), ("gone",))


def test_nobody_speaks_for_another() -> None:
    with pytest.raises(ValueError, match="another's key"):
        WorkersView().apply(Read(b"worker/b", said("a")))
