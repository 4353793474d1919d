"""Which offsets of a partition were seen before, in room that does not grow with their number.

Offsets rise by one, and nearly in order: what is remembered is where they are not, the gaps. A gap is where a request
left no entry (a filler, one that expired unread), or where its entry comes later: a repeated request's entries stand
behind those of later requests, and compaction keeps the last one alone.
"""

from array import array
from bisect import bisect_right
from typing import Final

MOST_GAPS: Final = 262_144
"""Kept of one partition: 4 MiB. A request can be repeated as long as the broker keeps its record: 15 minutes, or a day
for commands. So many gaps do not come within a day: there would have to be three fillers a second."""


class TooFarBackError(Exception):
    """An offset lies below gaps that were given up: it cannot be told whether it was seen."""


class OnceEach:
    """The offsets of one partition that were seen, in any order."""

    def __init__(self, most_gaps: int = MOST_GAPS) -> None:
        self._most_gaps = most_gaps
        self._next = 0
        self._known_from = 0
        self._starts = array("q")
        self._ends = array("q")  # of the gaps, which do not touch: from the start to below the end

    @property
    def gaps(self) -> int:
        """How many are kept."""
        return len(self._starts)

    def add(self, offset: int) -> bool:
        """Whether this offset is seen for the first time. Raises TooFarBackError rather than to guess."""
        if offset >= self._next:
            self._open_gap(offset)
            self._next = offset + 1
            return True
        if offset < self._known_from:
            raise TooFarBackError
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or offset >= self._ends[at]:
            return False
        self._narrow(at, offset)
        return True

    def _open_gap(self, end: int) -> None:
        """From what was next to below `end`."""
        if end == self._next:
            return
        self._starts.append(self._next)
        self._ends.append(end)
        self._give_up()

    def _narrow(self, at: int, offset: int) -> None:
        """Take an offset out of a gap, which leaves none, one or two."""
        start, end = self._starts[at], self._ends[at]
        left = [(start, offset)] if start < offset else []
        left += [(offset + 1, end)] if offset + 1 < end else []
        self._starts[at : at + 1] = array("q", [gap[0] for gap in left])
        self._ends[at : at + 1] = array("q", [gap[1] for gap in left])
        self._give_up()

    def _give_up(self) -> None:
        """The lower half of the gaps, where there are too many."""
        if len(self._starts) > self._most_gaps:
            half = (self._most_gaps + 1) // 2
            self._known_from = self._ends[half - 1]
            del self._starts[:half], self._ends[:half]
