"""Where aiokafka's fetcher goes on when the broker does not hold the offset that it asked for.

The log's start has passed it (retention removed what was not read), or its end lies before it (the topic was made
anew, or the broker restored). aiokafka goes on at the log's start and mentions it at the level INFO.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition


@dataclass(frozen=True, slots=True)
class Jump:
    """Reading went on at another offset than the next one. topic: its full name."""

    topic: str
    partition: int
    wanted: int
    found: int

    @property
    def missed(self) -> int:
        """Offsets that were passed over; negative where reading went back."""
        return self.found - self.wanted


def watch_positions(fetcher: Any, jumped: Callable[[Jump], object]) -> None:
    """Tell `jumped`, before a record from behind the jump is handed out. The same jump may be told again."""
    fetch, update = fetcher._proc_fetch_request, fetcher._update_fetch_positions
    wanted: dict[Any, tuple[Any, int]] = {}  # with the assignment under which it was asked for

    async def watched_fetch(assignment: Any, node_id: Any, request: Any) -> Any:
        outcome = await fetch(assignment, node_id, request)
        for topic, partitions in request.topics:
            for number, offset, _max_bytes in partitions:
                if assignment.state_value(tp := TopicPartition(topic, number)).awaiting_reset:
                    wanted[tp] = assignment, offset
        return outcome

    async def watched_update(assignment: Any, node_id: Any, partitions: Any) -> Any:
        outcome = await update(assignment, node_id, partitions)
        for tp in partitions:
            state = assignment.state_value(tp)
            if tp in wanted and state.has_valid_position:
                under, at = wanted.pop(tp)
                # under a later assignment, reading begins where the group has committed: that is no jump
                if under is assignment and assignment.active and state.position != at:
                    jumped(Jump(tp.topic, tp.partition, at, state.position))
        return outcome

    fetcher._proc_fetch_request = watched_fetch
    fetcher._update_fetch_positions = watched_update
