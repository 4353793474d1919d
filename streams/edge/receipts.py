"""Receipts of deletions, read from gallery-events."""

import asyncio
from itertools import chain
from typing import Final

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import AnswerTimeoutError
from streams.wire.connection import Connection
from streams.wire.records import GalleryEvent, Receipt, decode
from streams.wire.rights import Role
from streams.wire.topics import GALLERY_EVENTS, Topics

POLL_MS: Final = 250


async def find_receipt(
    connection: Connection, topics: Topics, request_id: str, *, wait_s: float | None = None
) -> Receipt | None:
    """The receipt of this request: None if gallery-events holds none now.

    wait_s: wait for it to come for so long, and raise AnswerTimeoutError then. A sender that gives one request id to
    several deletions gets the newest of their receipts. Raises BrokerUnreachableError, BrokerRefusedError or
    TopicMissingError.
    """
    await require_topics(connection, topics, Role.GALLERY_ADMIN, GALLERY_EVENTS)
    consumer = await started_consumer(connection, topics.name(GALLERY_EVENTS), from_beginning=True)
    found: Receipt | None = None
    deadline = asyncio.get_running_loop().time() + (wait_s or 0.0)
    try:
        with reaching(connection):
            while True:
                ends = await consumer.end_offsets(consumer.assignment())
                batches = await consumer.getmany(timeout_ms=POLL_MS)
                for message in chain.from_iterable(batches.values()):
                    found = _receipt_in(message.value, request_id) or found
                at_end = all([await consumer.position(partition) >= end for partition, end in ends.items()])
                if batches or not at_end:
                    continue
                if found is not None or wait_s is None:
                    return found
                if asyncio.get_running_loop().time() >= deadline:
                    raise AnswerTimeoutError(request_id, wait_s)
    finally:
        await consumer.stop()


def _receipt_in(raw: bytes | None, request_id: str) -> Receipt | None:
    if not raw:
        return None
    try:
        event = decode(raw, GalleryEvent)
    except ValueError:
        return None
    return event.receipt if event.request_id == request_id else None
