"""A lane, what runs in it, and who handles its requests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from streams.engine.outlet import Outlet
from streams.engine.request import Request
from streams.wire.headers import MAX_HEADER_BYTES

Place = tuple[str, int, bytes]
"""Input topic, partition and key."""

MakeOutlet = Callable[[str, int, int], Outlet]
"""For what follows from an input topic's partition, under a generation of the group."""


@dataclass(slots=True, eq=False)
class Lane:
    """One key of one partition.

    state: the handler's own, None at first. It lives as long as the partition stays with this worker.
    last_active: when it last had work, by the lanes' clock.
    in_flight: requests of it that are begun and not done.
    """

    place: Place
    last_active: float
    state: object | None = None
    in_flight: int = 0
    tail: "asyncio.Task[bool] | None" = field(default=None, repr=False)

    @property
    def idle(self) -> bool:
        """Nothing of it is waiting or under way."""
        return self.tail is None or self.tail.done()


Job = Callable[[Lane, Outlet], Awaitable[None]]
"""Work in a lane. Raises FencedError and PublishTimeoutError as the outlet does."""


class Handler(Protocol):
    """Does the work of one kind of request."""

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        """Compute and publish everything that the request calls for. May be called again for the same request.

        Raises FencedError and PublishTimeoutError as the outlet does; anything else is tried again, an output
        that is too large too: better catch that, and publish what is said in its place.
        """

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        """Leave the records of a request that failed for good; the outlet insists."""


def place_of(request: Request) -> Place:
    """Of requests whose key no handler takes, one lane: a thousand lanes under keys of megabytes would be gigabytes."""
    key = request.key or b""
    return request.topic, request.partition, key if len(key) <= MAX_HEADER_BYTES else b""
