"""Ctrl-C and SIGTERM as a request to end in order; the second Ctrl-C ends at once.

SIGTERM does not, however often it comes: an init system sends it to a process and to its parent, which passes it on.
"""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """An event that the first signal sets; inside a running loop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def until_stop_requested(work: Coroutine[Any, Any, None]) -> None:
    """Do this until it ends, or until asked to stop, which cancels it. Raises what it raises."""
    with stop_requested() as stop:
        working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
        if working in done:
            working.result()


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for so long or until asked to stop; whether it was asked."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
