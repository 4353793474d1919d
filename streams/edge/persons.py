"""Who is enrolled, read from the keys and headers of face-features; no key directory is needed."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from aiokafka import AIOKafkaConsumer

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import BrokerUnreachableError
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.rights import Role
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, Topics

IDLE_POLL_MS: Final = 250


@dataclass(frozen=True, slots=True)
class StoredFeature:
    """What a feature's record says in the open; None where a header is absent or not of its type."""

    feature_id: str
    key_id: str | None
    model_version: str | None
    quality: float | None
    consent: str | None
    consent_basis: str | None
    enrolled_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """An enrolled person; features by their id, at least one."""

    gallery: str
    person_id: str
    features: tuple[StoredFeature, ...]


class Persons:
    """The state of face-features, record by record, in each partition's order."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._features: dict[tuple[str, str], dict[str, StoredFeature]] = {}

    def apply(self, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> None:
        """Take one record. A tombstone of a person takes all of its features; keys of others are counted."""
        if key == FILLER_KEY:  # every reader skips it
            return
        try:
            place = FeatureKey.decode(key or b"")
        except ValueError:
            self.unreadable += 1
            return
        owner = (place.gallery, place.person_id)
        if place.feature_id is None:
            if not value:  # without its data key no feature of this person opens
                self._features.pop(owner, None)
        elif value:
            self._features.setdefault(owner, {})[place.feature_id] = _feature(place.feature_id, headers)
        else:
            self._features.get(owner, {}).pop(place.feature_id, None)

    def enrolled(self) -> Sequence[Person]:
        """Everybody with a feature, by gallery and person id."""
        return [
            Person(gallery, person_id, tuple(feature for _, feature in sorted(features.items())))
            for (gallery, person_id), features in sorted(self._features.items())
            if features
        ]


async def read_persons(connection: Connection, topics: Topics, *, stall_s: float = 10.0) -> Sequence[Person]:
    """Everybody who is enrolled now.

    Raises BrokerUnreachableError, also when nothing comes for `stall_s` though there is more, BrokerRefusedError
    or TopicMissingError.
    """
    topic = topics.name(FACE_FEATURES)
    await require_topics(connection, topics, Role.GALLERY_ADMIN, FACE_FEATURES)
    consumer = await started_consumer(connection, topic, from_beginning=True)
    try:
        with reaching(connection):
            return (await _read_to_end(consumer, stall_s)).enrolled()
    except TimeoutError as error:
        raise BrokerUnreachableError(connection.bootstrap_servers) from error
    finally:
        await consumer.stop()


async def _read_to_end(consumer: AIOKafkaConsumer, stall_s: float) -> Persons:
    persons = Persons()
    async with asyncio.timeout(stall_s) as stall:
        while True:
            # The end is asked for before each poll: a broker may know only the start of its last batch,
            # so that an empty poll has the last word.
            at_end = await _at_end(consumer)
            batches = await consumer.getmany(timeout_ms=IDLE_POLL_MS)
            if at_end and not batches:
                return persons
            if batches:
                stall.reschedule(asyncio.get_running_loop().time() + stall_s)
            for message in chain.from_iterable(batches.values()):
                persons.apply(message.key, message.value, message.headers)


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    ends = await consumer.end_offsets(consumer.assignment())
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _feature(feature_id: str, headers: Iterable[tuple[str, bytes | None]]) -> StoredFeature:
    given = {name: (raw or b"").decode("utf-8", errors="replace") for name, raw in headers}
    enrolled_at_ms = given.get("enrolled_at_ms", "")
    return StoredFeature(
        feature_id=feature_id,
        key_id=given.get("key_id"),
        model_version=given.get("model_version"),
        quality=_number(given.get("quality")),
        consent=given.get("consent"),
        consent_basis=given.get("consent_basis"),
        enrolled_at_ms=int(enrolled_at_ms) if enrolled_at_ms.isdecimal() and len(enrolled_at_ms) <= 15 else None,
    )


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
