"""The audit: what the broker says, then every record once, shown to all checks; nine findings come out."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.audit.asking import Question, facts, unreadable
from streams.audit.check import Check
from streams.audit.checks.accounts import Accounts
from streams.audit.checks.consent import Consent
from streams.audit.checks.deletion import Deletion
from streams.audit.checks.error_log import ErrorLog
from streams.audit.checks.features import Features
from streams.audit.checks.images import Images
from streams.audit.checks.person_id import PersonId
from streams.audit.checks.region import Region
from streams.audit.checks.running_log import RunningLog
from streams.audit.facts import Facts
from streams.audit.files import Files
from streams.audit.finding import Finding
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen, ends, read, reader
from streams.logs.billing import Billing
from streams.wire.topics import (
    ERASURES,
    ERROR_LOG,
    FACE_FEATURES,
    GALLERY_EVENTS,
    RECOGNITIONS,
    RUNNING_LOG,
    SIGHTINGS,
    VISITS,
    Topics,
)

ORDER: Final = (
    FACE_FEATURES,
    ERASURES,
    RUNNING_LOG,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
    ERROR_LOG,
)
"""Erasures stand before what they explain, the running log before what it is held against."""


async def audit(question: Question, *, broker_data: Sequence[Path], clock_ms: Callable[[], int]) -> list[Finding]:
    """All nine findings, in the order of the promises.

    broker_data: the log.dirs of brokers whose files can be read; empty: none can. clock_ms: milliseconds since 1970.
    Raises AdminError where no broker answers. Nothing is written, and no consumer group is joined.
    """
    closed = await unreadable(question)
    async with (
        reader(question.connection, committed_alone=False) as asker,
        reader(question.connection, committed_alone=True) as consumer,
    ):
        found = await facts(question, asker, closed, clock_ms())
        gallery, bills = Gallery(question.keys), (Billing(0, found.now_ms), Billing(0, found.now_ms))
        topics = _Topics(question.topics, asker, consumer, closed)
        async for seen in topics.read(FACE_FEATURES):
            gallery.take(seen)
        checks = _checks(found, gallery, Files(question.topics, broker_data), bills)
        for short in ORDER:
            async for seen in topics.read(short):
                for check in checks:
                    check.take(seen)
        async for seen in topics.read(RUNNING_LOG):
            bills[1].take(seen.partition, seen.value)
    return _conclude(checks, closed)


@dataclass(slots=True)
class _Topics:
    """Read up to where they ended when each was first read. closed: those that cannot be read."""

    topics: Topics
    asker: AIOKafkaConsumer
    consumer: AIOKafkaConsumer
    closed: Collection[str]
    _until: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)

    async def read(self, short: str) -> AsyncIterator[Seen]:
        """Nothing of one that is closed."""
        if short in self.closed:
            return
        if short not in self._until:
            self._until[short] = await ends(self.asker, self.topics.spec(short))
        async for seen in read(self.consumer, short, self._until[short]):
            yield seen


def _checks(found: Facts, gallery: Gallery, files: Files, bills: tuple[Billing, Billing]) -> list[Check]:
    return [
        Images(found, files),
        Features(found, gallery),
        PersonId(found, gallery),
        Deletion(found, gallery, files),
        RunningLog(found, bills),
        ErrorLog(found, gallery, files),
        Consent(),
        Region(found.region),
        Accounts(found),
    ]


def _conclude(checks: Iterable[Check], closed: Mapping[str, str]) -> list[Finding]:
    for check in checks:
        for short in check.needs:
            if short in closed:
                check.findings.could_not_see(f"{short} cannot be read: {closed[short]}", core=True)
    return [check.finding() for check in checks]
