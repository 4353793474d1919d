"""Scenarios in which it is the workers that fail."""

import asyncio
from typing import Final

from streams.wire.codes import Code
from tests.kafka.faults.cameras import CAMERAS
from tests.kafka.faults.rig import Rig, RigError
from tests.kafka.faults.scenario import Length, Scenario
from tests.kafka.faults.spoiled_worker import DEAF_PX, ENDLESS_PX, RAISES_PX, square

WORKERS: Final = 3
SPOILED: Final = ((RAISES_PX, Code.INTERNAL_ERROR), (ENDLESS_PX, Code.TIMED_OUT), (DEAF_PX, Code.TIMED_OUT))


async def nothing(_rig: Rig, length: Length) -> None:
    """What the others are compared with."""
    await asyncio.sleep(length.steps * length.pause_s)


async def killed(rig: Rig, length: Length) -> None:
    """SIGKILL every `pause_s`, another worker each time, and started again at once."""
    for step in range(length.steps):
        await asyncio.sleep(length.pause_s)
        name = f"worker-{step % WORKERS}"
        rig.kill(name)
        rig.start(name)
    await rig.ready()


async def rolled(rig: Rig, length: Length) -> None:
    """SIGTERM to one worker after the other, each started again once it has ended."""
    for step in range(length.steps):
        await asyncio.sleep(length.pause_s)
        name = f"worker-{step % WORKERS}"
        await rig.stop(name)
        rig.start(name)
        await rig.ready(name)


async def scaled(rig: Rig, length: Length) -> None:
    """Three workers become five, which do not divide twelve partitions evenly, then two, then three; each gets its
    share.
    """
    for name in ("worker-3", "worker-4"):
        rig.start(name)
    await rig.ready()
    await rig.share(5)
    await asyncio.sleep(length.pause_s)
    for name in ("worker-0", "worker-3", "worker-1"):
        await rig.stop(name)
    await rig.share(2)
    await asyncio.sleep(length.pause_s)
    rig.start("worker-0")
    await rig.ready()
    await rig.share(3)
    await asyncio.sleep(length.pause_s)


async def paused(rig: Rig, length: Length) -> None:
    """SIGSTOP for longer than the session, then SIGCONT: the worker wakes when its cameras are another's."""
    for step in range(length.steps):
        await asyncio.sleep(length.pause_s)
        await rig.paused(f"worker-{step % WORKERS}", rig.session_s + 2)
    await rig.ready()


async def spoiled(rig: Rig, length: Length) -> None:
    """A frame on which the model raises, one on which it does not end, and one on which it cannot be ended, among the
    others: each is answered with its code, and its camera goes on. Raises RigError.
    """
    for step in range(length.steps):
        await asyncio.sleep(length.pause_s)
        side_px, expected = SPOILED[step % len(SPOILED)]
        frame = await rig.send(CAMERAS[step % len(CAMERAS)], square(side_px))
        if frame is None:
            raise RigError("the broker did not take a frame")
        if (code := await rig.code_of(frame)) != expected:
            raise RigError(f"a frame that should be answered {expected} is answered {code}")


EVERY_FIVE_SECONDS: Final = Length(steps=12, pause_s=5.0, outage_s=0.0)
OFTEN: Final = Length(steps=3, pause_s=2.0, outage_s=0.0)
ONE_OF_EACH: Final = Length(steps=len(SPOILED), pause_s=3.0, outage_s=0.0)
ONCE: Final = Length(steps=1, pause_s=2.0, outage_s=0.0)

SCENARIOS: Final = (
    Scenario(name="no fault", fault=nothing),
    Scenario(name="killed and started again", fault=killed, long=EVERY_FIVE_SECONDS),
    Scenario(name="killed under its name", fault=killed, long=EVERY_FIVE_SECONDS, named=True),
    Scenario(name="rolling SIGTERM", fault=rolled, short=OFTEN),
    Scenario(name="workers added and removed", fault=scaled, short=ONCE),
    Scenario(name="paused past the session", fault=paused, short=ONCE),
    Scenario(
        name="model raises or does not end",
        fault=spoiled,
        long=ONE_OF_EACH,
        short=ONE_OF_EACH,
        settings={"THREADS": "2"},  # one is lost to the frame that cannot be ended; two would end the worker
        module="tests.kafka.faults.spoiled_worker",
    ),
)
