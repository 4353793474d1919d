"""Which requests are done: only a contiguous prefix of a partition's requests may be acknowledged."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streams.engine.request import Request


@dataclass(slots=True)
class _Entry:
    request: Request
    done: bool = False


@dataclass(slots=True)
class Ledger:
    """Order of arrival by partition and generation, so that a partition that returns starts anew."""

    acknowledge: Callable[[Any], object]
    _queues: dict[tuple[str, int, int], deque[_Entry]] = field(default_factory=dict)
    _entries: dict[tuple[str, int, int, int], _Entry] = field(default_factory=dict)

    def arrived(self, request: Request) -> None:
        """A request was read; requests of a partition arrive in order."""
        entry = _Entry(request)
        self._queues.setdefault(_line(request), deque()).append(entry)
        self._entries[(*_line(request), request.offset)] = entry

    def done(self, request: Request) -> None:
        """All outputs of the request are out: acknowledge it and what waited behind it, if nothing waits before it."""
        self._entries[(*_line(request), request.offset)].done = True
        queue = self._queues[_line(request)]
        while queue and queue[0].done:
            first = queue.popleft().request
            del self._entries[(*_line(first), first.offset)]
            self.acknowledge(first.token)

    def forget_other_generations(self, generation: int) -> None:
        """Drop what was never done under earlier generations; its new owner does it."""
        for line in [line for line in self._queues if line[2] != generation]:
            del self._queues[line]
        for place in [place for place in self._entries if place[2] != generation]:
            del self._entries[place]


def _line(request: Request) -> tuple[str, int, int]:
    return request.topic, request.partition, request.generation
