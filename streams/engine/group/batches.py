"""What waits in the producer is looked at once more right before it is written to the broker.

An output that passed the lease's check waits in aiokafka's producer until the request before it is answered. If the
process is frozen there, or the broker away, it would go out when both are back: behind what the new owner of its
partition has written. So a batch goes out only in the generation in which it was begun and while the lease is valid.

This file reaches into faust and aiokafka as `consumer` and `transport` do.
"""

from collections.abc import Collection
from typing import Any

from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import Producer

from streams.engine.group.holder import holder_of
from streams.engine.group.unanswered import take_back, watch_unanswered
from streams.engine.lease import Lease


class LeaseOverError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """The lease ended while the record waited for its turn: it was not sent."""


class LeasedProducer(Producer):
    """Holds back what the lease does not cover any more, and takes it back where it is under way."""

    async def on_start(self) -> None:
        """Called by faust before anything can be sent."""
        await super().on_start()
        producer, holder = self._ensure_producer(), holder_of(self)
        watch_batches(producer._message_accumulator, producer._sender, holder.lease, holder.unleased)
        self.add_future(watch_unanswered(producer.client, holder.lease, holder.unleased))

    def cut_off(self) -> None:
        """Let nothing that needs the lease reach the broker any more, if it has not answered for it."""
        if self._producer is not None:
            take_back(self._producer.client, holder_of(self).unleased)


def watch_batches(accumulator: Any, sender: Any, lease: Lease, unleased: Collection[str]) -> None:
    """Let no batch of aiokafka's producer go out without the lease.

    unleased: topics whose records may always go out.
    """
    append_batch, send_request = accumulator._append_batch, sender._send_produce_req
    begun_in: dict[Any, int] = {}

    def append(builder: Any, partition: Any) -> Any:
        batch = append_batch(builder, partition)
        begun_in[batch] = lease.generation
        batch.future.add_done_callback(lambda _: begun_in.pop(batch, None))
        return batch

    def may_go(batch: Any) -> bool:
        return batch.tp.topic in unleased or (lease.valid and begun_in.get(batch) == lease.generation)

    async def send(node_id: Any, batches: dict[Any, Any]) -> None:
        await sender.client.ready(node_id)  # to connect takes time: behind this nothing is waited for before the write
        held = [partition for partition, batch in batches.items() if not may_go(batch)]
        for partition in held:
            batches.pop(partition).failure(exception=LeaseOverError())
            sender._muted_partitions.remove(partition)
        if batches:
            await send_request(node_id, batches)
        else:
            sender._in_flight.remove(node_id)

    accumulator._append_batch, sender._send_produce_req = append, send
