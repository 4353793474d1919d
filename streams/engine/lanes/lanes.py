"""Lanes: the requests of one key one after the other, keys side by side, nothing acknowledged before it is out.

A request waits for its lane's previous one; what is in flight is bounded, of each lane and of all, so that no key
takes the room of the others. The handler computes, publishes and returns; then the contiguous prefix of its partition
is acknowledged. A handler that fails is tried again; after the last try the failure's own handler leaves an error
record, and the stream goes on. Only a broker that takes no output ends the worker.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from streams.engine.lanes.lane import Handler, Job, Lane, MakeOutlet, Place, place_of
from streams.engine.lanes.ledger import Ledger
from streams.engine.lanes.table import LaneTable
from streams.engine.lanes.waiting import Partition, Waiting
from streams.engine.lease import NO_GENERATION, Lease
from streams.engine.outlet import FencedError, Outlet, OutputTooLargeError, PublishTimeoutError
from streams.engine.request import Request

_log = structlog.get_logger(__name__)

TRIES: Final = 3
LANE_SHARE: Final = 2
"""Requests of one lane in flight: they run one after the other, so that more of them would only take slots."""

Settle = Callable[[bool], object]
"""Told once, when work has ended in whatever way: whether it came to its own end."""


class CancelledWithinError(Exception):
    """What the work waited for was cancelled, and nobody has cancelled the work."""


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
        """handlers: by full topic name. acknowledge and abandon take a request's token: each gets one of them."""
        self._handlers = handlers
        self._outlet = outlet
        self._lease = lease
        self._abandon = abandon
        self._fatal = fatal
        self._clock = clock
        self._free_slots = max_in_flight
        self._waiting = Waiting()
        self._room = asyncio.Event()
        self._dropped_generation = NO_GENERATION
        self._ledger = Ledger(acknowledge)
        self._table = LaneTable(max_lanes, clock)
        self._tasks: set[asyncio.Task[bool]] = set()

    def __iter__(self) -> Iterator[Lane]:
        """The lanes, least recently used first."""
        return iter(self._table)

    @property
    def in_flight(self) -> int:
        """Requests and jobs that are begun and not done."""
        return len(self._tasks)

    def find(self, place: Place) -> Lane | None:
        """The lane of this place, if there is one."""
        return self._table.find(place)

    def assigned(self, partitions: Collection[Partition], generation: int) -> None:
        """A rebalance ended. Lanes whose partition stayed here keep their state; the others are forgotten.

        A lane exists only for a partition that was ours, so it stays if that is ours again in the very next
        generation: then no other worker can have had it in between.
        """
        self._ledger.forget_other_generations(generation)
        self._waiting.clear()
        self._room.set()
        self._table.keep(partitions if self._lease.continued else ())

    def expire(self, idle_s: float) -> None:
        """Drop the lanes that had no work for so long."""
        self._table.expire(idle_s)

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

    def enqueue(self, place: Place, job: Job) -> None:
        """Run a job of ours in a lane, behind what is in it."""
        self._start(self._table.use(place), job, self._lease.generation, lambda _done: None)

    async def drain(self) -> None:
        """Wait for all that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self) -> None:
        """Begin what waits and may, as long as there are slots."""
        while self._free_slots and (request := self._waiting.take(self._may_begin)) is not None:
            self._free_slots -= 1
            lane = self._table.use(place_of(request))
            lane.in_flight += 1
            self._start(lane, partial(self._serve, request), request.generation, partial(self._settle, request, lane))
            self._room.set()

    def _may_begin(self, request: Request) -> bool:
        lane = self._table.find(place_of(request))
        return lane is None or lane.in_flight < LANE_SHARE

    def _settle(self, request: Request, lane: Lane, done: bool) -> None:
        """A request that was begun has ended: it is acknowledged or abandoned, and its slot is another's."""
        if done and not self._lease.lost(request.generation):
            self._ledger.done(request)
        else:
            self._abandon(request.token)
        self._free_slots += 1
        lane.in_flight -= 1
        self._begin()

    def _start(self, lane: Lane, work: Job, generation: int, settle: Settle) -> None:
        lane.tail = task = asyncio.create_task(self._run(lane, work, generation, lane.tail))
        self._tasks.add(task)
        # not in the task itself: one that is cancelled before its first step never comes to it
        task.add_done_callback(partial(self._ended, settle))

    def _ended(self, settle: Settle, task: "asyncio.Task[bool]") -> None:
        self._tasks.discard(task)
        try:
            settle(not task.cancelled() and task.result())
        except Exception as error:  # noqa: BLE001  a bug: end the worker
            self._give_up(error)

    async def _run(self, lane: Lane, work: Job, generation: int, previous: "asyncio.Task[bool] | None") -> bool:
        """Whether the work came to its own end."""
        outlet = self._outlet(lane.place[0], lane.place[1], generation)
        try:
            if previous is not None:
                await asyncio.wait({previous})
            if outlet.lost:
                return False
            await _whole(work(lane, outlet))
        except FencedError:
            return False
        except OutputTooLargeError as error:  # of a job: a request would have left a record of its failure
            lane.state = None  # what the job had written by then is read again
            _log.error("a job could not write what it had to say", error=str(error))
            return False
        except Exception as error:  # noqa: BLE001  infrastructure that outlasted its patience, or a bug: end the worker
            self._give_up(error)
            return False
        else:
            return True
        finally:
            lane.last_active = self._clock()

    def _give_up(self, error: Exception) -> None:
        self._lease.give_up()  # what waits behind what has failed may not go out before it
        self._fatal(error)

    async def _serve(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        handler = self._handlers[request.topic]
        for attempt in range(1, TRIES + 1):
            request = replace(request, attempt=attempt)
            try:
                await _whole(handler.handle(request, lane, outlet))
            except (FencedError, PublishTimeoutError):
                raise
            except Exception as error:  # noqa: BLE001  it must not cost the frames behind it
                _log.exception("request failed", request=repr(request), attempt=attempt, of=TRIES)
                if attempt == TRIES:
                    await handler.fail(request, lane, outlet.insisting(), error)
            else:
                return


async def _whole(work: Awaitable[None]) -> None:
    """Have it done. aiokafka may cancel whoever waits for it: that fails this work alone, it does not end its task."""
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise CancelledWithinError from error
