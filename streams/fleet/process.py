"""One program of a fleet while it runs: its lines are passed on, and it ends when it is told to, or with us."""

import asyncio
import ctypes
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

STOP_S: Final = 60.0
"""Longest time to end in order. A worker takes seconds; with its broker away, its publish timeout."""

LONGEST_LINE_BYTES: Final = 65_536
READ_BYTES: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Program:
    """name: what its lines are marked with. command: the program and its arguments; the environment is ours."""

    name: str
    command: Sequence[str]


Relay = Callable[[str, bytes], object]
"""Told the program's name and a line of its output, without the line's end."""


async def run_once(program: Program, stop: asyncio.Event, relay: Relay, *, stop_s: float = STOP_S) -> int:
    """Run it until it ends; its exit code, 128 and the signal's number where one ended it, 0 if that was our own.

    When `stop` is set, it is sent SIGTERM, and killed if it takes longer than `stop_s`.
    """
    process = await asyncio.create_subprocess_exec(
        *program.command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT, preexec_fn=_end_with_parent
    )
    ended = asyncio.create_task(_until_ended(process, program.name, relay))
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await _end(process, ended, stop_s)
        code = await ended
    finally:
        told.cancel()
        if process.returncode is None:
            process.kill()
    return 0 if stop.is_set() and code == -signal.SIGTERM else _exit_code(code)


async def _until_ended(process: Process, name: str, relay: Relay) -> int:
    """Pass lines on; one without end goes in parts."""
    if process.stdout is None:
        raise TypeError("a process of a fleet is started with a pipe")
    rest = b""
    while chunk := await process.stdout.read(READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            lines, rest = [*lines, rest], b""
        for line in lines:
            relay(name, line)
    if rest:
        relay(name, rest)
    return await process.wait()


async def _end(process: Process, ended: asyncio.Task[int], stop_s: float) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    done, _ = await asyncio.wait({ended}, timeout=stop_s)
    if not done:
        with suppress(ProcessLookupError):
            process.kill()


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _end_with_parent() -> None:
    """In the new process, before the program: where the system can, it is told to end when we are gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
