"""What the broker has not answered when the lease ends is taken back: its connection is reset.

Such a request may still be in the kernel, which delivers it whenever a network that was cut lets it through: behind
what the new owner of its partition has written. A reset makes the kernel forget it. What had left it by then, and is
held up in the network itself, is out of reach.

This file reaches into aiokafka as `batches` does.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Collection
from typing import Any, Final

import structlog
from aiokafka.conn import CloseReason
from aiokafka.protocol.produce import ProduceRequest

from streams.engine.lease import Lease

_log = structlog.get_logger(__name__)

LOOK_S: Final = 0.05
"""Well below the lease's margin: within that, nobody else can have begun."""
FORGET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, for no time."""


async def watch_unanswered(client: Any, lease: Lease, unleased: Collection[str]) -> None:
    """Take back what is under way whenever the lease is over. Does not return.

    client: of aiokafka's producer. unleased: topics whose records may always be under way.
    """
    while True:
        await asyncio.sleep(LOOK_S)
        if not lease.valid or not lease.is_member:
            take_back(client, unleased)


def take_back(client: Any, unleased: Collection[str]) -> None:
    """Reset the connections on which the broker owes an answer to what needs the lease."""
    for connection in tuple(client._conns.values()):
        if any(_needs_lease(request, unleased) for _, request, _ in connection._requests):
            _log.warning("outputs are not answered and the lease is over, connection reset")
            reset(connection)


def reset(connection: Any) -> None:
    """Close one of aiokafka's connections so that neither asyncio nor the kernel sends on what they hold of it."""
    if connection._writer is not None:
        transport: asyncio.WriteTransport = connection._writer.transport
        with contextlib.suppress(OSError):  # closed already
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, FORGET_ON_CLOSE)
        transport.abort()
    connection.close(reason=CloseReason.CONNECTION_BROKEN)


def _needs_lease(request: Any, unleased: Collection[str]) -> bool:
    is_output = getattr(request, "API_KEY", None) == ProduceRequest.API_KEY  # a step of SASL is no request
    return is_output and any(topic not in unleased for topic, _ in request.topics)
