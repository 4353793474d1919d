"""Which offsets of a partition have an entry, in memory that grows with the gaps between them, not with the entries."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Run:
    """Offsets that follow each other, each with an entry; both ends belong to it. Times are those of the two ends."""

    first: int
    last: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, order=True)
class Unread:
    """Offsets that expired before anybody read them. end: behind the last. told_at_ms: when a worker noticed."""

    first: int
    end: int
    told_at_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets without an entry, both ends included. Times: of the entries beside it; None where there is none."""

    first: int
    last: int
    before_ms: int | None
    after_ms: int | None

    @property
    def size(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def without(self, unread: Iterable[Unread]) -> Iterator["Gap"]:
        """What is left of it. Behind what expired nothing was read before that was noticed."""
        at, before_ms = self.first, self.before_ms
        for each in sorted(unread):
            if each.end <= at or each.first > self.last:
                continue
            if at < each.first:
                yield Gap(at, each.first - 1, before_ms, self.after_ms)
            at, before_ms = each.end, each.told_at_ms
        if at <= self.last:
            yield Gap(at, self.last, before_ms, self.after_ms)


class Runs:
    """Of one partition."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, offset: int, at_ms: int) -> bool:
        """Whether the offset is new. at_ms: when the broker took the request in."""
        at = bisect_right(self._runs, offset, key=lambda run: run.first)
        before = self._runs[at - 1] if at else None
        after = self._runs[at] if at < len(self._runs) else None
        if before is not None and offset <= before.last:
            return False
        joins_before = before is not None and before.last == offset - 1
        joins_after = after is not None and after.first == offset + 1
        if before is not None and after is not None and joins_before and joins_after:
            before.last, before.last_ms = after.last, after.last_ms
            del self._runs[at]
        elif before is not None and joins_before:
            before.last, before.last_ms = offset, at_ms
        elif after is not None and joins_after:
            after.first, after.first_ms = offset, at_ms
        else:
            self._runs.insert(at, Run(offset, offset, at_ms, at_ms))
        return True

    def __contains__(self, offset: int) -> bool:
        at = bisect_right(self._runs, offset, key=lambda run: run.first)
        return bool(at) and offset <= self._runs[at - 1].last

    def gaps(self, begin: int, end: int) -> Iterator[Gap]:
        """All offsets from `begin` to below `end` that have no entry, in order."""
        at, before_ms = begin, None
        for run in self._runs:
            if run.last < begin:
                before_ms = run.last_ms
                continue
            if run.first >= end:
                if at < end:
                    yield Gap(at, end - 1, before_ms, run.first_ms)
                return
            if at < run.first:
                yield Gap(at, run.first - 1, before_ms, run.first_ms)
            at, before_ms = max(at, run.last + 1), run.last_ms
        if at < end:
            yield Gap(at, end - 1, before_ms, None)
