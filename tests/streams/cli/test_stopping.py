import asyncio
import os
import signal

import pytest

from streams.cli.stopping import SIGNALS, stop_requested, wait_for


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_is_a_request(number: signal.Signals) -> None:
    with stop_requested() as stop:
        os.kill(os.getpid(), number)

        assert await wait_for(stop, 10)


async def test_the_second_interrupt_is_not_held_back() -> None:
    with stop_requested() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        await wait_for(stop, 10)

        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_waiting_ends_without_a_request() -> None:
    assert not await wait_for(asyncio.Event(), 0)
