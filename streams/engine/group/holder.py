"""The app that the parts of faust belong to, as consumer and producer see it."""

from collections.abc import Callable, Collection
from typing import Any, Protocol, cast

from streams.engine.errors import FencedInstanceError
from streams.engine.group.positions import Jump
from streams.engine.lease import Lease


class Backlog(Protocol):
    """What was read and is not begun yet."""

    def full(self) -> Collection[tuple[str, int]]:
        """The partitions, by topic and number, that are not to be read on now."""

    def drop_waiting(self) -> None:
        """The partitions go, or the process ends: begin nothing more of what was read."""


class Holder(Protocol):
    """What it keeps, and what it is told.

    unleased: topics whose records may always go out.
    assigned: called in the event loop with (topic, partition) pairs and the generation, before their first message.
    cut_off: called in the event loop. jumped, fenced: called in the consumer's thread.
    """

    lease: Lease
    unleased: Collection[str]
    instance_id: str | None
    backlog: Backlog | None
    assigned: Callable[[Collection[tuple[str, int]], int], object]

    def cut_off(self) -> None:
        """Let nothing reach the broker any more that it has not answered for."""

    def jumped(self, jump: Jump) -> None:
        """A partition does not go on where it was read to."""

    def fenced(self, error: FencedInstanceError) -> None:
        """The instance id is another's."""


def holder_of(part: Any) -> Holder:
    """The app that this part of faust belongs to."""
    return cast(Holder, part.app)
