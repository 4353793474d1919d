"""Real processes, since it is their ends that matter; each wait has a deadline."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from streams.fleet.process import Program, run_once

FOREVER = "import time; print('up', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"
ORDERLY = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {FOREVER}"
LEAVES_ONE_BEHIND = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(left.pid, flush=True)
sys.exit(7)
"""
TALKATIVE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"in order\\n"), sys.exit(0)))
print("up", flush=True)
time.sleep(600)
"""
PARENT = """
import asyncio, os, sys
from streams.fleet.process import Program, run_once
program = Program("a", [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"])
asyncio.run(run_once(program, asyncio.Event(), lambda name, line: print(line.decode(), flush=True)))
"""


def python(code: str) -> Program:
    return Program("a", [sys.executable, "-c", code])


async def run(code: str, *, stop_at_first_line: bool = False, stop_s: float = 30.0) -> tuple[int, Sequence[bytes]]:
    stop, lines = asyncio.Event(), []

    def relay(name: str, line: bytes) -> None:
        assert name == "a"
        lines.append(line)
        if stop_at_first_line:
            stop.set()

    async with asyncio.timeout(60):
        return await run_once(python(code), stop, relay, stop_s=stop_s), lines


async def test_lines_are_passed_on_and_the_code_is_the_programs() -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('no end'); sys.exit(7)"
    found, lines = await run(code)
    assert found == 7
    assert sorted(lines) == [b"no end", b"one", b"two"]


async def test_a_line_without_end_is_passed_on_in_parts() -> None:
    _, lines = await run("import sys; sys.stdout.write('x' * 200_000)")
    assert b"".join(lines) == b"x" * 200_000
    assert max(map(len, lines)) <= 2 * 65_536


async def test_it_ends_in_order_when_told_to() -> None:
    assert await run(ORDERLY, stop_at_first_line=True) == (0, [b"up"])


async def test_who_is_told_before_it_can_listen_ended_well() -> None:
    assert await run(FOREVER, stop_at_first_line=True) == (0, [b"up"])


async def test_who_does_not_listen_is_killed() -> None:
    assert await run(DEAF, stop_at_first_line=True, stop_s=0.1) == (128 + signal.SIGKILL, [b"up"])


async def test_a_signal_of_somebody_else_is_an_end() -> None:
    assert await run("import os, signal; os.kill(os.getpid(), signal.SIGTERM)") == (128 + signal.SIGTERM, [])


async def test_it_does_not_outlive_who_started_it() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    deadline = time.monotonic() + 30
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(child, 0)
            await asyncio.sleep(0.02)
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child lives on")


async def test_it_has_ended_though_a_process_that_it_left_behind_holds_its_output() -> None:
    code, [left] = await run(LEAVES_ONE_BEHIND)
    os.kill(int(left), signal.SIGKILL)
    assert code == 7


async def test_it_ends_in_order_when_we_are_cancelled() -> None:
    lines: list[bytes] = []
    up = asyncio.Event()

    def relay(_name: str, line: bytes) -> None:
        lines.append(line)
        up.set()

    running = asyncio.create_task(run_once(python(TALKATIVE), asyncio.Event(), relay))
    async with asyncio.timeout(60):
        await up.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert lines == [b"up", b"in order"]


async def test_what_the_relay_raises_ends_it_in_order(tmp_path: Path) -> None:
    note = tmp_path / "note"
    code = (
        f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(open({str(note)!r}, 'w').write('x')))"
    )

    def relay(_name: str, _line: bytes) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(60):
        with pytest.raises(ZeroDivisionError):
            await run_once(python(f"{code}; {FOREVER}"), asyncio.Event(), relay)
    assert note.read_text() == "x"


async def test_who_lost_its_parent_before_it_could_ask_ends_at_once() -> None:
    code = f"from streams.fleet import process; process._end_with_parent({os.getpid() + 1}); print('lives on')"
    assert await run(code) == (128 + signal.SIGTERM, [])


async def test_what_cannot_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await run_once(Program("a", ["/no/such/program"]), asyncio.Event(), print)
