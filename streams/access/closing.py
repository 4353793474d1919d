"""Clients of Kafka are let go of, whether or not a broker is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

STOP_S: Final = 1.0


async def let_go(stop: Coroutine[Any, Any, None]) -> None:
    """Stop a client of aiokafka's, and wait for a second at most.

    In a task of its own: it waits for an answer of a broker that is away, or ends as what waits for that does,
    cancelled.
    """
    await asyncio.wait({asyncio.create_task(stop)}, timeout=STOP_S)
