import asyncio
import os
import signal

import pytest

from streams.cli.stopping import SIGNALS, stop_requested, until_stop_requested, wait_for


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


async def test_sigterm_is_a_request_however_often_it_comes_and_whatever_came_before() -> None:
    with stop_requested() as stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
            os.kill(os.getpid(), number)
            await wait_for(stop, 10)
            await asyncio.sleep(0)
        assert stop.is_set()


async def test_the_first_interrupt_after_sigterm_is_a_request_too() -> None:
    with stop_requested() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_for(stop, 10)
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler


async def test_work_that_ends_is_done_and_what_it_raises_is_raised() -> None:
    async def work(error: Exception | None) -> None:
        if error is not None:
            raise error

    await until_stop_requested(work(None))
    with pytest.raises(ZeroDivisionError):
        await until_stop_requested(work(ZeroDivisionError()))


async def test_work_without_end_ends_in_order_when_asked_to() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("in order")

    await until_stop_requested(work())
    assert ended == ["in order"]


async def test_waiting_ends_without_a_request() -> None:
    assert not await wait_for(asyncio.Event(), 0)
