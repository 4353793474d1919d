"""Ctrl-C and SIGTERM as a request to end in order; the second one ends at once."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """An event that the first signal sets; inside a running loop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def forget() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def request() -> None:
        forget()
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, request)
    try:
        yield stop
    finally:
        forget()


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for so long or until asked to stop; whether it was asked."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
