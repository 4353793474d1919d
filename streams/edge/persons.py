"""Who is enrolled, read from face-features and opened with the account's keys."""

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import BrokerUnreachableError
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.rights import Role
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, Topics

IDLE_POLL_MS: Final = 250

Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a person's key record holds. data_key: 32 bytes that seal what is stored of the person."""

    person_id: str
    data_key: bytes = field(repr=False)


OpenKey = Callable[[bytes, bytes], Opened | None]
"""Opens a key record: its value, and the record's key that it is bound to; None where it does not open."""


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
    """Somebody who is enrolled, under one reference.

    person_id: None where the key record is missing or does not open. features: by their id, at least one.
    """

    gallery: str
    reference: str
    person_id: str | None
    features: tuple[StoredFeature, ...]


class Persons:
    """The state of face-features, record by record, in each partition's order."""

    def __init__(self, open_key: OpenKey) -> None:
        self.unreadable = 0
        self._open_key = open_key
        self._keys: dict[tuple[str, str], Opened | None] = {}
        self._features: dict[tuple[str, str], dict[str, StoredFeature]] = {}

    def apply(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Take one record. A tombstone of a person takes all of its features; keys of others are counted."""
        if key == FILLER_KEY:  # every reader skips it
            return
        try:
            place = FeatureKey.decode(key or b"")
        except ValueError:
            self.unreadable += 1
            return
        owner = (place.gallery, place.reference)
        if place.feature_id is None:
            if value:
                self._keys[owner] = self._open_key(value, key or b"")
            else:  # without its data key no feature of this person opens
                self._keys.pop(owner, None)
                self._features.pop(owner, None)
        elif value:
            self._features.setdefault(owner, {})[place.feature_id] = _feature(place.feature_id, headers)
        else:
            self._features.get(owner, {}).pop(place.feature_id, None)

    def enrolled(self) -> Sequence[Person]:
        """Everybody with a feature, by gallery, person id and reference."""
        found = [
            Person(
                gallery=owner[0],
                reference=owner[1],
                person_id=None if (opened := self._keys.get(owner)) is None else opened.person_id,
                features=tuple(feature for _, feature in sorted(features.items())),
            )
            for owner, features in self._features.items()
            if features
        ]
        return sorted(found, key=lambda person: (person.gallery, person.person_id or "", person.reference))

    def data_keys(self) -> Iterator[bytes]:
        """Of all persons whose key record opened."""
        return (opened.data_key for opened in self._keys.values() if opened is not None)


class Reader(Protocol):
    """What is told every record of face-features, in each partition's order."""

    def apply(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Take one record."""
        ...


R = TypeVar("R", bound=Reader)


async def read_persons(
    connection: Connection, topics: Topics, open_key: OpenKey, *, role: Role = Role.GALLERY_ADMIN, stall_s: float = 10.0
) -> Persons:
    """What face-features holds now; as `read_features`."""
    return await read_features(connection, topics, Persons(open_key), role=role, stall_s=stall_s)


async def read_features(
    connection: Connection, topics: Topics, reader: R, *, role: Role = Role.GALLERY_ADMIN, stall_s: float = 10.0
) -> R:
    """Tell `reader` all that face-features holds now, and give it back. role: as whom we read.

    Raises BrokerUnreachableError, also when nothing comes for `stall_s` though there is more, BrokerRefusedError
    or TopicMissingError.
    """
    topic = topics.name(FACE_FEATURES)
    await require_topics(connection, topics, role, FACE_FEATURES)
    consumer = await started_consumer(connection, topic, from_beginning=True)
    try:
        with reaching(connection):
            await _read_to_end(consumer, reader, stall_s)
            return reader
    except TimeoutError as error:
        raise BrokerUnreachableError(connection.bootstrap_servers) from error
    finally:
        await consumer.stop()


async def _read_to_end(consumer: AIOKafkaConsumer, reader: Reader, stall_s: float) -> None:
    async with asyncio.timeout(stall_s) as stall:
        while True:
            # The end is asked for before each poll: a broker may know only the start of its last batch,
            # so that an empty poll has the last word.
            at_end = await _at_end(consumer)
            batches = await consumer.getmany(timeout_ms=IDLE_POLL_MS)
            if at_end and not batches:
                return
            if batches:
                stall.reschedule(asyncio.get_running_loop().time() + stall_s)
            for message in chain.from_iterable(batches.values()):
                reader.apply(message.key, message.value, message.headers)


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    ends = await consumer.end_offsets(consumer.assignment())
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _feature(feature_id: str, headers: Headers) -> StoredFeature:
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
