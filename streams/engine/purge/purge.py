"""What is to be deleted of the input topics now, and where a segment must be closed so that it leaves the disks.

A broker deletes records up to an offset by moving the log's start, and removes whole closed segments behind it. It
closes one only when a record is appended once the segment's first record is older than segment.ms, so what a camera
sent last would stay in the open one for as long as the camera is silent. Hence the filler: a record of ours behind a
partition's last request, appended once segment.ms has passed since that was read. It opens the next segment, stays
alone in it and is the last of them: a partition that is idle does not grow.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from streams.engine.lanes.waiting import Partition
from streams.engine.request import Request

MARGIN_S: Final = 0.1
"""The broker closes a segment that is older than segment.ms, not one that is as old; it counts in milliseconds."""


@dataclass(slots=True)
class _State:
    """Of one partition, since it was assigned.

    quiet_since: when its last request was read, by the clock; at first when it was assigned.
    last_ms: when the broker took that request in, by its own clock; None: none was read yet.
    next_offset: behind the last record that was read or committed; 0: there is none.
    closed: nothing but a filler can be in the open segment.
    asked: a filler is under way. filler_offset: where it stands, once that is known.
    undeleted_since: when the oldest record was seen to be processed that is not deleted yet; None: there is none.
    """

    quiet_since: float
    last_ms: int | None = None
    next_offset: int = 0
    closed: bool = False
    asked: bool = False
    filler_offset: int | None = None
    deleted_to: int = 0
    undeleted_since: float | None = None


class Purge:
    """The partitions of this worker. It asks no broker: `purger` does what is said here.

    segment_ms: the topics' settings as they are, by full name; a topic that is not in it gets no filler.
    clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.segment_ms: Mapping[str, int] = {}
        self._clock = clock
        self._states: dict[Partition, _State] = {}

    @property
    def partitions(self) -> list[Partition]:
        """Those that are looked after."""
        return list(self._states)

    def assigned(self, partitions: Collection[Partition]) -> None:
        """These are ours now. What their former owner has closed is not known: each counts as just used."""
        self._states = {partition: _State(self._clock()) for partition in partitions}

    def arrived(self, request: Request) -> None:
        """A record was read, a filler too."""
        state = self._states.get((request.topic, request.partition))
        if state is None:
            return
        state.next_offset = max(state.next_offset, request.offset + 1)
        if request.is_filler:
            state.closed = self._closes(request, state)
        else:
            state.closed, state.last_ms = False, request.timestamp_ms
        if not state.closed:
            state.quiet_since = self._clock()
        reached = state.filler_offset is not None and request.offset >= state.filler_offset
        if request.is_filler or reached:
            state.asked, state.filler_offset = False, None

    def _closes(self, filler: Request, state: _State) -> bool:
        """Whether the broker began a segment with it; a former owner's filler, or a clock set back, may miss that."""
        if state.last_ms is None:
            return state.asked  # all before it is older than our assignment, and that is long ago
        segment_ms = self.segment_ms.get(filler.topic)
        return segment_ms is not None and filler.timestamp_ms - state.last_ms > segment_ms

    def to_delete(self, committed: Mapping[Partition, int]) -> dict[Partition, int]:
        """Up to which offset records can be deleted, where that is news.

        committed: the group's offsets as the broker has them; below 0: none.
        """
        news = {}
        for partition, offset in committed.items():
            state = self._states.get(partition)
            if state is None or offset <= state.deleted_to:
                continue
            state.next_offset = max(state.next_offset, offset)
            if state.undeleted_since is None:
                state.undeleted_since = self._clock()
            news[partition] = offset
        return news

    def deleted(self, offsets: Mapping[Partition, int]) -> None:
        """The broker has deleted the records of these partitions below these offsets."""
        for partition, offset in offsets.items():
            if (state := self._states.get(partition)) is not None:
                state.deleted_to, state.undeleted_since = max(state.deleted_to, offset), None

    def to_close(self) -> list[Partition]:
        """Partitions that are due for a filler; each is told once, until `filled` or `not_filled` is called."""
        due = [partition for partition, state in self._states.items() if self._is_due(partition[0], state)]
        for partition in due:
            self._states[partition].asked = True
        return due

    def _is_due(self, topic: str, state: _State) -> bool:
        segment_ms = self.segment_ms.get(topic)
        if segment_ms is None or state.closed or state.asked or not state.next_offset:
            return False
        return self._clock() - state.quiet_since > segment_ms / 1000 + MARGIN_S

    def filled(self, partition: Partition, offset: int) -> None:
        """The broker has put the filler there; it may have been read before that was known."""
        state = self._states.get(partition)
        if state is not None and state.asked:
            state.filler_offset = offset

    def not_filled(self, partition: Partition) -> None:
        """The broker did not say that it has taken the filler: it is due again."""
        if (state := self._states.get(partition)) is not None:
            state.asked = False

    def undeleted_s(self) -> dict[str, float]:
        """By topic, for how long the oldest processed request may not have been deleted, or stood in an open segment.

        0: nothing that was processed is left.
        """
        found = dict.fromkeys(self.segment_ms, 0.0) | dict.fromkeys((topic for topic, _ in self._states), 0.0)
        for (topic, _partition), state in self._states.items():
            since = [] if state.undeleted_since is None else [state.undeleted_since]
            since += [state.quiet_since] if state.next_offset and not state.closed else []
            found[topic] = max(found[topic], *(self._clock() - moment for moment in since), 0.0)
        return found
