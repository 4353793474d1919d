"""Output under the lease: awaited until the broker has it, held while the lease is out, dropped when it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from streams.engine.lease import Lease

_log = structlog.get_logger(__name__)

HOLD_S: Final = 0.05
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0


class FencedError(Exception):
    """The partition is another member's now: drop the work, its new owner does it again."""


class PublishTimeoutError(Exception):
    """The broker did not take an output for `publish_timeout_s`: the worker ends, nothing was acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One record to write. value None is a tombstone; partition None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


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


class Outlet:
    """Writes records for one generation of the group."""

    def __init__(self, send: Send, lease: Lease, generation: int, *, timeout_s: float) -> None:
        self._send = send
        self._lease = lease
        self._generation = generation
        self._timeout_s = timeout_s

    @property
    def lost(self) -> bool:
        """Nothing can be written any more."""
        return self._lease.lost(self._generation)

    async def publish(self, outputs: Sequence[Output]) -> list[Written]:
        """Write all, side by side, and return where each stands, once the broker has them all.

        Raises FencedError when the generation is lost, PublishTimeoutError when patience ends. In both
        cases some may have been written: they come again under the same keys.
        """
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
        except (FencedError, PublishTimeoutError) as error:
            return error

    async def _publish_one(self, output: Output) -> Written:
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + self._timeout_s
        pause_s = FIRST_PAUSE_S
        last: BaseException | None = None
        while loop.time() < patience_ends:
            if self.lost:
                raise FencedError
            if not self._lease.valid:
                await asyncio.sleep(HOLD_S)
                continue
            try:
                return await self._settled(await self._send(output))
            except FencedError:
                raise
            except Exception as error:  # noqa: BLE001  whatever the producer says, the record is not out: try again
                last = error
                _log.warning("output refused, trying again", topic=output.topic, error=repr(error), pause_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        raise PublishTimeoutError(f"{output.topic} took no record for {self._timeout_s:g} s: {last!r}") from last

    async def _settled(self, sent: "asyncio.Future[Written]") -> Written:
        """The outcome of a send, looking up now and then whether it still matters. The send is never cancelled."""
        while True:
            done, _ = await asyncio.wait({sent}, timeout=0.2)
            if done:
                return sent.result()
            if self.lost:
                sent.add_done_callback(lambda late: late.cancelled() or late.exception())
                raise FencedError
