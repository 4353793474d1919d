"""Output that the broker itself keeps apart from a former owner's: one transactional producer a partition.

The lease keeps a worker from writing for partitions that are another's now, as far as a process can tell. A process
that was frozen between the look and the write cannot. For what must not come back (a feature of somebody who was
erased meanwhile) the broker has the last word: the new owner's producer bears the same transactional id, and what the
former one still sends is refused. Whoever reads such topics reads what was committed alone.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from streams.access.closing import let_go
from streams.engine.lease import Lease
from streams.engine.outlet import (
    HOLD_S,
    TOO_LARGE,
    TOOK_IT,
    FencedError,
    Outlet,
    Output,
    OutputTooLargeError,
    Pauses,
    Written,
)
from streams.wire.connection import Connection

_log = structlog.get_logger(__name__)

TRANSACTION_TIMEOUT_MS: Final = 10_000
"""What a worker that died left open holds up its readers for so long at most; its successor ends it sooner."""

REQUEST_TIMEOUT_MS: Final = 10_000
TAKEN: Final = (ProducerFenced, InvalidProducerEpoch)
"""How the broker says that the transactional id is another producer's."""


class FencedProducer:
    """Writes under one transactional id, one transaction after the other."""

    def __init__(self, connection: Connection, transactional_id: str, max_record_bytes: int) -> None:
        self._connection = connection
        self._transactional_id = transactional_id
        self._max_record_bytes = max_record_bytes
        self._turn = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None

    async def write(self, outputs: Sequence[Output], may_go: Callable[[], bool]) -> list[Written]:
        """Write all in their order, or none of them. The first write fences whoever had the transactional id.

        may_go: asked once more when it is this write's turn, before anybody is fenced; FencedError where it says no.
        Raises KafkaError.
        """
        async with self._turn:
            try:
                if not may_go():
                    raise FencedError
                producer = await self._started()
                if not may_go():
                    raise FencedError
                return await _transaction(producer, outputs)
            except FencedError:
                raise
            except BaseException:
                await self._discard()  # whatever state it is in; the next one begins by ending what this left open
                raise

    async def stop(self) -> None:
        """Let go of the connection."""
        async with self._turn:
            await self._discard()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._connection.client_options(),
                transactional_id=self._transactional_id,
                transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                max_request_size=self._max_record_bytes,
            )
            self._producer = producer
            await producer.start()
        return self._producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await let_go(producer)


async def _transaction(producer: AIOKafkaProducer, outputs: Sequence[Output]) -> list[Written]:
    async with producer.transaction():
        sent = [
            await producer.send(
                output.topic, output.value, output.key, partition=output.partition, headers=list(output.headers)
            )
            for output in outputs
        ]
        return list(await asyncio.gather(*sent))


class FencedProducers:
    """Those of the partitions that this worker owns. transactional_id: of a partition."""

    def __init__(
        self, connection: Connection, transactional_id: Callable[[int], str], *, max_record_bytes: int
    ) -> None:
        self._connection = connection
        self._transactional_id = transactional_id
        self._max_record_bytes = max_record_bytes
        self._producers: dict[int, FencedProducer] = {}

    def of(self, partition: int) -> FencedProducer:
        """The producer of this partition; nothing is asked of the broker before its first write."""
        if partition not in self._producers:
            self._producers[partition] = FencedProducer(
                self._connection, self._transactional_id(partition), self._max_record_bytes
            )
        return self._producers[partition]

    async def stop(self) -> None:
        """Let go of all."""
        await asyncio.gather(*(producer.stop() for producer in self._producers.values()))


class FencedOutlet(Outlet):
    """Writes what is published at once in one transaction, in its order, for one generation of the group."""

    def __init__(self, producer: FencedProducer, lease: Lease, generation: int, *, timeout_s: float) -> None:
        super().__init__(lease, generation, timeout_s=timeout_s)
        self._producer = producer

    async def publish(self, outputs: Sequence[Output]) -> list[Written]:
        """As Outlet's; all are written, or none."""
        marked = [self._marked(output) for output in outputs]
        pauses = Pauses(self._timeout_s)
        refused_at = -math.inf
        while pauses.left:
            if self.lost:
                raise FencedError
            if not self._lease.valid or not self._lease.heard_since(refused_at):
                await asyncio.sleep(HOLD_S)
                continue
            try:
                written = await self._producer.write(marked, lambda: self._lease.valid and not self.lost)
            except TAKEN as error:
                # the broker knows another owner; whether it is the right one, only the group's coordinator can say,
                # and not the clock of a process that may have stood still
                refused_at = self._lease.now()
                await self._refused(error, marked, pauses)
            except FencedError:
                await asyncio.sleep(HOLD_S)  # whether it is lost, or only out for now, is looked at above
            except Exception as error:  # noqa: BLE001  whatever the producer says, nothing is out: try again
                await self._refused(error, marked, pauses)
            else:
                self._heard(TOOK_IT, *marked)
                return written
        raise pauses.error(marked[0].topic)

    async def _refused(self, error: Exception, outputs: Sequence[Output], pauses: Pauses) -> None:
        self._heard(type(error).__name__, *outputs)
        if isinstance(error, TOO_LARGE) and not self._insists:
            raise OutputTooLargeError(max(outputs, key=_size)) from error
        await pauses.wait(error, outputs[0].topic)


def _size(output: Output) -> int:
    return len(output.value or b"")
