"""Who is enrolled, read from face-features and opened with the account's keys."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from streams.edge.through import read_through
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import number
from streams.wire.rights import Role
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, Topics

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
            if value is not None:
                self._keys[owner] = self._open_key(value, key or b"")
            else:  # without its data key no feature of this person opens
                self._keys.pop(owner, None)
                self._features.pop(owner, None)
        elif value is not None:
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
    connection: Connection,
    topics: Topics,
    open_key: OpenKey,
    *,
    exact_ends: bool,
    role: Role = Role.GALLERY_ADMIN,
) -> Persons:
    """What face-features holds now; as `read_features`."""
    return await read_features(connection, topics, Persons(open_key), exact_ends=exact_ends, role=role)


async def read_features(
    connection: Connection, topics: Topics, reader: R, *, exact_ends: bool, role: Role = Role.GALLERY_ADMIN
) -> R:
    """Tell `reader` all that face-features holds now, and give it back. exact_ends, role, errors: as `read_through`."""
    await read_through(
        connection,
        topics,
        FACE_FEATURES,
        lambda record: reader.apply(record.key, record.value, record.headers),
        role=role,
        exact_ends=exact_ends,
    )
    return reader


def _feature(feature_id: str, headers: Headers) -> StoredFeature:
    given = {name: (raw or b"").decode("utf-8", errors="replace") for name, raw in headers}
    return StoredFeature(
        feature_id=feature_id,
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
