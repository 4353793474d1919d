"""Clients of Kafka are let go of, whether or not a broker is there."""

import asyncio
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient

STOP_S: Final = 1.0


async def let_go(client: Any) -> None:
    """Stop a consumer, a producer or an admin client of aiokafka's, and wait for a second at most.

    In a task of its own: it waits for an answer of a broker that is away, or ends as what waits for that does,
    cancelled. Its connections are closed then all the same.
    """
    stopping = asyncio.create_task(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
    await asyncio.wait({stopping}, timeout=STOP_S)
    if stopping.done() and stopping.cancelled():
        await asyncio.wait({asyncio.create_task(client._client.close())}, timeout=STOP_S)
