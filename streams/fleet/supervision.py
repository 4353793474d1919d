"""Every program of a fleet is kept running: one that ends is started again, and the others never notice."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import SubprocessError
from typing import Final

import structlog

from streams.fleet.process import Program, Relay, run_once

_log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
LASTING_S: Final = 60.0
"""A program that ran for so long had started well: its next pause is the first again."""

NOT_STARTED: Final = 71
"""Counts as the exit code of a program that could not be started: EX_OSERR of sysexits.h."""


def pause_after(ran_s: float, last_pause_s: float) -> float:
    """Seconds until a program is started again: twice the last pause, unless it ran well. last_pause_s: 0 for none."""
    if ran_s >= LASTING_S or not last_pause_s:
        return FIRST_PAUSE_S
    return min(LONGEST_PAUSE_S, 2 * last_pause_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """relay: takes what the programs print. wait: for so many seconds or until the event is set, and whether it is.

    pause_s: see `pause_after`. clock: seconds, from anywhere.
    """

    programs: Sequence[Program]
    relay: Relay
    wait: Callable[[asyncio.Event, float], Awaitable[bool]]
    pause_s: Callable[[float, float], float] = pause_after
    clock: Callable[[], float] = time.monotonic

    async def run(self, stop: asyncio.Event) -> int:
        """Run all until `stop` is set and all have ended.

        0 if every program ended well when it was told to; else the exit code of the first that did not. One that was
        down at that moment counts with the code that it had ended with.
        """
        async with asyncio.TaskGroup() as group:
            kept = [group.create_task(self._keep(program, stop)) for program in self.programs]
        return next((code for task in kept if (code := task.result())), 0)

    async def _keep(self, program: Program, stop: asyncio.Event) -> int:
        pause_s = 0.0
        while True:
            begun = self.clock()
            code = await self._run_once(program, stop)
            if stop.is_set():
                return code
            pause_s = self.pause_s(self.clock() - begun, pause_s)
            _say("a worker ended and is started again", account=program.name, code=code, after_s=pause_s)
            if await self.wait(stop, pause_s):
                return code

    async def _run_once(self, program: Program, stop: asyncio.Event) -> int:
        try:
            return await run_once(program, stop, self.relay)
        except (OSError, SubprocessError) as error:  # no process or no memory is left, and will be again
            _say("a worker cannot be started", account=program.name, error=repr(error))
            return NOT_STARTED


def _say(event: str, **said: object) -> None:
    """Where nobody takes what we print, the fleet goes on."""
    with suppress(OSError):
        _log.warning(event, **said)
