"""The audit: what the broker says, then every record once, shown to all checks; nine findings come out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
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
from streams.audit.reading import ends, read, reader
from streams.logs.billing import Billing
from streams.wire.topics import (
    CONTROL,
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

Until = Mapping[str, Mapping[TopicPartition, int]]
"""Ends of the partitions of topics, by their short names."""

ORDER: Final = (
    FACE_FEATURES,
    ERASURES,
    RUNNING_LOG,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
    ERROR_LOG,
    CONTROL,
)
"""In which they are read: erasures before what they explain, the running log before what it is held against."""

ENDS: Final = (
    CONTROL,
    VISITS,
    SIGHTINGS,
    RECOGNITIONS,
    RUNNING_LOG,
    ERROR_LOG,
    ERASURES,
    GALLERY_EVENTS,
    FACE_FEATURES,
)
"""In which order the topics' ends are asked for: what names a person, or is complete, before what explains it.

So whoever is enrolled, recognised, deleted or enrolled again meanwhile is seen with all that led to it.
"""


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
        until = await all_ends(asker, question.topics, closed)
        return await findings(found, Files(question.topics, broker_data), consumer, until, closed)


async def all_ends(asker: AIOKafkaConsumer, topics: Topics, closed: Collection[str]) -> Until:
    """Where each topic that is read ends, by its short name; asked for before the first record is read."""
    return {short: await ends(asker, topics.spec(short)) for short in ENDS if short not in closed}


async def findings(
    found: Facts, files: Files, consumer: AIOKafkaConsumer, until: Until, closed: Mapping[str, str]
) -> list[Finding]:
    """What all checks say after every record below `until`. closed: topics that cannot be read, and why."""
    gallery = Gallery(found.keys, found.topics.spec(FACE_FEATURES).partitions)
    bills = Billing(0, found.now_ms), Billing(0, found.now_ms)
    async for seen in read(consumer, FACE_FEATURES, until.get(FACE_FEATURES, {})):
        gallery.take(seen)
    ended = {(short, tp.partition): end for short, each in until.items() for tp, end in each.items()}
    checks = _checks(replace(found, ends=ended), gallery, files, bills)
    for short in ORDER:
        async for seen in read(consumer, short, until.get(short, {})):
            for check in checks:
                check.take(seen)
    async for seen in read(consumer, RUNNING_LOG, until.get(RUNNING_LOG, {})):
        bills[1].take(seen.partition, seen.value)
    return _conclude(checks, closed)


def _checks(found: Facts, gallery: Gallery, files: Files, bills: tuple[Billing, Billing]) -> list[Check]:
    return [
        Images(found, files),
        Features(found, gallery),
        PersonId(found, gallery),
        Deletion(found, gallery, files),
        RunningLog(found, bills),
        ErrorLog(found, gallery, files),
        Consent(gallery),
        Region(found.region),
        Accounts(found),
    ]


def _conclude(checks: Iterable[Check], closed: Mapping[str, str]) -> list[Finding]:
    for check in checks:
        for short in check.needs:
            if short in closed:
                check.findings.could_not_see(f"{short} cannot be read: {closed[short]}", core=True)
    return [check.finding() for check in checks]
