"""How each promise is broken on purpose, by the plainest act there is, and what undoes it."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs

from models.gallery.person import PersonSecret
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.demo.film import film
from streams.engine.topics.admin import epochs
from streams.engine.topics.inspection import mend
from streams.engine.topics.promises import Difference
from streams.wire import records
from streams.wire.event_id import EventId
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import ErrorLogEntry, Recognition, RunningLogEntry, Sighting
from streams.wire.rights import READ, Right
from streams.wire.topics import (
    CAMERA_FRAMES,
    ERROR_LOG,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    RECOGNITIONS,
    RUNNING_LOG,
    SIGHTINGS,
    Topics,
)
from tests.kafka.policy.ground import Ground
from tests.kafka.policy.rights import allow, take_away
from tests.kafka.policy.serve import Served
from tests.kafka.policy.topics import Hand

OTHER: Final = "zoo"
BOUND_S: Final = 12.0
"""Longer than the time within which a processed picture goes here, and than it takes to be processed."""


@dataclass(frozen=True, slots=True)
class Act:
    """promise: the one that it breaks, and none besides. name: what is done. broken: broken while this is open."""

    promise: int
    name: str
    broken: Callable[[Ground, Hand, Served], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def picture_published(ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """A picture goes out with the recognitions."""
    place = await hand.write(RECOGNITIONS, _picture(), key=b"desk", partition=_partition(ground.topics))
    yield
    await hand.delete(place)


@asynccontextmanager
async def purge_stopped(ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """Frames are processed by a worker that deletes none."""
    await ground.stop()
    await ground.start(module="tests.kafka.policy.unpurged_worker")
    await hand.write(CAMERA_FRAMES, _picture(), key=b"desk")
    await asyncio.sleep(BOUND_S)
    yield
    await ground.stop()
    await ground.start()
    await asyncio.sleep(BOUND_S)


@asynccontextmanager
async def unsealed_feature(ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """The bit string itself is stored."""
    key, _secret, partition = await _somebody(ground, hand)
    bits, headers = secrets.token_bytes(128), _headers(_stated(ground))
    await hand.write(FACE_FEATURES, bits, key=key, partition=partition, headers=headers)
    yield
    await hand.erase(FACE_FEATURES, key, partition)


@asynccontextmanager
async def stranger_named(_ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """A stranger's visit bears an identifier that the service has made up."""
    sighting = await _one(hand, SIGHTINGS, Sighting)
    named = structs.replace(sighting, person_id=f"stranger-{secrets.token_hex(4)}")
    place = await hand.write(SIGHTINGS, records.encode(named), key=named.camera_id.encode())
    yield
    await hand.delete(place)


@asynccontextmanager
async def erased_again(_ground: Ground, hand: Hand, served: Served) -> AsyncIterator[None]:
    """The feature of a person who was deleted is written again, as a late writer would."""
    record = next(each for each in served.erased if FeatureKey.decode(each.key).feature_id is not None)
    await hand.write(FACE_FEATURES, record.value, key=record.key, partition=record.partition, headers=record.headers)
    yield
    await hand.erase(FACE_FEATURES, record.key, record.partition)


