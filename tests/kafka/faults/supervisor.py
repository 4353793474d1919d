"""What a platform does: a worker that ended is started again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from streams.demo.worker_process import WorkerProcessError
from tests.kafka.faults.rig import PATIENCE_S, Rig

LOOK_S: Final = 0.2


@asynccontextmanager
async def supervised(rig: Rig) -> AsyncIterator[list[str]]:
    """As long as this is open, each worker that ends is started again under its name; at its end all are ready.

    Gives the names of those that ended, which is added to.
    """
    ended: list[str] = []
    watching = asyncio.create_task(_watch(rig, ended))
    try:
        yield ended
        async with asyncio.timeout(PATIENCE_S):
            await _ready(rig)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(rig: Rig, ended: list[str]) -> None:
    while True:
        for name, worker in tuple(rig.workers.items()):
            if worker.process.poll() is not None:
                ended.append(name)
                rig.kill(name)  # clears away what it left
                rig.start(name)
        await asyncio.sleep(LOOK_S)


async def _ready(rig: Rig) -> None:
    while True:
        try:
            await rig.ready()
        except WorkerProcessError:  # its successor is on its way
            await asyncio.sleep(LOOK_S)
        else:
            return
