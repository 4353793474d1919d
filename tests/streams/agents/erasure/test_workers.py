"""What workers say of themselves on control."""

import pytest

from streams.agents.erasure.workers import WorkersView
from streams.wire import records
from streams.wire.records import Confirmed
from tests.streams.agents.erasure.conftest import Read


def said(worker: str = "a") -> bytes:
    return records.encode(Confirmed(worker=worker, applied={}, saved=None, written_at_ms=1))


def test_records_of_other_kinds_are_passed_over_and_a_tombstone_takes_it_back() -> None:
    view = WorkersView()
    view.apply(Read(b"camera-frames", b"{}"))
    view.apply(Read(None, b""))
    view.apply(Read(b"worker/a", said()))
    assert [each.worker for each in view.all()] == ["a"]
    view.apply(Read(b"worker/a", None))
    assert view.all() == []


def test_nobody_speaks_for_another() -> None:
    with pytest.raises(ValueError, match="another's key"):
        WorkersView().apply(Read(b"worker/b", said("a")))
