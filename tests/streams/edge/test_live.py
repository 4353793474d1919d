import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from streams.edge.errors import SourceError
from streams.edge.live import LiveCamera


class Capture:
    """A scripted camera: gives so many frames, each a quarter of a second after the one before, then is lost."""

    def __init__(self, frames: int, clock: "Clock", *, opens: bool = True) -> None:
        self.frames = frames
        self.opens = opens
        self.released = False
        self.retrieved = 0
        self._clock = clock

    def isOpened(self) -> bool:
        return self.opens

    def grab(self) -> bool:
        if self.frames == 0:
            return False
        self.frames -= 1
        self._clock.now_s += 0.25
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        self.retrieved += 1
        return True, np.zeros((8, 8, 3), np.uint8)

    def release(self) -> None:
        self.released = True


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> bool:
        self.pauses_s.append(seconds)
        self.now_s += seconds
        return False


def camera(clock: Clock, captures: Iterator[Capture], lines: list[str], max_fps: float | None = None) -> LiveCamera:
    return LiveCamera(
        "door",
        lambda: next(captures),
        max_fps=max_fps,
        notice=lines.append,
        clock=clock,
        now_ms=lambda: int(clock.now_s * 1000),
        pause=clock.pause,
    )


def test_frames_carry_the_time_at_which_they_were_read() -> None:
    clock = Clock()
    source = camera(clock, iter([Capture(3, clock)]), [])

    pictures = list(itertools.islice(source, 3))

    assert [picture.captured_at_ms for picture in pictures] == [250, 500, 750]
    assert all(picture.encoded.startswith(b"\xff\xd8\xff") for picture in pictures)
    assert (source.total, source.fps, source.live) == (None, None, True)


def test_a_camera_that_does_not_open_at_first_is_refused() -> None:
    clock = Clock()
    capture = Capture(0, clock, opens=False)

    with pytest.raises(SourceError, match=r"^door: cannot be opened$"):
        camera(clock, iter([capture]), [])

    assert capture.released


def test_a_lost_camera_is_opened_again_with_growing_pauses_and_says_so() -> None:
    clock, lines = Clock(), []
    captures = [
        Capture(1, clock),
        Capture(0, clock, opens=False),
        Capture(0, clock),
        Capture(1, clock),
        Capture(1, clock),
    ]
    source = camera(clock, iter(captures), lines)

    assert len(list(itertools.islice(source, 3))) == 3

    assert clock.pauses_s == [1, 2, 4, 1]
    assert lines == [
        "door: no picture; trying again in 1 s",
        "door: no picture; trying again in 2 s",
        "door: no picture; trying again in 4 s",
        "door: back again",
        "door: no picture; trying again in 1 s",
        "door: back again",
    ]
    assert [capture.released for capture in captures] == [True, True, True, True, False]


def test_pauses_do_not_grow_without_end() -> None:
    clock = Clock()
    lost = itertools.chain([Capture(1, clock)], (Capture(0, clock, opens=False) for _ in range(8)), [Capture(1, clock)])

    assert len(list(itertools.islice(camera(clock, lost, []), 2))) == 2

    assert clock.pauses_s == [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_frames_beyond_the_rate_are_dropped_undecoded() -> None:
    clock = Clock()
    capture = Capture(9, clock)
    source = camera(clock, iter([capture]), [], max_fps=2)

    pictures = list(itertools.islice(source, 4))

    assert [picture.captured_at_ms for picture in pictures] == [250, 500, 1000, 1500]
    assert capture.retrieved == 4


def test_a_closed_camera_ends_at_its_next_frame() -> None:
    clock = Clock()
    capture = Capture(5, clock)
    source = camera(clock, iter([capture]), [])
    taken = 0

    for _picture in source:
        taken += 1
        source.close()

    assert taken == 1
    assert capture.released
    assert clock.pauses_s == []


def test_closing_ends_a_pause() -> None:
    clock, lines = Clock(), []
    captures = iter([Capture(0, clock), Capture(1, clock)])
    source = LiveCamera("door", lambda: next(captures), notice=lambda line: (lines.append(line), source.close()))

    assert list(source) == []
    assert lines == ["door: no picture; trying again in 1 s"]
