"""Where the open segment of a compacted topic must be closed, so that what was erased in it leaves the disks.

The cleaner compacts closed segments only, and a broker closes one when a record is appended once the segment's first
record is older than max.compaction.lag.ms (or segment.ms, if less). Where nothing is written any more, what was erased
would stay in the open one for ever. Hence the filler: a record of ours behind a partition's last one, appended once
that is older than this time. It opens the next segment and stays alone in it: an idle partition grows by one record.
"""

from collections.abc import Collection, Mapping


class Closing:
    """The partitions of this worker. It asks no broker: `closer` does what is said here."""

    def __init__(self) -> None:
        self._ours: frozenset[int] = frozenset()
        self._closed_at: dict[int, int] = {}

    @property
    def partitions(self) -> Collection[int]:
        """Those that are looked after."""
        return self._ours

    def assigned(self, partitions: Collection[int]) -> None:
        """These are ours now; whether their former owner has closed them is not known."""
        self._ours = frozenset(partitions)
        self._closed_at.clear()

    def idle(self, later: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """Partitions of ours that hold records, none of them young, and that may not be closed.

        later: by partition, the offset of the first young record, or behind the last one. ends: behind the last one;
        asked for after `later`, so that what comes in between counts as young.
        """
        return [
            partition
            for partition in sorted(self._ours)
            if 0 < (end := ends.get(partition, 0)) <= later.get(partition, 0) and self._closed_at.get(partition) != end
        ]

    def closed(self, partition: int, end: int) -> None:
        """A filler is the last record of this partition, which ends there."""
        self._closed_at[partition] = end
