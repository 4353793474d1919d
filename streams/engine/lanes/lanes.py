"""Lanes: the requests of one key one after the other, keys side by side, nothing acknowledged before it is out.

A request waits for its lane's previous one; what is in flight is bounded, of each lane and of all, so that no key
takes the room of the others. The handler computes, publishes and returns; then the contiguous prefix of its partition
is acknowledged. A handler that fails is tried again; after the last try the failure's own handler leaves an error
record, and the stream goes on. Only a broker that takes no output ends the worker.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog

from streams.engine.lanes.ledger import Ledger
from streams.engine.lanes.waiting import Partition, Waiting
from streams.engine.lease import NO_GENERATION, Lease
from streams.engine.outlet import FencedError, Outlet, OutputTooLargeError, PublishTimeoutError
from streams.engine.request import Request
from streams.wire.headers import MAX_HEADER_BYTES

_log = structlog.get_logger(__name__)

TRIES: Final = 3
LANE_SHARE: Final = 2
"""Requests of one lane in flight: they run one after the other, so that more of them would only take slots."""

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
    tail: "asyncio.Task[None] | None" = field(default=None, repr=False)

    @property
    def idle(self) -> bool:
        """Nothing of it is waiting or under way."""
        return self.tail is None or self.tail.done()


class Handler(Protocol):
    """Does the work of one kind of request."""

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        """Compute and publish everything that the request calls for. May be called again for the same request.

        Raises FencedError and PublishTimeoutError as the outlet does; anything else is tried again, an output
        that is too large too: better catch that, and publish what is said in its place.
        """

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        """Leave the records of a request that failed for good; the outlet insists."""


class Lanes:
    """All lanes of a worker."""

    def __init__(
        self,
        handlers: dict[str, Handler],
        *,
        outlet: MakeOutlet,
        lease: Lease,
        acknowledge: Callable[[object], object],
        abandon: Callable[[object], object],
        fatal: Callable[[BaseException], object],
        max_in_flight: int,
        max_lanes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """handlers: by full topic name. acknowledge and abandon take a request's token."""
        self._handlers = handlers
        self._outlet = outlet
        self._lease = lease
        self._abandon = abandon
        self._fatal = fatal
        self._max_lanes = max_lanes
        self._clock = clock
        self._free_slots = max_in_flight
        self._waiting = Waiting()
        self._room = asyncio.Event()
        self._dropped_generation = NO_GENERATION
        self._ledger = Ledger(acknowledge)
        self._lanes: OrderedDict[Place, Lane] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Lane]:
        """The lanes, least recently used first."""
        return iter(tuple(self._lanes.values()))

    @property
    def in_flight(self) -> int:
        """Requests and jobs that are begun and not done."""
        return len(self._tasks)

    def find(self, place: Place) -> Lane | None:
        """The lane of this place, if there is one."""
        return self._lanes.get(place)

    def assigned(self, partitions: Collection[tuple[str, int]], generation: int) -> None:
        """A rebalance ended. Lanes whose partition stayed here keep their state; the others are forgotten.

        A lane exists only for a partition that was ours, so it stays if that is ours again in the very next
        generation: then no other worker can have had it in between.
        """
        self._ledger.forget_other_generations(generation)
        self._waiting.clear()
        self._room.set()
        stays = partitions if self._lease.continued else ()
        for place in [place for place in self._lanes if place[:2] not in stays]:
            del self._lanes[place]

    def expire(self, idle_s: float) -> None:
        """Drop the lanes that had no work for so long."""
        since = self._clock() - idle_s
        for place in [place for place, lane in self._lanes.items() if lane.idle and lane.last_active < since]:
            del self._lanes[place]

    async def submit(self, request: Request) -> None:
        """Take a request; returns when there is room for the next one."""
        if request.generation == self._dropped_generation:
            self._abandon(request.token)
            return
        self._ledger.arrived(request)
        if request.is_filler:  # nobody's work: it takes no lane from a camera
            self._ledger.done(request)
            return
        self._waiting.add(request)
        self._begin()
        while self._waiting.is_full:
            self._room.clear()
            await self._room.wait()

    def full(self) -> set[Partition]:
        """Partitions of which enough waits: they are not to be read on now."""
        return self._waiting.full()

    def waits(self, topic: str, partition: int) -> bool:
        """Something that was read of this partition is not begun yet."""
        return self._waiting.holds((topic, partition))

    def drop_waiting(self) -> None:
        """Begin nothing more of this generation: its successor does it. What is begun is done."""
        self._dropped_generation = self._lease.generation
        for request in self._waiting.clear():
            self._abandon(request.token)
        self._room.set()

    def enqueue(self, place: Place, job: Callable[[Lane, Outlet], Awaitable[None]]) -> None:
        """Run a job of ours in a lane, behind what is in it."""
        self._start(place, job, self._lease.generation, None)

    async def drain(self) -> None:
        """Wait for all that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self) -> None:
        """Begin what waits and may, as long as there are slots."""
        while self._free_slots and (request := self._waiting.take(self._may_begin)) is not None:
            self._free_slots -= 1
            work = partial(self._serve, request)
            self._start(_place(request), work, request.generation, request).in_flight += 1
            self._room.set()

    def _may_begin(self, request: Request) -> bool:
        lane = self._lanes.get(_place(request))
        return lane is None or lane.in_flight < LANE_SHARE

    def _start(
        self,
        place: Place,
        work: Callable[[Lane, Outlet], Awaitable[None]],
        generation: int,
        request: Request | None,
    ) -> Lane:
        lane = self._lane(place)
        lane.tail = task = asyncio.create_task(self._run(lane, work, generation, request, lane.tail))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return lane

    def _lane(self, place: Place) -> Lane:
        lane = self._lanes.get(place)
        if lane is None:
            self._make_room()
            lane = self._lanes[place] = Lane(place, self._clock())
        self._lanes.move_to_end(place)
        lane.last_active = self._clock()
        return lane

    def _make_room(self) -> None:
        if len(self._lanes) >= self._max_lanes:
            oldest = next((place for place, lane in self._lanes.items() if lane.idle), None)
            if oldest is not None:
                del self._lanes[oldest]

    async def _run(
        self,
        lane: Lane,
        work: Callable[[Lane, Outlet], Awaitable[None]],
        generation: int,
        request: Request | None,
        previous: "asyncio.Task[None] | None",
    ) -> None:
        outlet = self._outlet(lane.place[0], lane.place[1], generation)
        try:
            if previous is not None:
                await asyncio.wait({previous})
            if outlet.lost:
                raise FencedError
            await work(lane, outlet)
            if outlet.lost:
                raise FencedError
            if request is not None:
                self._ledger.done(request)
        except FencedError:
            if request is not None:
                self._abandon(request.token)
        except OutputTooLargeError as error:  # of a job: a request would have left a record of its failure
            lane.state = None  # what the job had written by then is read again
            _log.error("a job could not write what it had to say", error=str(error))
        except Exception as error:  # noqa: BLE001  infrastructure that outlasted its patience, or a bug: end the worker
            self._lease.give_up()  # what waits behind it may not go out before it
            self._fatal(error)
        finally:
            lane.last_active = self._clock()
            if request is not None:
                self._free_slots += 1
                lane.in_flight -= 1
                self._begin()

    async def _serve(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        handler = self._handlers[request.topic]
        for attempt in range(1, TRIES + 1):
            try:
                await handler.handle(request, lane, outlet)
            except (FencedError, PublishTimeoutError):
                raise
            except Exception as error:  # noqa: BLE001  it must not cost the frames behind it
                _log.exception("request failed", request=repr(request), attempt=attempt, of=TRIES)
                if attempt == TRIES:
                    await handler.fail(request, lane, outlet.insisting(), error)
            else:
                return


def _place(request: Request) -> Place:
    """Of requests whose key no handler takes, one lane: a thousand lanes under keys of megabytes would be gigabytes."""
    key = request.key or b""
    return request.topic, request.partition, key if len(key) <= MAX_HEADER_BYTES else b""
