"""The network between: passes, slows, cuts without a word, drops."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.kafka.proxy import Network

SILENCE_S = 0.3


class Peer:
    """One connection through the network to a server that answers with what it got."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Peer":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def say(self, word: bytes) -> None:
        self._writer.write(word)
        await self._writer.drain()

    async def hear(self, number: int) -> bytes:
        return await self._reader.readexactly(number)

    async def hears_nothing(self) -> bool:
        """Neither a byte nor the end of the connection."""
        try:
            async with asyncio.timeout(SILENCE_S):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False

    async def ended(self) -> bool:
        return await self._reader.read() == b""


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(1000):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    network = Network(["ONE", "OTHER"], 1)
    network.start({"ONE": [port], "OTHER": [port]})
    yield network
    await asyncio.to_thread(network.stop)
    server.close()


def peer(network: Network, line: str = "ONE") -> Peer:
    return Peer(network.ports[line][0])


async def test_passes_both_ways(network) -> None:
    async with peer(network) as one:
        await one.say(b"hello")
        assert await one.hear(5) == b"hello"


async def test_a_cut_line_says_nothing_and_loses_nothing(network) -> None:
    async with peer(network) as one:
        await one.say(b"a")
        await one.hear(1)
        network.cut("ONE")
        await one.say(b"b")
        assert await one.hears_nothing()
        network.mend("ONE")
        assert await one.hear(1) == b"b"


async def test_a_line_that_forgets_lets_new_connections_through_alone(network) -> None:
    async with peer(network) as before:
        await before.say(b"a")
        await before.hear(1)
        network.cut("ONE")
        await before.say(b"b")
        network.mend("ONE", forgetting=True)
        async with peer(network) as after:
            await after.say(b"c")
            assert await after.hear(1) == b"c"
        assert await before.hears_nothing()


async def test_a_new_connection_over_a_cut_line_is_silent_too(network) -> None:
    network.cut("ONE")
    async with peer(network) as one:
        await one.say(b"a")
        assert await one.hears_nothing()
        network.mend("ONE")
        assert await one.hear(1) == b"a"


async def test_lines_are_cut_one_by_one(network) -> None:
    network.cut("ONE")
    async with peer(network, "OTHER") as other:
        await other.say(b"a")
        assert await other.hear(1) == b"a"


async def test_a_slow_line_is_late_each_way_and_takes_what_follows_at_once(network) -> None:
    network.slow("ONE", 0.2)
    async with peer(network) as one:
        begun = time.monotonic()
        for _ in range(3):
            await one.say(b"a")
            await asyncio.sleep(0.01)
        assert await one.hear(3) == b"aaa"
        assert time.monotonic() - begun >= 0.4  # no upper bound: the machine may stand still


async def test_what_is_dropped_ends_and_new_connections_are_taken(network) -> None:
    async with peer(network) as one:
        await one.say(b"a")
        await one.hear(1)
        await asyncio.to_thread(network.drop, "ONE")
        assert await one.ended()
    async with peer(network) as one:
        await one.say(b"b")
        assert await one.hear(1) == b"b"


async def test_a_closed_side_closes_the_other(network) -> None:
    async with peer(network) as one:
        await one.say(b"a")
        await one.hear(1)
        one._writer.write_eof()
        assert await one.ended()
