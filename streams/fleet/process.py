"""One program of a fleet while it runs: its lines are passed on, and it ends when it is told to, or with us."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

STOP_S: Final = 60.0
"""Longest time to end in order. A worker takes seconds; with its broker away, its publish timeout."""

LAST_LINES_S: Final = 1.0
"""What is printed is passed on for so long after a program's end: a process that it left behind may hold the pipe."""

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

    When `stop` is set, or this is cancelled, it is sent SIGTERM, and killed if it takes longer than `stop_s`. Raises
    OSError where it cannot be started, and what `relay` raises.
    """
    async with _pipe() as (output, write_end):
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                preexec_fn=partial(_end_with_parent, os.getpid()),
            )
        finally:
            os.close(write_end)
        exited = asyncio.create_task(process.wait())
        told = asyncio.create_task(stop.wait())
        passed_on = asyncio.create_task(_pass_on(output, program.name, relay))
        try:
            await asyncio.wait({exited, told, passed_on}, return_when=asyncio.FIRST_COMPLETED)
            if passed_on.done():
                passed_on.result()
                await asyncio.wait({exited, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            await _end(process, exited, stop_s)
            await asyncio.wait({passed_on}, timeout=LAST_LINES_S)
            passed_on.cancel()
    if passed_on.done() and not passed_on.cancelled():
        passed_on.result()
    code = exited.result()
    return 0 if stop.is_set() and code == -signal.SIGTERM else _exit_code(code)


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A pipe of our own, and its end to write to, which the caller closes.

    For one of asyncio's a program has not ended before everybody who inherited the pipe has closed it.
    """
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    try:
        yield reader, write_end
    finally:
        transport.close()


async def _pass_on(output: asyncio.StreamReader, name: str, relay: Relay) -> None:
    """Pass lines on; one without end goes in parts."""
    rest = b""
    while chunk := await output.read(READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            lines, rest = [*lines, rest], b""
        for line in lines:
            relay(name, line)
    if rest:
        relay(name, rest)


async def _end(process: Process, exited: asyncio.Task[int], stop_s: float) -> None:
    """Have it end, in order if it can."""
    if not exited.done():
        with suppress(ProcessLookupError):
            process.terminate()
    try:
        await asyncio.wait({exited}, timeout=stop_s)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    await exited


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _end_with_parent(parent: int) -> None:
    """In the new process, before the program: where the system can, it is told to end when we are gone.

    parent: our process id. Whoever lost its parent before it could ask to be told ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGTERM)
