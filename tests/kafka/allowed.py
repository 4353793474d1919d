"""What the broker lets somebody do, tried with Kafka's own requests; nothing is written by it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    CorruptRecordException,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    NoError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.access.metadata import NOT_SAID, GroupOperationsRequest
from streams.wire.connection import Connection
from streams.wire.rights import Operation

PATIENCE_S = 60.0
NOT_YET = (
    CoordinatorLoadInProgressError.errno,
    CoordinatorNotAvailableError.errno,
    NotCoordinatorError.errno,
    ConcurrentTransactions.errno,
)
"""Of a transactional id: a worker's transaction ends, or the broker has just begun."""
REFUSED = TopicAuthorizationFailedError.errno
CHECKSUM_AT = 17
BEYOND_ANY_END = 2**40


@asynccontextmanager
async def administering(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def may_read(connection: Connection, topics: Collection[str]) -> set[str]:
    """Those from which the broker hands out records, or says that the first ones are deleted."""
    request = FetchRequest(0, 0, 1, 0, [(topic, [(0, 0, 1)]) for topic in topics])
    return await _let(connection, request, {NoError.errno, OffsetOutOfRangeError.errno})


async def may_write(connection: Connection, topics: Collection[str]) -> set[str]:
    """Those of which the broker says that the record is broken, which it looks at where one may write alone."""
    request = ProduceRequest(None, -1, 1000, [(topic, [(0, _broken())]) for topic in topics])
    return await _let(connection, request, {CorruptRecordException.errno})


async def may_delete(connection: Connection, topics: Collection[str]) -> set[str]:
    """Those of which the broker says that it has not as many records to delete, or that it compacts them."""
    found = set()
    async with administering(connection) as admin:
        for topic in topics:
            try:
                await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=BEYOND_ANY_END)})
            except (OffsetOutOfRangeError, PolicyViolationError):
                found.add(topic)
            except (TopicAuthorizationFailedError, NotLeaderForPartitionError):  # of one that is hidden it knows none
                continue
    return found


async def may_fence(connection: Connection, transactional_id: str) -> bool:
    """Whether the broker makes us the one who writes under this transactional id, which fences who was before."""
    async with administering(connection) as admin:
        try:
            coordinator = await _coordinator(admin, transactional_id, 1)
        except TransactionalIdAuthorizationFailed:
            return False
        async with asyncio.timeout(PATIENCE_S):
            while True:
                request = InitProducerIdRequest(transactional_id, 1000)
                code = (await admin._send_request_to_node(coordinator, request)).error_code
                if code not in NOT_YET:
                    break
                await asyncio.sleep(0.1)
    assert code in (NoError.errno, TransactionalIdAuthorizationFailed.errno), code
    return bool(code == NoError.errno)


async def _coordinator(admin: AIOKafkaAdminClient, name: str, kind: int = 0) -> int:
    """Of a group, or of a transactional id (1). A broker that has just started makes its own topics for them first."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await admin.find_coordinator(name, kind)
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(0.1)


async def may_join(connection: Connection, group: str) -> bool:
    """Whether the broker says that we may read in this group; to see it is not enough."""
    async with administering(connection) as admin:
        try:
            coordinator = await _coordinator(admin, group)
        except GroupAuthorizationFailedError:
            return False
        answer = await admin._send_request_to_node(coordinator, GroupOperationsRequest(group))
    [described] = answer.to_object()["groups"]
    assert described["operations"] != NOT_SAID
    return bool(described["operations"] >> Operation.READ & 1)


async def _let(connection: Connection, request: FetchRequest | ProduceRequest, expected: set[int]) -> set[str]:
    async with administering(connection) as admin:
        answer = await admin._send_request(request)
    codes = {topic: partitions[0][1] for topic, partitions in answer.topics}
    assert set(codes.values()) <= {*expected, REFUSED}
    return {topic for topic, code in codes.items() if code in expected}


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
