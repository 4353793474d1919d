"""Output under the lease: awaited until the broker has it, held while the lease is out, dropped when it is lost."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

import structlog
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from streams.engine.lease import Lease

_log = structlog.get_logger(__name__)

HOLD_S: Final = 0.05
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
TOOK_IT: Final = "taken"
TOO_LARGE_TRIES: Final = 2
"""The broker refuses a batch as a whole, and aiokafka puts what waits for a partition into one of at most 16 KiB: so
what is refused may be small beside another, and is tried once more, most likely without it."""

GENERATION_HEADER: Final = "generation"
"""Of every output: the generation of the group under which it was written, in decimal. It rises with each rebalance,
so of two records about one input partition, the later one with the lower number comes from a former owner."""


class FencedError(Exception):
    """The partition is another member's now: drop the work, its new owner does it again."""


class OutputTooLargeError(Exception):
    """The topic does not take a record of this size, now or later."""

    def __init__(self, output: "Output") -> None:
        super().__init__(f"{output.topic} takes no record of {len(output.value or b'')} bytes")
        self.topic = output.topic


class PublishTimeoutError(Exception):
    """The broker did not take an output for `publish_timeout_s`: the worker ends, nothing was acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One record to write. value None is a tombstone; partition None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


class Written(Protocol):
    """Where the broker put a record."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def offset(self) -> int:
        """The offset."""


Send = Callable[[Output], Awaitable["asyncio.Future[Written]"]]
"""Hands a record to the producer; the inner future is done when the broker has it on all in-sync replicas."""


class Pauses:
    """Between two tries of one output: twice as long each time, until patience ends after `timeout_s`."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends = asyncio.get_running_loop().time() + timeout_s
        self._pause_s = FIRST_PAUSE_S
        self._last: BaseException | None = None

    @property
    def left(self) -> bool:
        """Whether there is time for another try."""
        return asyncio.get_running_loop().time() < self._ends

    async def wait(self, error: BaseException, topic: str) -> None:
        """Say what was refused, and pause."""
        self._last = error
        _log.warning("output refused, trying again", topic=topic, error=repr(error), pause_s=self._pause_s)
        await asyncio.sleep(self._pause_s * random.uniform(1, 1.5))  # noqa: S311  so that not all come back at once
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def error(self, topic: str) -> PublishTimeoutError:
        """What ends the worker."""
        error = PublishTimeoutError(f"{topic} took no record for {self._timeout_s:g} s: {self._last!r}")
        error.__cause__ = self._last
        return error


class Outlet(ABC):
    """Writes records for one generation of the group.

    said: by topic, what the broker said of the last output: TOOK_IT, or the name of its error.
    """

    def __init__(self, lease: Lease, generation: int, *, timeout_s: float) -> None:
        self.said: dict[str, str] = {}
        self._lease = lease
        self._generation = generation
        self._header = (GENERATION_HEADER, str(generation).encode())
        self._timeout_s = timeout_s
        self._insists = False

    @property
    def lost(self) -> bool:
        """Nothing can be written any more."""
        return self._lease.lost(self._generation)

    def insisting(self) -> Self:
        """For a request's last words: nothing smaller can be said in their place.

        What is too large is tried again as anything else is, until patience ends. `said` is that of this outlet.
        """
        insisting = copy(self)
        insisting._insists = True
        return insisting

    @abstractmethod
    async def publish(self, outputs: Sequence[Output]) -> list[Written]:
        """Write all, and return where each stands, once the broker has them all.

        Raises FencedError when the generation is lost, OutputTooLargeError when a topic does not take one of
        this size, PublishTimeoutError when patience ends. In all cases some may have been written: they come
        again under the same keys.
        """

    def _heard(self, word: str, *outputs: Output) -> None:
        self.said |= dict.fromkeys((output.topic for output in outputs), word)

    def _marked(self, output: Output) -> Output:
        return replace(output, headers=(*output.headers, self._header))


class DirectOutlet(Outlet):
    """Writes side by side through the engine's producer; what a frozen process sends late is kept back by `batches`."""

    def __init__(self, send: Send, lease: Lease, generation: int, *, timeout_s: float) -> None:
        super().__init__(lease, generation, timeout_s=timeout_s)
        self._send = send

    async def publish(self, outputs: Sequence[Output]) -> list[Written]:
        """As Outlet's."""
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(self._outcome(output)) for output in outputs]
        outcomes = [task.result() for task in waiting]
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]

    async def _outcome(self, output: Output) -> Written | Exception:
        """As a value, so that one failure does not cancel a send that is under way."""
        try:
            return await self._publish_one(output)
        except (FencedError, OutputTooLargeError, PublishTimeoutError) as error:
            return error

    async def _publish_one(self, output: Output) -> Written:
        pauses = Pauses(self._timeout_s)
        too_large = 0
        while pauses.left:
            if self.lost:
                raise FencedError
            if not self._lease.valid:
                await asyncio.sleep(HOLD_S)
                continue
            try:
                written = await self._settled(await self._send(self._marked(output)))
            except FencedError:
                raise
            except Exception as error:  # whatever the producer says, the record is not out: try again
                self._heard(type(error).__name__, output)
                too_large += isinstance(error, TOO_LARGE)
                if too_large == TOO_LARGE_TRIES and not self._insists:
                    raise OutputTooLargeError(output) from error
                await pauses.wait(error, output.topic)
            else:
                self._heard(TOOK_IT, output)
                return written
        raise pauses.error(output.topic)

    async def _settled(self, sent: "asyncio.Future[Written]") -> Written:
        """The outcome of a send, looking up now and then whether it still matters. The send is never cancelled."""
        while True:
            done, _ = await asyncio.wait({sent}, timeout=0.2)
            if done:
                return sent.result()
            if self.lost:
                sent.add_done_callback(lambda late: late.cancelled() or late.exception())
                raise FencedError
