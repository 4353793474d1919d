import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from streams.app.loop import WorkerLoop


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A TLS server that greets and then never says farewell; its port, and a client's context."""
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.configure_trust(theirs)
    done = threading.Event()

    def serve(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with ours.wrap_socket(accepted, server_side=True) as encrypted:
            encrypted.sendall(b"hello")
            done.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1], theirs
        done.set()
        thread.join()


def test_a_closed_connection_does_not_wait_long_for_a_farewell(silent_server: tuple[int, ssl.SSLContext]) -> None:
    port, context = silent_server

    async def come_and_go() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        async with asyncio.timeout(15):  # it would be 30 s
            with pytest.raises(TimeoutError, match="SSL shutdown timed out"):
                await writer.wait_closed()

    with asyncio.Runner(loop_factory=WorkerLoop) as runner:
        runner.run(come_and_go())
