"""Receipts of deletions, read from gallery-events."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import AnswerTimeoutError
from streams.edge.through import read_through
from streams.wire.connection import Connection
from streams.wire.records import GalleryEvent, Receipt, decode
from streams.wire.rights import Role
from streams.wire.topics import GALLERY_EVENTS, Topics


async def find_receipt(
    connection: Connection, topics: Topics, request_id: str, *, exact_ends: bool, wait_s: float | None = None
) -> Receipt | None:
    """The receipt of this request: None if gallery-events holds none now.

    wait_s: read and wait for it to come for so long, and raise AnswerTimeoutError then. exact_ends: as `read_through`.
    A sender that gives one request id to several deletions gets the newest of their receipts. Raises
    BrokerUnreachableError, BrokerRefusedError or TopicMissingError.
    """
    wanted = _Wanted(request_id)
    stood = partial(
        read_through, connection, topics, GALLERY_EVENTS, wanted.take, role=Role.GALLERY_ADMIN, exact_ends=exact_ends
    )
    if wait_s is None:
        await stood()
        return wanted.found
    await require_topics(connection, topics, Role.GALLERY_ADMIN, GALLERY_EVENTS)
    coming = await started_consumer(connection, topics.name(GALLERY_EVENTS), from_beginning=False)
    try:
        async with asyncio.timeout(wait_s):
            await stood()
            with reaching(connection):
                while wanted.found is None:
                    wanted.take(await coming.getone())
    except TimeoutError as error:
        if wanted.found is None:
            raise AnswerTimeoutError(request_id, wait_s) from error
    finally:
        await coming.stop()
    return wanted.found


@dataclass(slots=True)
class _Wanted:
    request_id: str
    found: Receipt | None = None

    def take(self, record: Any) -> None:
        """Take one record of gallery-events."""
        if not record.value:
            return
        try:
            event = decode(record.value, GalleryEvent)
        except ValueError:
            return
        if event.request_id == self.request_id:
            self.found = event.receipt or self.found