@asynccontextmanager
async def entry_removed(_ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """An entry of the running log is removed."""
    lost = (await _billed(hand))[0]
    await hand.write(RUNNING_LOG, None, key=lost.key, partition=lost.partition)
    yield
    await hand.restore(RUNNING_LOG, lost)


@asynccontextmanager
async def entry_altered(_ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """An entry of the running log is said to be free of charge."""
    altered = (await _billed(hand))[-1]
    free = structs.replace(records.decode(altered.value, RunningLogEntry), billed=False)
    await hand.write(RUNNING_LOG, records.encode(free), key=altered.key, partition=altered.partition)
    yield
    await hand.restore(RUNNING_LOG, altered)


@asynccontextmanager
async def ceiling_raised(ground: Ground, _hand: Hand, _served: Served) -> AsyncIterator[None]:
    """The error log may grow to three gigabytes."""
    topic, wanted = ground.topics.name(ERROR_LOG), ground.topics.spec(ERROR_LOG).config["retention.bytes"]
    await mend(ground.connection, [Difference(topic, "retention.bytes", "3000000000", "", None)])
    yield
    await mend(ground.connection, [Difference(topic, "retention.bytes", wanted, "", None)])


@asynccontextmanager
async def without_consent(ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """A feature is stored, sealed as it should be, and nobody says that the person has consented."""
    key, secret, partition = await _somebody(ground, hand)
    stated = replace(_stated(ground), consent="", consent_basis="")
    sealed = seal(secret.data_key, secrets.token_bytes(128), place=key, stated=stated)
    await hand.write(FACE_FEATURES, sealed, key=key, partition=partition, headers=_headers(stated))
    yield
    await hand.erase(FACE_FEATURES, key, partition)


@asynccontextmanager
async def elsewhere(_ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """A record comes from another region."""
    entry = structs.replace(await _one(hand, ERROR_LOG, ErrorLogEntry), region="mars")
    place = await hand.write(ERROR_LOG, records.encode(entry))
    yield
    await hand.delete(place)


@asynccontextmanager
async def record_of_another(_ground: Ground, hand: Hand, _served: Served) -> AsyncIterator[None]:
    """A record of another account stands among this one's."""
    recognition = structs.replace(await _one(hand, RECOGNITIONS, Recognition), account=OTHER)
    place = await hand.write(RECOGNITIONS, records.encode(recognition), key=recognition.camera_id.encode())
    yield
    await hand.delete(place)


@asynccontextmanager
async def right_of_another(ground: Ground, _hand: Hand, _served: Served) -> AsyncIterator[None]:
    """Another account's worker may read here."""
    theirs = Topics(prefix=ground.topics.prefix, account=OTHER)
    reading = [Right("topic", each.name(RECOGNITIONS), (READ,)) for each in (theirs, ground.topics)]
    await allow(ground.connection, f"{OTHER}-worker", reading)
    yield
    await take_away(ground.connection, f"{OTHER}-worker")


ACTS: Final = (
    Act(1, "a picture is published with the results", picture_published),
    Act(1, "processed pictures are not deleted", purge_stopped),
    Act(2, "a feature is stored unsealed", unsealed_feature),
    Act(3, "a stranger's visit bears an identifier", stranger_named),
    Act(4, "an erased feature is written again", erased_again),
    Act(5, "an entry is removed", entry_removed),
    Act(5, "an entry is altered", entry_altered),
    Act(6, "the error log may grow to 3 GB", ceiling_raised),
    Act(7, "a feature is stored without consent", without_consent),
    Act(8, "a record names another region", elsewhere),
    Act(9, "another account's record stands here", record_of_another),
    Act(9, "another account's worker may read here", right_of_another),
)


def _picture() -> bytes:
    return next(iter(film("desk", 1))).jpeg


def _partition(topics: Topics) -> int:
    return topics.partitions - 1


async def _one(hand: Hand, short: str, kind: type[records.R]) -> records.R:
    """A record of a topic, the last but for what is none."""
    found = [record.value for record in await hand.records(short) if (record.value or b"").startswith(b"{")]
    return records.decode(found[-1], kind)


async def _billed(hand: Hand) -> list[Any]:
    """The records of entries that stand in the running log and are billed."""
    standing = {record.key: record for record in await hand.records(RUNNING_LOG)}
    return [
        record for record in standing.values() if record.value and records.decode(record.value, RunningLogEntry).billed
    ]


async def _somebody(ground: Ground, hand: Hand) -> tuple[bytes, PersonSecret, int]:
    """A new feature's key under somebody who is enrolled, that person's secret, and the partition."""
    standing = {record.key: record for record in await hand.records(FACE_FEATURES)}
    person = next(
        record for record in standing.values() if record.value and FeatureKey.decode(record.key).feature_id is None
    )
    place = FeatureKey.decode(person.key)
    epoch = (await epochs(ground.connection, ground.topics))[GALLERY_COMMANDS]
    feature = FeatureKey(
        place.gallery, place.reference, str(EventId(epoch, GALLERY_COMMANDS, 0, 10**6 + secrets.randbelow(10**6)))
    )
    secret = PersonSecret.decode(ground.keys.unwrap(person.value, place=person.key))
    return feature.encode(), secret, person.partition


def _stated(ground: Ground) -> Statement:
    return Statement(
        key_id=ground.keys.template_key.id,
        model_version="by-hand",
        quality="0.50",
        consent="form-9",
        consent_basis="of_age",
        enrolled_at_ms=str(time.time_ns() // 1_000_000),
    )


def _headers(stated: Statement) -> list[tuple[str, bytes]]:
    return [(name, text.encode()) for name, text in stated.texts().items()]
