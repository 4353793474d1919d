"""Deletes from the broker what `purge` says: processed pictures, once a second, beside the requests and never before.

Records are deleted up to what the group has committed as the broker itself knows it. So it does no harm when somebody
deletes for a partition that is another's by now: no request is lost that anybody would still read.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.access.closing import let_go
from streams.engine.lanes.waiting import Partition
from streams.engine.outlet import Output, Send
from streams.engine.purge.purge import Purge
from streams.engine.topics.admin import AdminError
from streams.engine.topics.found import read_topics
from streams.engine.topics.rounds import PURGE_EVERY_MS
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY

_log = structlog.get_logger(__name__)

ROUND_S: Final = 15.0
"""A broker that has not answered in this time is asked anew, by a connection of its own."""
ANSWER_MS: Final = 5_000
SETTINGS_EVERY_S: Final = 60.0


class Purger:
    """One worker's.

    group_id: whose committed offsets count. send: takes a filler. may_send: whether it does so now.
    """

    def __init__(
        self,
        purge: Purge,
        connection: Connection,
        *,
        group_id: str,
        topics: tuple[str, ...],
        send: Send,
        may_send: Callable[[], bool],
    ) -> None:
        """topics: full names of the topics whose records are deleted."""
        self._purge = purge
        self._connection = connection
        self._group_id = group_id
        self._topics = topics
        self._send = send
        self._may_send = may_send
        self._client: AIOKafkaAdminClient | None = None
        self._settings_due_at = 0.0
        self._fails = False

    async def run(self) -> None:
        """Work until it is cancelled. What the broker refuses is logged, once until it works again, and tried again."""
        try:
            while True:
                await self._round()
                await asyncio.sleep(PURGE_EVERY_MS / 1000)
        finally:
            await self._disconnect()

    async def _round(self) -> None:
        try:
            async with asyncio.timeout(ROUND_S):
                await self.look()
        except (KafkaError, AdminError, OSError, TimeoutError) as error:
            if not self._fails:
                _log.warning("processed pictures are not deleted now, trying again", error=repr(error))
            self._fails = True
            await self._disconnect()
        else:
            if self._fails:
                _log.info("processed pictures are deleted again")
            self._fails = False

    async def look(self) -> None:
        """Delete and close what is due. Raises KafkaError, AdminError, OSError and TimeoutError."""
        client = await self._connected()
        await self._read_settings(client)
        due = self._purge.to_delete(await self._committed(client))
        await _all(self._delete(client, due), self._close_segments())

    async def _committed(self, client: AIOKafkaAdminClient) -> dict[Partition, int]:
        ours = [TopicPartition(*partition) for partition in self._purge.partitions]
        if not ours:
            return {}
        found = await client.list_consumer_group_offsets(self._group_id, partitions=ours)
        return {(each.topic, each.partition): committed.offset for each, committed in found.items()}

    async def _delete(self, client: AIOKafkaAdminClient, offsets: Mapping[Partition, int]) -> None:
        """One partition that cannot be served keeps nothing back of the others."""
        if not offsets:
            return
        try:
            await self._delete_at_once(client, offsets)
        except KafkaError:
            await _all(*(self._delete_at_once(client, {partition: offset}) for partition, offset in offsets.items()))

    async def _delete_at_once(self, client: AIOKafkaAdminClient, offsets: Mapping[Partition, int]) -> None:
        wanted = {TopicPartition(*partition): RecordsToDelete(offset) for partition, offset in offsets.items()}
        await client.delete_records(wanted, timeout_ms=ANSWER_MS)
        self._purge.deleted(offsets)

    async def _close_segments(self) -> None:
        if self._may_send():
            await _all(*map(self._fill, self._purge.to_close()))

    async def _fill(self, partition: Partition) -> None:
        topic, number = partition
        try:
            sent = await self._send(Output(topic=topic, key=FILLER_KEY, value=b"", partition=number))
            written = await asyncio.shield(sent)  # a send is never cancelled: it may be out
        except BaseException:
            self._purge.not_filled(partition)
            raise
        self._purge.filled(partition, written.offset)

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._client is None:
            self._client = AIOKafkaAdminClient(**self._connection.client_options())
            await self._client.start()
        return self._client

    async def _read_settings(self, client: AIOKafkaAdminClient) -> None:
        """segment.ms as it is: somebody may alter it while we run."""
        now = asyncio.get_running_loop().time()
        if now >= self._settings_due_at:
            found = await read_topics(client, self._topics, configs=True)
            self._purge.segment_ms = {name: int(topic.config["segment.ms"]) for name, topic in found.items()}
            self._settings_due_at = now + SETTINGS_EVERY_S

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await let_go(client)


async def _all(*steps: Coroutine[Any, Any, None]) -> None:
    """Take every step to its end, whatever becomes of the others; then raise what the first one failed with."""
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if outcome is not None:
            raise outcome
