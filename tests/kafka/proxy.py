"""A network that can be cut and slowed: TCP proxies in front of a broker's listeners, on loopback.

They run in a thread with an event loop of its own, so that a test that computes does not slow them.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.kafka.broker import Kafka

CHUNK_BYTES: Final = 64 * 1024
IN_FLIGHT_CHUNKS: Final = 64
"""What a slow line holds at most before its sender feels it."""


class Line:
    """What happens to everything that one listener's clients send and get.

    delay_s: each way, for all. passes: set where bytes come through; a connection keeps the one that it began with.
    """

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.passes = _set()

    def mend(self, *, forgetting: bool) -> None:
        """Let bytes through again; forgetting: on new connections only."""
        if forgetting:
            self.passes = _set()
        else:
            self.passes.set()


class Proxy:
    """Stands in front of one port: accepts clients and carries their bytes to and fro.

    Its methods are called in the network's own loop.
    """

    def __init__(self, listening: socket.socket, line: Line) -> None:
        self._listening = listening
        self._line = line
        self._target_port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, target_port: int) -> None:
        """Begin to accept."""
        self._target_port = target_port
        self._server = await asyncio.start_server(self._accept, sock=self._listening)

    async def drop(self) -> None:
        """Close all connections, as a broker that ends does; new ones are accepted."""
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def stop(self) -> None:
        """Close all and accept nothing more."""
        if self._server is not None:
            self._server.close()
        await self.drop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side closes: then the other is closed as well."""
        passes = self._line.passes
        with contextlib.closing(writer), contextlib.suppress(OSError):
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            with contextlib.closing(broker_writer):
                ways = [
                    asyncio.create_task(self._way(reader, broker_writer, passes)),
                    asyncio.create_task(self._way(broker_reader, writer, passes)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        """One direction. What arrives is given on a delay later, so that bytes overlap on the line as on a long one."""
        loop = asyncio.get_running_loop()
        on_the_line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT_CHUNKS)

        async def deliver() -> None:
            while True:
                sent_at, chunk = await on_the_line.get()
                await asyncio.sleep(max(0.0, sent_at + self._line.delay_s - loop.time()))
                await passes.wait()  # as what is lost and sent again by TCP until it comes through
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await on_the_line.put((loop.time(), chunk))
            await on_the_line.put((loop.time(), b""))
            await delivering
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)


class Network:
    """Lines by the name of a listener, each with a proxy for every node of a cluster."""

    def __init__(self, listeners: Sequence[str], nodes: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._sockets = {name: [_listening() for _ in range(nodes)] for name in listeners}
        self._lines: dict[str, Line] = {}
        self._proxies: dict[str, list[Proxy]] = {}

    @property
    def ports(self) -> Mapping[str, Sequence[int]]:
        """Where the proxies of each listener listen, one a node: what the brokers are to advertise."""
        return {name: [each.getsockname()[1] for each in sockets] for name, sockets in self._sockets.items()}

    def start(self, targets: Mapping[str, Sequence[int]]) -> None:
        """Begin to carry. targets: where the nodes themselves listen, by listener."""
        self._thread.start()
        self._lines = {name: Line() for name in self._sockets}
        self._proxies = {
            name: [Proxy(each, self._lines[name]) for each in sockets] for name, sockets in self._sockets.items()
        }
        for name, proxies in self._proxies.items():
            for proxy, port in zip(proxies, targets[name], strict=True):
                self._do(proxy.start(port))

    def cut(self, listener: str) -> None:
        """Nothing comes through any more, either way, and nobody is told: connections stay open and silent."""
        self._do(self._call(self._lines[listener].passes.clear))

    def mend(self, listener: str, *, forgetting: bool = False) -> None:
        """What was sent in the meantime comes through after all, and all goes on.

        forgetting: as a firewall that has lost its table does, connections from before the mend stay silent for ever.
        """
        self._do(self._call(partial(self._lines[listener].mend, forgetting=forgetting)))

    def slow(self, listener: str, delay_s: float) -> None:
        """Everything takes so much longer, each way."""
        self._do(self._call(partial(setattr, self._lines[listener], "delay_s", delay_s)))

    def drop(self, listener: str) -> None:
        """Close all connections of this listener."""
        for proxy in self._proxies[listener]:
            self._do(proxy.drop())

    def stop(self) -> None:
        """Close everything."""
        if self._thread.is_alive():
            for proxy in (each for proxies in self._proxies.values() for each in proxies):
                self._do(proxy.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        for listening in (each for sockets in self._sockets.values() for each in sockets):
            listening.close()
        self._loop.close()

    async def _call(self, what: Callable[[], object]) -> None:
        what()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()


class ProxiedKafka(Kafka):
    """A Kafka behind a network: each of `lines` is a listener that can be cut and slowed; PLAINTEXT is a direct one."""

    def __init__(self, directory: Path, *, lines: Sequence[str], nodes: int = 1) -> None:
        self.network = Network(lines, nodes)
        super().__init__(directory, nodes=nodes, listeners=("PLAINTEXT", *lines), advertised=dict(self.network.ports))
        self._lines = tuple(lines)

    def __enter__(self) -> Self:
        self.network.start({name: [node.port(name) for node in self.nodes] for name in self._lines})
        try:
            return super().__enter__()
        except BaseException:
            self.network.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.network.stop()


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _listening() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening
