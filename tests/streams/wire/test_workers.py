"""What workers say of themselves on control."""

from types import SimpleNamespace

import pytest

from streams.wire import records
from streams.wire.records import Confirmed
from streams.wire.workers import WorkersView, covers, is_past, key_of


def word(worker: str = "a", **fields: object) -> Confirmed:
    return Confirmed(**({"worker": worker, "applied": {}, "saved": None, "written_at_ms": 1} | fields))


def said(worker: str = "a") -> bytes:
    return records.encode(word(worker))


def test_records_of_other_kinds_are_passed_over_and_a_tombstone_takes_it_back() -> None:
    view = WorkersView()
    view.take(b"camera-frames", b"{}", 1)
    view.take(None, b"", 2)
    view.apply(SimpleNamespace(key=key_of("a"), value=said(), timestamp=5))
    assert [(each.said.worker, each.at_ms) for each in view.all()] == [("a", 5)]
    view.take(key_of("a"), None, 6)
    assert view.all() == []


def test_an_empty_word_takes_nothing_back() -> None:
    view = WorkersView()
    view.take(key_of("a"), said(), 5)
    view.take(key_of("a"), b"", 6)
    assert [each.at_ms for each in view.all()] == [5]


def test_nobody_speaks_for_another() -> None:
    with pytest.raises(ValueError, match="another's key"):
        WorkersView().take(key_of("b"), said("a"), 5)


@pytest.mark.parametrize(
    ("applied", "saved", "past"),
    [
        ({"0": 5, "1": 3}, None, True),
        ({"0": 4, "1": 3}, None, False),
        ({"0": 5}, None, False),
        ({"0": 5, "1": 3}, {"0": 5, "1": 3}, True),
        ({"0": 5, "1": 3}, {"0": 5, "1": 2}, False),
        ({"0": 5, "1": 3}, {}, False),
    ],
)
def test_who_is_past_is_so_in_every_partition_and_in_its_snapshot(applied, saved, past: bool) -> None:
    assert is_past(word(applied=applied, saved=saved), {"0": 5, "1": 3}) is past


def test_everything_covers_what_was_never_written() -> None:
    assert covers({}, {"0": 0})
