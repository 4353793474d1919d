"""What stands on face-features, as far as it can be told; the promises about persons are held against it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from models.gallery.keys import KeyDirectory
from models.gallery.person import opened
from streams.agents.gallery.covering import Enrolled
from streams.audit.reading import Seen
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import number

Place = tuple[str, str]
"""Gallery and reference."""

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


@dataclass(slots=True)
class Gallery:
    """keys: None where no key directory can be read.

    erased_at_ms: by record key, the tombstones that still stand. ever: gallery and person id of everybody whose key
    record was read, whether or not it was erased further on.
    """

    keys: KeyDirectory | None
    kept: dict[Place, Kept] = field(default_factory=dict, repr=False)
    erased_at_ms: dict[bytes, int] = field(default_factory=dict, repr=False)
    ever: set[tuple[str, str]] = field(default_factory=set, repr=False)

    def take(self, seen: Seen) -> None:
        """One record of face-features, in its partition's order."""
        try:
            key = FeatureKey.decode(seen.key)
        except ValueError:
            return
        place = (key.gallery, key.reference)
        if seen.form != "tombstone":
            self.erased_at_ms.pop(seen.key, None)
            self._keep(place, key, seen)
        else:
            self.erased_at_ms[seen.key] = seen.timestamp_ms
            self._remove(place, key.feature_id)

    @property
    def persons(self) -> dict[tuple[str, str], Kept]:
        """Those whose key record opened, by gallery and person id."""
        return {
            (gallery, kept.person_id): kept
            for (gallery, _), kept in self.kept.items()
            if kept.has_key and kept.person_id is not None
        }

    @property
    def features(self) -> int:
        """How many there are."""
        return sum(len(kept.features) for kept in self.kept.values())

    def live(self) -> Iterator[bytes]:
        """The keys of all records that have a value."""
        for (gallery, reference), kept in self.kept.items():
            if kept.has_key:
                yield FeatureKey(gallery, reference).encode()
            yield from (FeatureKey(gallery, reference, feature).encode() for feature in kept.features)

    def _keep(self, place: Place, key: FeatureKey, seen: Seen) -> None:
        known = self.kept.get(place, Kept())
        if key.feature_id is not None:
            self.kept[place] = replace(known, features={**known.features, key.feature_id: seen.timestamp_ms})
            return
        secret = None if self.keys is None else opened(self.keys, seen.key, seen.value)
        if secret is not None:
            self.ever.add((key.gallery, secret.person_id))
        self.kept[place] = replace(
            known,
            has_key=True,
            enrolled=Enrolled(
                seen.headers.get("enrolled_by", ""), number(seen.headers.get("requested_at_ms", "")) or 0
            ),
            person_id=None if secret is None else secret.person_id,
            data_key=None if secret is None else secret.data_key,
        )

    def _remove(self, place: Place, feature_id: str | None) -> None:
        known = self.kept.get(place, Kept())
        if feature_id is None:
            known = Kept(features=known.features, enrolled=known.enrolled)
        else:
            known = replace(known, features={name: at for name, at in known.features.items() if name != feature_id})
        if known.features or known.has_key:
            self.kept[place] = known
        else:
            self.kept.pop(place, None)
