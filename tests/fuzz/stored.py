"""Records that do not belong on the topics that we write and read ourselves, made from good ones of the same topic."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any, Final

import msgspec

from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import (
    CONTROL,
    ERASURES,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record of a topic. headers: as they were read, or None for a value."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int = 0


KINDS: Final[Mapping[str, type[records.Record]]] = MappingProxyType(
    {
        GALLERY_EVENTS: records.GalleryEvent,
        ERASURES: records.Erasure,
        VISITS: records.OpenVisits,
        RECOGNITIONS: records.Recognition,
        SIGHTINGS: records.Sighting,
        CONTROL: records.Epoch,
    }
)
"""What stands on the topics of JSON records that we read, by short name."""

OTHER_VALUES: Final[tuple[Any, ...]] = (None, True, -1, 1e300, "", "x" * 900_000, [], {}, [[]], {"a": 1})
DEPTHS: Final = (1_000, 100_000)


def bad_record(random: Random, short: str, good: Stored) -> Stored:
    """One that cannot be read as this topic's kind. It has a key: a compacted topic takes none without."""
    while True:
        value = _spoilt(random, good.value or b"{}")
        try:
            records.decode(value, KINDS[short])
        except msgspec.DecodeError:
            return replace(good, value=value, key=random.choice((good.key, b"", b"\xff", b"x" * 70_000)))


def _spoilt(random: Random, good: bytes) -> bytes:
    fields = json.loads(good)
    field = random.choice(sorted(fields))
    missing = {name: each for name, each in fields.items() if name != field}
    depth = random.choice(DEPTHS)
    at = random.randrange(1, len(good))
    return random.choice(
        (
            lambda: random.choice((b"{}", b"null", b"[]", b'""', b"0", b"\0", b"\xff\xfe", b"{", b" ")),
            lambda: random.randbytes(random.randrange(1, 200)),
            lambda: good[:at],
            lambda: good[:at] + b"\xff" + good[at:],
            lambda: json.dumps(missing).encode(),
            lambda: json.dumps({**fields, field: random.choice(OTHER_VALUES)}).encode(),
            lambda: json.dumps({**fields, "schema_version": random.choice((0, 2, "1"))}).encode(),
            lambda: b"[" * depth,
            lambda: b'{"a": ' + b"[" * depth + b"]" * depth + b", " + good[1:],
        )
    )()


def bad_key_or_feature(random: Random, key: Stored, feature: Stored, partitions: int) -> Stored:
    """A key or a feature that no worker may use.

    key, feature: a person's good ones. What comes out stands under ids of its own, and harms nobody's records.
    """
    place = FeatureKey.decode(feature.key or b"")
    named = replace(place, feature_id=f"fuzz-{random.randrange(10**9)}")
    stranger = FeatureKey(place.gallery, f"{random.randrange(16**32):032x}")

    def at(where: FeatureKey, value: bytes, headers: Any = feature.headers, away: int = 0) -> Stored:
        return Stored(where.encode(), value, headers, (where.partition(partitions) + away) % partitions)

    sealed, wrapped = feature.value or b"", key.value or b""
    makers: tuple[Callable[[], Stored], ...] = (
        lambda: Stored(random.choice((b"", b"a", b"a/b/c/d", b"a//c", b"\xff", b"%zz/b", b"a/" + b"b" * 300)), b"x"),
        lambda: at(named, sealed),  # sealed for another place
        lambda: at(named, _flipped(random, sealed)),
        lambda: at(named, sealed[: random.randrange(len(sealed))]),
        lambda: at(named, random.randbytes(random.choice((1, 13, 157, 900_000)))),
        lambda: at(place, sealed, away=1),
        lambda: at(named, sealed, (("key_id", b"tk-00000000"), ("model_version", b"another"))),
        lambda: at(named, sealed, (("key_id", None), ("model_version", b"\xff"))),
        lambda: at(named, sealed, ()),
        lambda: at(replace(stranger, feature_id="f"), sealed),  # no key of its person
        lambda: at(stranger, wrapped, ()),  # wrapped for another place
        lambda: at(stranger, random.choice((b"", b"\0", b"\xff", _flipped(random, wrapped), wrapped[:20])), ()),
    )
    return random.choice(makers)()


def _flipped(random: Random, value: bytes) -> bytes:
    spoilt = bytearray(value)
    spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
    return bytes(spoilt)
