"""Live cameras: they come back by themselves, and say so."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from cv2.typing import MatLike

from streams.edge.errors import SourceError
from streams.edge.sources import DEFAULT_JPEG_QUALITY, SourcePicture, jpeg

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0


class Capture(Protocol):
    """What is used of cv2.VideoCapture. grab: wait for the next frame; retrieve: decode the one grabbed."""

    def isOpened(self) -> bool: ...  # noqa: D102, N802  OpenCV's names
    def grab(self) -> bool: ...  # noqa: D102
    def retrieve(self) -> tuple[bool, MatLike]: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


class LiveCamera:
    """Frames as they come, as JPEG, with the time at which they were read.

    open_capture: called again after each loss. max_fps: frames beyond it are dropped undecoded, so that
    what is sent stays recent. notice: told in one line of each loss and return. clock: monotonic
    seconds. now_ms: since 1970. pause: waits, and answers whether the camera was closed meanwhile.
    """

    total: int | None = None
    fps: float | None = None
    live = True

    def __init__(
        self,
        name: str,
        open_capture: Callable[[], Capture],
        *,
        jpeg_quality: int = DEFAULT_JPEG_QUALITY,
        max_fps: float | None = None,
        notice: Callable[[str], None] = lambda _line: None,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        """Raises SourceError if it cannot be opened now: then the address is wrong."""
        self.name = name
        self._open_capture = open_capture
        self._jpeg_quality = jpeg_quality
        self._period_s = 0.0 if max_fps is None else 1 / max_fps
        self._notice = notice
        self._clock = clock
        self._now_ms = now_ms
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._first: Capture | None = open_capture()
        if not self._first.isOpened():
            self._first.release()
            raise SourceError(f"{name}: cannot be opened")

    def __iter__(self) -> Iterator[SourcePicture]:
        capture, self._first = self._first, None
        pause_s = FIRST_PAUSE_S
        while not self._closed.is_set():
            if capture is not None and capture.isOpened():
                for picture in self._pictures(capture):
                    if pause_s > FIRST_PAUSE_S:
                        self._notice(f"{self.name}: back again")
                        pause_s = FIRST_PAUSE_S
                    yield picture
            if capture is not None:
                capture.release()
            if self._closed.is_set():
                return
            self._notice(f"{self.name}: no picture; trying again in {pause_s:g} s")
            if self._pause(pause_s):
                return
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            capture = self._open_capture()

    def close(self) -> None:
        """End at the next frame."""
        self._closed.set()

    def _pictures(self, capture: Capture) -> Iterator[SourcePicture]:
        """Until a frame cannot be read."""
        due_s = self._clock()
        while not self._closed.is_set() and capture.grab():
            captured_at_ms, now_s = self._now_ms(), self._clock()
            if now_s < due_s:
                continue
            due_s = max(due_s + self._period_s, now_s)
            readable, pixels_bgr = capture.retrieve()
            if not readable:
                return
            yield SourcePicture(jpeg(pixels_bgr, self._jpeg_quality), captured_at_ms)
