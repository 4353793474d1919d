"""What stands on face-features, as far as it can be told; the promises about persons are held against it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from models.errors import SealError
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret, opened
from models.gallery.seal import unseal
from models.gallery.statement import Statement
from streams.agents.gallery.covering import Enrolled
from streams.audit.reading import Seen
from streams.wire.feature_keys import FeatureKey
from streams.wire.feature_topic import FeatureTopic, Place
from streams.wire.headers import number

_NOBODY: Final = Enrolled("", 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands under one reference now.

    features: by feature id, when each was written. has_key: there is a key record. person_id, data_key: None where it
    did not open, or no keys are at hand.
    """

    features: Mapping[str, int] = field(default_factory=dict)
    has_key: bool = False
    enrolled: Enrolled = _NOBODY
    person_id: str | None = None
    data_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _KeyRecord:
    enrolled: Enrolled
    secret: PersonSecret | None = field(repr=False)


@dataclass(slots=True)
class Gallery:
    """keys: None where no key directory can be read. partitions: of the topic.

    erased_at_ms: by record key, the tombstones that still stand. ever: gallery and person id of everybody whose key
    record was read, whether or not it was erased further on. unopened: key records that did not open.
    """

    keys: KeyDirectory | None
    partitions: int
    kept: dict[Place, Kept] = field(default_factory=dict, repr=False)
    erased_at_ms: dict[bytes, int] = field(default_factory=dict, repr=False)
    ever: set[tuple[str, str]] = field(default_factory=set, repr=False)
    unopened: int = 0
    _topic: FeatureTopic[Seen, _KeyRecord, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._topic = FeatureTopic(
            partitions=self.partitions,
            read_key=self._key_record,
            read_feature=lambda seen, _feature_id: seen.timestamp_ms,
        )

    def take(self, seen: Seen) -> None:
        """One record of face-features, in its partition's order."""
        is_tombstone = seen.form == "tombstone"
        if is_tombstone:
            self.erased_at_ms[seen.key] = seen.timestamp_ms
        else:
            self.erased_at_ms.pop(seen.key, None)
        key = self._topic.take(seen.partition, seen.key, None if is_tombstone else seen)
        if key is not None:
            self._keep((key.gallery, key.reference))

    @property
    def persons(self) -> dict[tuple[str, str], Kept]:
        """Those whose key record opened, by gallery and person id."""
        return {
            (gallery, kept.person_id): kept
            for (gallery, _), kept in self.kept.items()
            if kept.has_key and kept.person_id is not None
        }

    @property
    def closed(self) -> set[str]:
        """The galleries in which a key record stands that did not open."""
        return {gallery for (gallery, _), kept in self.kept.items() if kept.has_key and kept.person_id is None}

    @property
    def features(self) -> int:
        """How many there are."""
        return sum(len(kept.features) for kept in self.kept.values())

    def opens(self, key: FeatureKey, seen: Seen) -> bool | None:
        """Whether a feature opens with its person's key and what is stated beside it; None where that key is not known.

        key: the record's, decoded.
        """
        kept = self.kept.get((key.gallery, key.reference))
        if kept is None or kept.data_key is None:
            return None
        try:
            unseal(kept.data_key, seen.value, place=seen.key, stated=Statement.read(seen.headers))
        except SealError:
            return False
        return True

    def live(self) -> Iterator[bytes]:
        """The keys of all records that have a value."""
        for (gallery, reference), kept in self.kept.items():
            if kept.has_key:
                yield FeatureKey(gallery, reference).encode()
            yield from (FeatureKey(gallery, reference, feature).encode() for feature in kept.features)

    def _key_record(self, seen: Seen) -> _KeyRecord:
        secret = None if self.keys is None else opened(self.keys, seen.key, seen.value)
        if secret is None:
            self.unopened += 1
        else:
            self.ever.add((FeatureKey.decode(seen.key).gallery, secret.person_id))
        requested_at_ms = number(seen.headers.get("requested_at_ms", "")) or 0
        return _KeyRecord(Enrolled(seen.headers.get("enrolled_by", ""), requested_at_ms), secret)

    def _keep(self, place: Place) -> None:
        """What stands there now. By whose command it came is remembered of a key that is erased."""
        held = self._topic.held.get(place)
        if held is None:
            self.kept.pop(place, None)
            return
        record = held.key or _KeyRecord(self.kept.get(place, Kept()).enrolled, None)
        self.kept[place] = Kept(
            features=dict(held.features),
            has_key=held.has_key,
            enrolled=record.enrolled,
            person_id=None if record.secret is None else record.secret.person_id,
            data_key=None if record.secret is None else record.secret.data_key,
        )
