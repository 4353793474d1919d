import pytest

from streams.edge.highest import HighestOffsets


def place(offset: int, *, epoch: str = "0000000a", partition: int = 1) -> str:
    return f"{epoch}-camera-frames-{partition}-{offset}"


def admitted(offsets: list[int]) -> list[int]:
    highest = HighestOffsets()
    return [offset for offset in offsets if highest.admits("lobby", place(offset))]


def test_a_successors_repeats_are_dropped() -> None:
    assert admitted([10, 12, 15, 12, 15, 16, 15, 20]) == [10, 12, 15, 16, 20]


def test_cameras_are_apart() -> None:
    highest = HighestOffsets()

    assert highest.admits("lobby", place(5))
    assert highest.admits("gate", place(4))
    assert not highest.admits("gate", place(4))


def test_one_frame_may_leave_several_records() -> None:
    highest = HighestOffsets()

    assert highest.admits("lobby", place(5), ("visit-a", "enter"))
    assert highest.admits("lobby", place(5), ("visit-b", "enter"))
    assert not highest.admits("lobby", place(5), ("visit-a", "enter"))
    assert highest.admits("lobby", place(6), ("visit-a", "enter"))
    assert not highest.admits("lobby", place(5), ("visit-c", "enter"))


def test_a_topic_made_anew_starts_anew() -> None:
    highest = HighestOffsets()

    assert highest.admits("lobby", place(500))
    assert highest.admits("lobby", place(0, epoch="0000000b"))
    assert not highest.admits("lobby", place(0, epoch="0000000b"))


def test_what_is_no_event_id_is_refused() -> None:
    with pytest.raises(ValueError, match="not an event id"):
        HighestOffsets().admits("lobby", "42")
