"""The threads that compute, each call with a deadline, so that a model that does not end holds no camera for ever."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread, get_ident
from typing import Any, Final, TypeVar

import structlog

from models.abort import Abort
from models.errors import AbortedError

_log = structlog.get_logger(__name__)

T = TypeVar("T")

GRACE: Final = 0.25
"""Share of the deadline that a computation has to end in when it is told to."""
IDLE_SHARE: Final = 0.2
"""What a second counts in which a computation got no processor: the machine may be busy, or stand still."""
LOOK_S: Final = 0.01

Meter = Callable[[], Callable[[], float]]
"""Called in the thread that computes; what it returns tells any thread how much of a deadline is used since then."""


def cores() -> int:
    """Processors that this process may use; all of the machine's where the system does not tell (macOS)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_time() -> Callable[[], float]:
    """Seconds of processor time of the calling thread, and a share of all others; where that is not told, all."""
    begun_s = time.monotonic()
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS
        return lambda: time.monotonic() - begun_s
    clock = time.pthread_getcpuclockid(get_ident())
    before_s = time.clock_gettime(clock)
    return lambda: max(time.clock_gettime(clock) - before_s, IDLE_SHARE * (time.monotonic() - begun_s))


class TimedOutError(Exception):
    """A computation did not end in time.

    stuck: it did not end when it was told to either, and goes on in a thread that is lost to it.
    """

    def __init__(self, timeout_s: float, *, stuck: bool) -> None:
        super().__init__(f"did not end within {timeout_s:g} s" + (" and cannot be ended" if stuck else ""))
        self.timeout_s = timeout_s
        self.stuck = stuck


class StuckError(Exception):
    """As many computations as there are threads cannot be ended: only a new process helps."""


@dataclass(slots=True, eq=False)
class _Job:
    """spent_s: how much of the deadline is used, set by the thread that took it. given_up: nobody waits any more."""

    work: Callable[[], Any]
    abort: Abort = field(default_factory=Abort)
    future: "Future[Any]" = field(default_factory=Future)
    spent_s: Callable[[], float] = lambda: 0.0
    given_up: bool = False


class Pool:
    """Runs calls on threads. The deadline is one of processor time, so that a busy machine costs no frame.

    A call that outlasts its deadline is told to end (`models.abort`). One that goes on all the same is given up, and
    another thread takes its thread's place; when that has happened to as many as there are threads, `fatal` is told.
    The threads never hold up the end of the process.
    """

    def __init__(
        self,
        threads: int,
        *,
        timeout_s: float,
        fatal: Callable[[BaseException], object],
        meter: Meter = processor_time,
    ) -> None:
        self._threads = threads
        self._timeout_s = timeout_s
        self._fatal = fatal
        self._meter = meter
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stuck: set[_Job] = set()
        for _ in range(threads):
            self._start_thread()

    @property
    def stuck(self) -> int:
        """Computations that were given up and have not ended yet."""
        return sum(not job.future.done() for job in self._stuck)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises TimedOutError when it does not end in time."""
        job = _Job(work)
        self._jobs.put(job)
        done = asyncio.wrap_future(job.future)
        if not await self._ends(job, done, self._timeout_s):
            job.abort.set()
            if not await self._ends(job, done, job.spent_s() + GRACE * self._timeout_s):
                done.cancel()  # what comes of it is nobody's
                self._give_up(job)
                raise TimedOutError(self._timeout_s, stuck=True)
        try:
            result: T = await done
        except AbortedError as error:
            raise TimedOutError(self._timeout_s, stuck=False) from error
        return result

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in range(self._threads):
            self._jobs.put(None)

    async def _ends(self, job: _Job, done: "asyncio.Future[Any]", limit_s: float) -> bool:
        """Wait for the end of the job; false once it has used so much time."""
        while (left_s := limit_s - job.spent_s()) > 0:
            if (await asyncio.wait({done}, timeout=max(left_s, LOOK_S)))[0]:
                return True
        return False

    def _give_up(self, job: _Job) -> None:
        job.given_up = True
        self._stuck = {each for each in self._stuck if not each.future.done()} | {job}
        _log.error("a computation cannot be ended, its thread is lost", stuck=self.stuck, threads=self._threads)
        if self.stuck >= self._threads:
            self._fatal(StuckError(f"{self.stuck} computations do not end and cannot be ended: start the worker anew"))
        self._start_thread()

    def _start_thread(self) -> None:
        Thread(target=self._serve, name="recognise", daemon=True).start()

    def _serve(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Take a job and do it; false when this thread is to end. What the job held goes with this call."""
        job = self._jobs.get()
        if job is None:
            return False
        if not job.future.set_running_or_notify_cancel():
            return True
        job.spent_s = self._meter()
        try:
            with job.abort:
                result = job.work()
        except BaseException as error:  # noqa: BLE001  it is raised where the result is waited for
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
        return not job.given_up  # another thread has taken the place of one that was given up
