"""Who is enrolled, read from face-features and opened with the account's keys."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from streams.edge.through import read_through
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.feature_topic import FeatureRecord, FeatureTopic, texts
from streams.wire.headers import number
from streams.wire.rights import Role
from streams.wire.topics import FACE_FEATURES, Topics

Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a person's key record holds. data_key: 32 bytes that seal what is stored of the person.

    opens: whether that key opens a feature's record, and so what its headers say is what was enrolled.
    """

    person_id: str
    data_key: bytes = field(repr=False)
    opens: Callable[[FeatureRecord], bool] = field(repr=False, compare=False)


OpenKey = Callable[[bytes, bytes], Opened | None]
"""Opens a key record: its value, and the record's key that it is bound to; None where it does not open."""


@dataclass(frozen=True, slots=True)
class StoredFeature:
    """What a feature's record says in the open; None where a header is absent or not of its type.

    opens: with its person's key and just these headers; where it does not, what they say is nobody's word.
    """

    feature_id: str
    opens: bool
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
    """The state of face-features, record by record, in each partition's order. partitions: of the topic."""

    def __init__(self, open_key: OpenKey, partitions: int) -> None:
        self._topic: FeatureTopic[FeatureRecord, Opened | None, StoredFeature] = FeatureTopic(
            partitions=partitions,
            read_key=lambda record: open_key(record.value or b"", record.key or b""),
            read_feature=self._feature,
        )

    @property
    def passed_over(self) -> int:
        """Records that no worker takes either, since they stand in another partition than their keys name, or have none
        of our keys.
        """
        return self._topic.passed_over

    def apply(self, record: FeatureRecord) -> None:
        """Take one record. A person's tombstone leaves the features, which nobody can open any more, without a name."""
        self._topic.take(record.partition, record.key, None if record.value is None else record)

    def enrolled(self) -> Sequence[Person]:
        """Everybody with a feature, by gallery, person id and reference."""
        found = [
            Person(
                gallery=gallery,
                reference=reference,
                person_id=None if held.key is None else held.key.person_id,
                features=tuple(
                    feature if held.key is not None else replace(feature, opens=False)
                    for _, feature in sorted(held.features.items())
                ),
            )
            for (gallery, reference), held in self._topic.held.items()
            if held.features
        ]
        return sorted(found, key=lambda person: (person.gallery, person.person_id or "", person.reference))

    def data_keys(self) -> Iterator[bytes]:
        """Of all persons whose key record opened."""
        return (held.key.data_key for held in self._topic.held.values() if held.key is not None)

    def _feature(self, record: FeatureRecord, feature_id: str) -> StoredFeature:
        """The person's key stands before it, as for the workers."""
        key = FeatureKey.decode(record.key or b"")
        opened = self._topic.held[key.gallery, key.reference].key
        return _stored(feature_id, record.headers, opens=opened is not None and opened.opens(record))


class Reader(Protocol):
    """What is told every record of face-features, in each partition's order."""

    def apply(self, record: FeatureRecord) -> None:
        """Take one record."""
        ...


R = TypeVar("R", bound=Reader)


async def read_persons(
    connection: Connection,
    topics: Topics,
    open_key: OpenKey,
    *,
    exact_ends: bool,
    role: Role = Role.GALLERY_ADMIN,
) -> Persons:
    """What face-features holds now; as `read_features`."""
    persons = Persons(open_key, topics.spec(FACE_FEATURES).partitions)
    return await read_features(connection, topics, persons, exact_ends=exact_ends, role=role)


async def read_features(
    connection: Connection, topics: Topics, reader: R, *, exact_ends: bool, role: Role = Role.GALLERY_ADMIN
) -> R:
    """Tell `reader` all that face-features holds now, and give it back. exact_ends, role, errors: as `read_through`."""
    await read_through(connection, topics, FACE_FEATURES, reader.apply, role=role, exact_ends=exact_ends)
    return reader


def _stored(feature_id: str, headers: Headers, *, opens: bool) -> StoredFeature:
    given = texts(headers)
    return StoredFeature(
        feature_id=feature_id,
        opens=opens,
        key_id=given.get("key_id"),
        model_version=given.get("model_version"),
        quality=_fraction(given.get("quality")),
        consent=given.get("consent"),
        consent_basis=given.get("consent_basis"),
        enrolled_at_ms=number(given.get("enrolled_at_ms", "")),
    )


def _fraction(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
