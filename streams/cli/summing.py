"""What libraries log over and over is summed: while a broker is away, the Kafka client has 200 lines a second."""

import copy
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any, Final, TextIO

WINDOW_S: Final = 10.0
LOOK_S: Final = 1.0
MOST_KINDS: Final = 1000
"""Texts that are remembered at a time; beyond that each line is written."""


@dataclass(slots=True)
class _Kind:
    """The last of the lines that are alike, and how many were held back since `since`."""

    last: logging.LogRecord
    since: float
    held: int = 0


def start_timer(delay_s: float, call: Callable[[], None]) -> None:
    """Call it later, in a thread that does not keep the process alive."""
    timer = Timer(delay_s, call)
    timer.daemon = True
    with suppress(RuntimeError):  # no thread starts any more while the interpreter ends; what is held is written then
        timer.start()


class SummingHandler(logging.StreamHandler[TextIO]):
    """Writes the first of the lines that are alike, and for each ten seconds one that says how many followed.

    Alike are lines of one logger, level, text and kind of exception. What is held back is written when the handler is
    closed, at the process's end; a process that is killed takes sums with it, but no kind of line.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] = start_timer,
    ) -> None:
        super().__init__(stream)
        self._clock = clock
        self._later = later
        self._kinds: dict[tuple[Any, ...], _Kind] = {}
        self._looks = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it. The handler's lock is held by who calls."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  placeholders and arguments do not fit: logging itself says so
            super().emit(record)
            return
        alike = record.name, record.levelno, text, record.exc_info[0] if record.exc_info else None
        kind = self._kinds.get(alike)
        if kind is not None:
            kind.last, kind.held = record, kind.held + 1
            return
        super().emit(record)
        if len(self._kinds) < MOST_KINDS:
            self._kinds[alike] = _Kind(record, self._clock())
            self._look_later()

    def close(self) -> None:
        """Write what is held back."""
        self.acquire()
        try:
            for kind in self._kinds.values():
                self._write_sum(kind)
            self._kinds.clear()
        finally:
            self.release()
        super().close()

    def _look_later(self) -> None:
        if not self._looks:
            self._looks = True
            self._later(LOOK_S, self._look)

    def _look(self) -> None:
        """Write the sums whose time has come, forget kinds that did not come again."""
        self.acquire()
        try:
            self._looks = False
            now = self._clock()
            for alike, kind in tuple(self._kinds.items()):
                if now - kind.since < WINDOW_S:
                    continue
                if kind.held:
                    self._write_sum(kind)
                    kind.since, kind.held = now, 0
                else:
                    del self._kinds[alike]
            if self._kinds:
                self._look_later()
        finally:
            self.release()

    def _write_sum(self, kind: _Kind) -> None:
        if kind.held:
            record = copy.copy(kind.last)
            record.msg = f"{record.getMessage()} ({kind.held} more like it in {self._clock() - kind.since:.0f} s)"
            record.args = record.exc_info = record.exc_text = None
            super().emit(record)
