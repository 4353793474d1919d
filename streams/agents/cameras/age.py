"""Frames that are too old to be recognised are skipped; one that is delivered again is done as it was done before.

Which frames were processed before this worker had their partition stands in the running log: a frame's entry has
the partition number of the frame, and bears the frame's offset. At or below the highest of these offsets nothing is
skipped that was not skipped then, since its recognition may be out and billed; above it nothing is out. The running
log is asked once for each partition and assignment, and only when a frame is found too old.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
import structlog

from streams.engine.outlet import FencedError, Outlet, PublishTimeoutError
from streams.engine.reading.tail import TailError
from streams.engine.request import Request
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.topics import CAMERA_FRAMES

_log = structlog.get_logger(__name__)

SLACK_MS: Final = 60_000
"""Frames of a partition are asked for in about their order, and clocks of workers and broker agree about as well."""
RETRY_MS: Final = 5_000
"""The running log is asked again so long after it could not be read, for all frames at once."""
CLOCKS_MS: Final = 2_000
"""What a frame's last owner found too old may be a little younger by the clock of its next one."""


class RunningLog(Protocol):
    """The running log, read once more."""

    async def since(self, partition: int, since_ms: int, apply: Callable[[Any], object]) -> None:
        """Apply every record that was written to this partition since then, in order. Raises TailError."""


class _Entry(msgspec.Struct):
    """Of a running-log entry, what is needed here."""

    return_code: str


@dataclass(slots=True)
class _Before:
    """What was done of a partition before, as far as frames of `from_ms` and later go.

    highest: offset of a frame of which there is an entry. skipped: offsets of those that were skipped.
    """

    generation: int
    from_ms: int
    highest: int = -1
    skipped: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class AgeLimit:
    """Skips frames that are too old.

    max_age_ms: of a frame that is recognised, by this clock and the broker's append time. epoch: of camera-frames.
    patience_s: how long the running log may be unreadable.
    """

    max_age_ms: int
    epoch: str
    log: RunningLog
    clock_ms: Callable[[], int]
    patience_s: float
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _before: dict[int, _Before] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _retry_at_ms: int = 0

    async def skips(self, request: Request, outlet: Outlet) -> bool:
        """Whether this frame is to be skipped.

        While the running log cannot be read this waits, as `outlet` does for a topic that takes nothing: else a frame
        that was skipped might be recognised and billed. Raises FencedError and PublishTimeoutError as `outlet` does.
        """
        age_ms = self.clock_ms() - request.timestamp_ms
        if age_ms <= self.max_age_ms - CLOCKS_MS:
            return False
        before = await self._known(request, outlet)
        return request.offset in before.skipped or (age_ms > self.max_age_ms and request.offset > before.highest)

    async def _known(self, request: Request, outlet: Outlet) -> _Before:
        ends_ms = self.clock_ms() + round(self.patience_s * 1000)
        while True:
            if outlet.lost:
                raise FencedError
            if (before := await self._done_before(request)) is not None:
                return before
            if self.clock_ms() >= ends_ms:
                raise PublishTimeoutError(f"the running log could not be read for {self.patience_s:g} s")
            await self.sleep(RETRY_MS / 1000)

    async def _done_before(self, request: Request) -> _Before | None:
        """None where the running log cannot be read, or could not a moment ago."""
        async with self._reading:
            before = self._before.get(request.partition)
            if before is None or before.generation != request.generation or request.timestamp_ms < before.from_ms:
                if self.clock_ms() < self._retry_at_ms:
                    return None
                try:
                    before = self._before[request.partition] = await self._read(request)
                except TailError as error:
                    _log.warning("frames that may be too old wait for the running log", error=str(error))
                    self._retry_at_ms = self.clock_ms() + RETRY_MS
                    return None
            return before

    async def _read(self, request: Request) -> _Before:
        before = _Before(request.generation, request.timestamp_ms - SLACK_MS)

        def apply(record: Any) -> None:
            offset = self._frame_offset(record.key, request.partition)
            if offset is None or not record.value:
                return
            before.highest = max(before.highest, offset)
            if _tells_of_a_skip(record.value):  # the last entry of a frame is the one that counts
                before.skipped.add(offset)
            else:
                before.skipped.discard(offset)

        await self.log.since(request.partition, before.from_ms - SLACK_MS, apply)
        return before

    def _frame_offset(self, key: bytes | None, partition: int) -> int | None:
        """The offset of the frame that an entry under this key is about; None if it is about something else."""
        try:
            event = EventId.parse((key or b"").decode())
        except ValueError:
            return None
        ours = (event.epoch, event.topic, event.partition) == (self.epoch, CAMERA_FRAMES, partition)
        return event.offset if ours else None


def _tells_of_a_skip(value: bytes) -> bool:
    try:
        return msgspec.json.decode(value, type=_Entry).return_code == Code.TOO_OLD
    except msgspec.DecodeError:
        return False
