"""A view of a topic that every worker holds: read from the beginning by a consumer without a group."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streams.wire.connection import Connection
from streams.wire.topics import is_filler

_log = structlog.get_logger(__name__)

POLL_MS: Final = 100
RETRY_S: Final = 1.0

Apply = Callable[[Any], object]
"""Takes one aiokafka record. What it raises is logged, and the view goes on: a bad record must not stop it."""


def _pass_over() -> None:
    """Nobody counts."""


class OffsetsError(Exception):
    """A view cannot go on from these offsets, since the topic does not hold what follows them; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class View:
    """Applies every record of a topic, in order by partition, and knows how far it has come.

    refused: told of each record on which `apply` raised.
    """

    def __init__(
        self,
        topic: str,
        connection: Connection,
        apply: Apply,
        *,
        refused: Callable[[], object] = _pass_over,
        max_record_bytes: int = 1024 * 1024,
    ) -> None:
        self.topic = topic
        self._apply = apply
        self._refused = refused
        self._consumer = AIOKafkaConsumer(
            **connection.client_options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",  # what a fenced producer has not committed is nobody's word
            fetch_max_wait_ms=POLL_MS,
            max_partition_fetch_bytes=max_record_bytes,
        )
        self._partitions: list[TopicPartition] = []
        self._next: dict[int, int] = {}
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._answered_ms = 0
        self._heard_at = -float("inf")

    @property
    def is_ready(self) -> bool:
        """All that the topic held at the start has been applied."""
        return self._ready.is_set()

    @property
    def age_s(self) -> float:
        """Seconds since the broker last answered for every partition; what is held is at most this old."""
        return time.monotonic() - self._heard_at

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the offset of which all records below have been applied, as of now."""
        return dict(self._next)

    async def check(self, offsets: Mapping[int, int]) -> None:
        """Connect, and raise OffsetsError unless reading could start from these offsets, one for each partition."""
        partitions = await self._connected()
        numbers = [tp.partition for tp in partitions]
        if sorted(offsets) != numbers:
            raise OffsetsError(f"partitions: expected {numbers}, found {sorted(offsets)}")
        firsts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        for tp in partitions:
            if not firsts[tp] <= (offset := offsets[tp.partition]) <= ends[tp]:
                raise OffsetsError(
                    f"partition {tp.partition}: expected an offset from {firsts[tp]} to {ends[tp]}, found {offset}"
                )

    async def start(self, from_offsets: Mapping[int, int] | None = None) -> None:
        """Begin to read. Returns at once; `ready` waits.

        from_offsets: by partition, where to go on when all below is known already; None: from the beginning.
            Raises OffsetsError as `check` does, and has read nothing then: start again without them.
        """
        partitions = await self._connected()
        if from_offsets is not None:
            await self.check(from_offsets)
        self._consumer.assign(partitions)
        if from_offsets is None:
            await self._consumer.seek_to_beginning()
        else:
            for tp in partitions:
                self._consumer.seek(tp, from_offsets[tp.partition])
        self._next = {tp.partition: await self._consumer.position(tp) for tp in partitions}
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop reading, whether or not the broker is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await asyncio.create_task(self._consumer.stop())
        except asyncio.CancelledError:
            if (caller := asyncio.current_task()) is not None and caller.cancelling():
                raise
            # aiokafka's consumer cancels itself where one of its fetches waits for a broker that is away
            await self._consumer._client.close()

    async def ready(self) -> None:
        """Wait until all that the topic held at the start has been applied."""
        await self._ready.wait()

    async def catch_up(self) -> None:
        """Wait until all that the topic holds now has been applied; while the broker is away, for its return."""
        for tp, end in (await self._ends()).items():
            await self.reached(tp.partition, end)

    async def reached(self, partition: int, next_offset: int) -> None:
        """Wait until the records of this partition below `next_offset` have been applied."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._next.get(partition, 0) >= next_offset)

    async def _ends(self) -> dict[TopicPartition, int]:
        while True:
            try:
                return dict(await self._consumer.end_offsets(self._partitions))
            except KafkaTimeoutError:  # what aiokafka makes of a broker that does not answer
                _log.warning("the broker does not say where the topic ends, asking again", topic=self.topic)

    async def _connected(self) -> list[TopicPartition]:
        """The topic's partitions, in order. The first call starts the consumer."""
        if not self._partitions:
            await self._consumer.start()
            self._partitions = await self._found()
        return self._partitions

    async def _found(self) -> list[TopicPartition]:
        while not (found := self._consumer.partitions_for_topic(self.topic)):
            await self._consumer._client.force_metadata_update()
            await asyncio.sleep(POLL_MS / 1000)
            await self._consumer.topics()
        return [TopicPartition(self.topic, partition) for partition in sorted(found)]

    async def _follow(self) -> None:
        while True:
            try:
                await self._poll()
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  the broker is away: the view grows older, and says so
                _log.exception("view cannot read", topic=self.topic)
                await asyncio.sleep(RETRY_S)

    async def _poll(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS)
        for tp, records in batches.items():
            for record in records:
                self._take(record)
            self._next[tp.partition] = records[-1].offset + 1
        if not batches:
            await self._skip_to_positions()
        self._note_answers()
        async with self._moved:
            self._moved.notify_all()
        if not batches and self._answered_ms and not self._ready.is_set():
            await self._judge_readiness()

    def _note_answers(self) -> None:
        """A poll returns in time whether or not the broker is there; the answers to its fetches tell."""
        answered_ms = min(self._consumer.last_poll_timestamp(tp) or 0 for tp in self._partitions)
        if answered_ms != self._answered_ms:
            self._answered_ms, self._heard_at = answered_ms, time.monotonic()

    async def _skip_to_positions(self) -> None:
        """Offsets of records that never reach a consumer (markers of transactions) count as applied."""
        for number, offset in self._next.items():
            position = await self._consumer.position(TopicPartition(self.topic, number))
            self._next[number] = max(offset, position)

    def _take(self, record: Any) -> None:
        if is_filler(record.key, record.value):
            return
        try:
            self._apply(record)
        except ValueError as error:  # of another form: expected of what others may write
            # the type alone: the text may repeat what the record holds
            self._refuse(_log.warning, record, error=type(error).__name__)
        except Exception:  # noqa: BLE001  one bad record must not hide all that follow
            self._refuse(_log.exception, record)

    def _refuse(self, log: Callable[..., object], record: Any, **said: str) -> None:
        log("record refused", topic=record.topic, partition=record.partition, offset=record.offset, **said)
        self._refused()

    async def _judge_readiness(self) -> None:
        ends = await self._consumer.end_offsets(self._partitions)
        if all(self._next[tp.partition] >= end for tp, end in ends.items()):
            self._ready.set()
