"""What the broker lets somebody do, tried with Kafka's own requests; nothing is written by it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CorruptRecordException,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    NoError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.wire.connection import Connection

REFUSED = TopicAuthorizationFailedError.errno
CHECKSUM_AT = 17


@asynccontextmanager
async def administering(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def may_read(connection: Connection, topics: Collection[str]) -> set[str]:
    """Those from which the broker hands out records."""
    return await _let(connection, FetchRequest(0, 0, 1, 0, [(topic, [(0, 0, 1)]) for topic in topics]), NoError.errno)


async def may_write(connection: Connection, topics: Collection[str]) -> set[str]:
    """Those of which the broker says that the record is broken, which it looks at where one may write alone."""
    request = ProduceRequest(None, -1, 1000, [(topic, [(0, _broken())]) for topic in topics])
    return await _let(connection, request, CorruptRecordException.errno)


async def may_join(connection: Connection, group: str) -> bool:
    """Whether the broker says where this group is."""
    async with administering(connection) as admin:
        try:
            await admin.find_coordinator(group)
        except GroupAuthorizationFailedError:
            return False
        except GroupCoordinatorNotAvailableError:  # the first question of all; it was not refused
            return True
        return True


async def _let(connection: Connection, request: FetchRequest | ProduceRequest, expected: int) -> set[str]:
    async with administering(connection) as admin:
        answer = await admin._send_request(request)
    codes = {topic: partitions[0][1] for topic, partitions in answer.topics}
    assert set(codes.values()) <= {expected, REFUSED}
    return {topic for topic, code in codes.items() if code == expected}


def _broken() -> bytes:
    """A batch of one record whose checksum is wrong."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1000,
    )
    builder.append(0, timestamp=None, key=b"k", value=b"v", headers=[])
    batch = bytearray(builder.build())
    batch[CHECKSUM_AT] ^= 0xFF
    return bytes(batch)
