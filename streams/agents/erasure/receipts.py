"""The receipt of a deletion, and the answer that bears it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from models.gallery.keys import KeyDirectory
from streams.engine.brokers import Broker
from streams.engine.outlet import Output
from streams.engine.reading.evidence import Look
from streams.engine.topics.bounds import bounds
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import Deployment
from streams.wire.receipts import signed_bytes, with_signature
from streams.wire.records import Bill, Erasure, GalleryEvent, Receipt
from streams.wire.topics import ERASURES, GALLERY_EVENTS, RECOGNITIONS, RUNNING_LOG, SIGHTINGS, Topics

LATER: Final = (RECOGNITIONS, SIGHTINGS, GALLERY_EVENTS)
"""What names a person, or stands for one, until it expires."""

LATER_OF_ACCOUNT: Final = (*LATER, RUNNING_LOG, ERASURES)
"""And what the brokers have yet to compact away: the log's entries, and the bill that stood on erasures."""

CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """Makes and signs them."""

    topics: Topics
    deployment: Deployment
    keys: KeyDirectory
    broker: Broker
    clock_ms: Callable[[], int]

    async def complete(self, erasure: Erasure, look: Look) -> Sequence[Output]:
        """What says that a deletion is complete, and its last record; to be written at once."""
        now_ms = self.clock_ms()
        completed = structs.replace(erasure, state="completed", waits_for={}, bill=None, updated_at_ms=now_ms)
        receipt = self._signed(completed, await self._later(erasure, now_ms, look), erasure.bill)
        event = GalleryEvent(
            event_id=erasure.event_id,
            request_id=erasure.request_id,
            account=erasure.account,
            region=self.deployment.region,
            gallery=erasure.gallery,
            command="forget",
            accepted=True,
            code=Code.FORGOTTEN,
            detail="",
            person=erasure.person,
            features=erasure.features,
            requested_at_ms=erasure.requested_at_ms,
            processed_at_ms=now_ms,
            receipt=receipt,
        )
        answer = Output(
            topic=self.topics.name(GALLERY_EVENTS), key=erasure.request_id.encode(), value=records.encode(event)
        )
        return [answer, erasure_record(self.topics, completed)]

    def without(self, event_ids: Sequence[str]) -> Iterator[Sequence[Output]]:
        """What erases the records of other deletions; to be written batch by batch."""
        for first in range(0, len(event_ids), CHUNK):
            yield [
                Output(topic=self.topics.name(ERASURES), key=event_id.encode(), value=None)
                for event_id in event_ids[first : first + CHUNK]
            ]

    def _signed(self, erasure: Erasure, later: dict[str, int], bill: Bill | None) -> Receipt:
        receipt = Receipt(
            request_id=erasure.request_id,
            event_id=erasure.event_id,
            account=erasure.account,
            region=self.deployment.region,
            scope=erasure.scope,
            gallery=erasure.gallery,
            person=erasure.person,
            requested_at_ms=erasure.requested_at_ms,
            completed_at_ms=erasure.updated_at_ms,
            persons=erasure.persons,
            features=erasure.features,
            log_entries=0 if bill is None else bill.requests,
            tombstones=erasure.tombstones,
            workers=erasure.workers,
            snapshots=erasure.snapshots,
            silent=erasure.silent,
            unread=erasure.unread,
            later=later,
            bill=bill,
            key_id=self.keys.signing_key_id,
            signature="",
        )
        _key_id, signature = self.keys.sign(signed_bytes(receipt))
        return with_signature(receipt, signature)

    async def _later(self, erasure: Erasure, now_ms: int, look: Look) -> dict[str, int]:
        """By topic, when all that is there now, or is erased there, is gone; a topic without a limit is left out."""
        if not self.broker.retains:
            return {}
        shorts = LATER_OF_ACCOUNT if erasure.scope == "account" else LATER
        found, brokers = await look.settings([self.topics.name(short) for short in shorts])
        limits = {
            short: bounds(self.topics.spec(short), found[self.topics.name(short)], brokers)[0].at_most
            for short in shorts
        }
        return {short: now_ms + limit for short, limit in limits.items() if limit is not None}


def erasure_record(topics: Topics, erasure: Erasure) -> Output:
    """The record that says how far a deletion has come; under its event id, since a request id is the sender's."""
    return Output(topic=topics.name(ERASURES), key=erasure.event_id.encode(), value=records.encode(erasure))
