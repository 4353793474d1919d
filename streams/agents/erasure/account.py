"""What goes with an account beside its galleries: its log after a last bill, and all that says what was seen.

All go by when a request was asked for: what came after the deletion is new use of the account, and stays for another
bill. What was seen before it and is said after it (of a frame in flight, of a visit that ends) stays until it expires.

Entries of the running log bear tombstones; their bytes go with the next pass of the cleaner, within the time that the
receipt names. It waits for a later append to their partition: where the account writes nothing any more, a filler comes
(`streams.engine.purge.closing`).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from streams.agents.cameras.sightings import VisitsView
from streams.engine.brokers import Broker
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.evidence import Look
from streams.logs.billing import Billing
from streams.wire.headers import Deployment
from streams.wire.records import Bill, Erasure
from streams.wire.topics import CAMERA_FRAMES, ERROR_LOG, RECOGNITIONS, RUNNING_LOG, SIGHTINGS, VISITS, Topics

CHUNK: Final = 500

EMPTIED: Final = (RECOGNITIONS, SIGHTINGS, ERROR_LOG)
"""Topics whose records of before the deletion are deleted."""


class _Asked(msgspec.Struct, frozen=True):
    """Of a running-log entry, when it was asked for."""

    requested_at_ms: int


_asked: Final = msgspec.json.Decoder(_Asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecords:
    """Those of the account that this worker serves. epoch: of camera-frames."""

    topics: Topics
    epoch: str
    deployment: Deployment
    broker: Broker
    newest: VisitsView

    async def bill(self, erasure: Erasure, look: Look) -> Bill | None:
        """The last bill; None as long as frames of before the deletion are not answered.

        Raises BillingError where the log does not say what is to be billed.
        """
        if self.broker.append_time and not await self._frames_are_answered(erasure, look):
            return None
        billing = Billing(0, erasure.requested_at_ms + 1)
        for partition in range(self.topics.spec(RUNNING_LOG).partitions):
            async for record in look.records(self.topics.name(RUNNING_LOG), partition):
                billing.take(partition, record.value)
        of = self.deployment
        return billing.bill(account=of.account, app_id=of.app_id, region=of.region)

    async def erase(self, erasure: Erasure, look: Look, outlet: Outlet) -> Mapping[str, int]:
        """Erase what was billed, what cameras have left, and what is kept for a time. Twice does no harm.

        How many tombstones were written, by topic.

        A camera that sends on may write its visits anew at this very moment: the tombstone then takes that record with
        it, and the next one brings it back.
        """
        entries = 0
        for partition in range(self.topics.spec(RUNNING_LOG).partitions):
            chunk: list[Output] = []
            async for key in self._log_keys(erasure, partition, look):
                chunk.append(self._tombstone(RUNNING_LOG, key, partition))
                entries += 1
                if len(chunk) == CHUNK:
                    await outlet.publish(chunk)
                    chunk = []
            if chunk:
                await outlet.publish(chunk)
        if left := [self._tombstone(VISITS, each.encode(), None) for each in await self._cameras(erasure, look)]:
            await outlet.publish(left)
        if self.broker.deletes_records:
            for topic in map(self.topics.name, EMPTIED):
                await look.delete_records(topic, await look.next_after(topic, erasure.requested_at_ms))
        return {RUNNING_LOG: entries, VISITS: len(left)}

    async def _cameras(self, erasure: Erasure, look: Look) -> list[str]:
        """Those whose visits were written for a frame of before; all, where the broker does not date frames."""
        if not self.broker.append_time:
            return [left.camera_id for left in self.newest.all()]
        later = await look.next_after(self.topics.name(CAMERA_FRAMES), erasure.requested_at_ms)
        return [
            left.camera_id
            for left in self.newest.all()
            # of an earlier life of the topic, or before the first frame that came after the deletion
            if left.epoch != self.epoch or left.offset < later.get(left.partition, left.offset + 1)
        ]

    async def _frames_are_answered(self, erasure: Erasure, look: Look) -> bool:
        topic = self.topics.name(CAMERA_FRAMES)
        wanted = await look.next_after(topic, erasure.requested_at_ms)
        committed, starts = await look.committed(topic), await look.starts(topic)
        return all(
            max(committed.get(partition, 0), starts[partition]) >= offset for partition, offset in wanted.items()
        )

    async def _log_keys(self, erasure: Erasure, partition: int, look: Look) -> AsyncIterator[bytes]:
        async for record in look.records(self.topics.name(RUNNING_LOG), partition):
            if not record.key or not record.value:
                continue
            try:
                asked_at_ms = _asked.decode(record.value).requested_at_ms
            except ValueError:  # it is no entry of ours: nothing of it can be billed later
                asked_at_ms = 0
            if asked_at_ms <= erasure.requested_at_ms:
                yield record.key

    def _tombstone(self, short: str, key: bytes, partition: int | None) -> Output:
        return Output(topic=self.topics.name(short), key=key, value=None, partition=partition)
