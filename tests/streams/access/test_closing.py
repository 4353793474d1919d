"""A client is let go of, whatever its stop does."""

import asyncio

import pytest

from streams.access import closing
from streams.access.closing import let_go


class Client:
    """One of aiokafka's, whose stop does this; its connections are closed by the one inside."""

    def __init__(self, stop) -> None:
        self.stop = stop
        self.is_closed = False
        self._client = self

    async def close(self) -> None:
        self.is_closed = True


async def test_a_stop_that_ends_is_waited_for() -> None:
    ended: list[str] = []

    async def stop() -> None:
        await asyncio.sleep(0)
        ended.append("stopped")

    await let_go(client := Client(stop))
    assert ended == ["stopped"]
    assert not client.is_closed, "its stop does that"


async def test_a_stop_that_cancels_itself_does_not_cancel_who_waits() -> None:
    async def stop() -> None:
        raise asyncio.CancelledError

    await let_go(client := Client(stop))
    assert client.is_closed, "or its connections stay for as long as the process lives"


async def test_a_stop_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "STOP_S", 0.01)
    stopping: list[asyncio.Task[None]] = []

    async def stop() -> None:
        stopping.append(asyncio.current_task())
        await asyncio.Event().wait()

    await let_go(Client(stop))
    assert not stopping[0].done()
    stopping[0].cancel()
