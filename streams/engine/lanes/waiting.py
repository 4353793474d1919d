"""Requests that were read and are not begun yet, by partition, in order: what may be read on, and what is begun next.

A partition whose first request must wait does not hold up the others. What waits is bounded: a partition of which
enough waits is not read on, and none that anything waits of is once all of it takes too many bytes. So a partition
holds what one answer to a fetch brought, and a little.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from streams.engine.request import Request

ENOUGH: Final = 8
"""Requests of a partition: work until the next answer to a fetch is there."""
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_REQUESTS: Final = 1000

Partition = tuple[str, int]
"""Topic and number."""


class Waiting:
    """Partitions take turns; within one, requests keep their order."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Partition, deque[Request]] = OrderedDict()
        self._requests = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Nothing may be added before something is taken."""
        return self._requests >= MAX_REQUESTS

    def add(self, request: Request) -> None:
        """Behind what waits of its partition."""
        self._lines.setdefault((request.topic, request.partition), deque()).append(request)
        self._count(request, 1)

    def take(self, may_begin: Callable[[Request], bool]) -> Request | None:
        """The first request of the partition whose turn it is; None if none of the first ones may begin."""
        for partition, line in self._lines.items():
            if may_begin(line[0]):
                request = line.popleft()
                self._lines.move_to_end(partition)
                if not line:
                    del self._lines[partition]
                self._count(request, -1)
                return request
        return None

    def full(self) -> set[Partition]:
        """The partitions that are not to be read on now."""
        enough = 1 if self._bytes >= MAX_BYTES else ENOUGH
        return {partition for partition, line in self._lines.items() if len(line) >= enough}

    def holds(self, partition: Partition) -> bool:
        """Something of this partition waits."""
        return partition in self._lines

    def clear(self) -> list[Request]:
        """Let all go; what it was."""
        gone = [request for line in self._lines.values() for request in line]
        self._lines.clear()
        self._requests = self._bytes = 0
        return gone

    def _count(self, request: Request, sign: int) -> None:
        self._requests += sign
        self._bytes += sign * len(request.value or b"")
