import asyncio
import itertools
import sys
from dataclasses import dataclass, field
from subprocess import SubprocessError
from types import SimpleNamespace

import pytest

from streams.fleet import supervision
from streams.fleet.process import Program
from streams.fleet.supervision import NOT_STARTED, Fleet, pause_after


@pytest.mark.parametrize(
    ("ran_s", "last_pause_s", "pause_s"),
    [(0, 0, 1), (5, 1, 2), (5, 2, 4), (5, 32, 60), (5, 60, 60), (59.9, 4, 8), (60, 60, 1), (3600, 0, 1)],
)
def test_the_pause_grows_until_a_program_has_run_well(ran_s: float, last_pause_s: float, pause_s: float) -> None:
    assert pause_after(ran_s, last_pause_s) == pause_s


@dataclass
class Script:
    """Programs that end at once with the codes given, or cannot be started.

    Then they run until they are told to stop, and end with 0.
    """

    codes: dict[str, list[int | Exception]]
    runs: list[str] = field(default_factory=list)

    async def run_once(self, program: Program, stop: asyncio.Event, relay) -> int:
        self.runs.append(program.name)
        if self.codes.get(program.name):
            code = self.codes[program.name].pop(0)
            if isinstance(code, Exception):
                raise code
            return code
        await stop.wait()
        return 0


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """Runs the script; `stop` is set when the pauses are used up."""

    async def run_script(script: Script, names: str, pauses: int) -> tuple[int, list[float]]:
        monkeypatch.setattr(supervision, "run_once", script.run_once)
        waited: list[float] = []

        async def wait(stop: asyncio.Event, seconds: float) -> bool:
            waited.append(seconds)
            await asyncio.sleep(0)
            if len(waited) == pauses:
                stop.set()
            return stop.is_set()

        stop = asyncio.Event()
        if not pauses:
            asyncio.get_running_loop().call_soon(stop.set)
        clock = itertools.count(0, 1).__next__
        fleet = Fleet(programs=[Program(name, [sys.executable]) for name in names], relay=print, wait=wait, clock=clock)
        async with asyncio.timeout(10):
            return await fleet.run(stop), waited

    return run_script


async def test_one_that_ends_is_started_again_with_a_growing_pause(run) -> None:
    script = Script({"a": [1, 3, 0, 70]})
    assert await run(script, "ab", 4) == (70, [1.0, 2.0, 4.0, 8.0])
    assert script.runs == ["a", "b", "a", "a", "a"]


async def test_the_code_is_that_of_the_first_that_did_not_end_well(run) -> None:
    assert await run(Script({"a": [], "b": [3], "c": []}), "abc", 1) == (3, [1.0])
    assert await run(Script({}), "ab", 0) == (0, [])


async def test_what_one_ends_in_does_not_reach_the_others(run) -> None:
    script = Script({"a": [70] * 50})
    await run(script, "ab", 50)
    assert script.runs.count("b") == 1


@pytest.mark.parametrize(
    "error", [BlockingIOError(11, "no process is left"), OSError(12, "no memory"), SubprocessError()]
)
async def test_one_that_cannot_be_started_is_tried_again_and_the_others_never_notice(run, error: Exception) -> None:
    script = Script({"a": [error, error, 3]})
    assert await run(script, "ab", 3) == (3, [1.0, 2.0, 4.0])
    assert script.runs == ["a", "b", "a", "a"]
    assert (await run(Script({"a": [error]}), "a", 1))[0] == NOT_STARTED


async def test_a_log_that_nobody_takes_ends_nothing(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(supervision, "_log", SimpleNamespace(warning=closed))
    assert await run(Script({"a": [3, 4]}), "ab", 2) == (4, [1.0, 2.0])
