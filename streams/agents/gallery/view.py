"""The gallery view: every record of face-features, opened and put into this worker's gallery.

A record that cannot be read, does not open, or belongs to another template key or model is refused and
counted; the view goes on. What stands on the topic is remembered all the same, so that it can be erased.
What a deletion covers is matched no more from the moment that the deletion is known, whatever still comes of it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.errors import GalleryError, SealError
from models.gallery.carried import CarriedOver
from models.gallery.gallery import Galleries
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import unseal
from models.gallery.statement import Statement
from streams.agents.gallery.references import Entry, Place, Reference, References
from streams.wire.codes import Code
from streams.wire.feature_keys import FeatureKey
from streams.wire.feature_topic import texts
from streams.wire.headers import number, states_consent
from streams.wire.records import Erasure


@dataclass(slots=True, kw_only=True)
class GalleryView:
    """What face-features holds, as this worker sees it.

    model_version: of the encoder whose features this worker can match.
    partitions: of the topic; what stands in another one than its key names is refused, since its order is nobody's.
    refused: told the code of each record that was refused.
    """

    keys: KeyDirectory
    galleries: Galleries
    model_version: str
    partitions: int
    refused: Callable[[Code], object]
    _references: References = field(init=False, repr=False)
    _carried: CarriedOver = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._references = References(self.keys.pseudonyms)
        self._carried = CarriedOver(self.keys.template_keys())

    def apply(self, record: Any) -> None:
        """Take one record of the topic."""
        try:
            key = FeatureKey.decode(record.key or b"")
        except ValueError:
            self.refused(Code.BAD_RECORD)
            return
        if record.partition != key.partition(self.partitions):
            self.refused(Code.BAD_RECORD)
            return
        place = (key.gallery, key.reference)
        if record.value is None:
            self._remove(place, key.feature_id)
        elif key.feature_id is None:
            self._take_key(place, record)
        else:
            self._take_feature(place, key.feature_id, record)

    def reference(self, gallery: str, person_id: str) -> str | None:
        """Under which this person's features are stored, the newest; None if there is none that stays."""
        return next((reference for reference, _ in self._references.live(gallery, person_id)), None)

    def data_key(self, gallery: str, person_id: str) -> bytes | None:
        """The key that seals what is stored of this person; None if there is none that stays."""
        return next((entry.data_key for _, entry in self._references.live(gallery, person_id)), None)

    def stored(self, gallery: str, person_id: str) -> frozenset[str]:
        """The ids of all features of this person that stay, also of those that this worker cannot match."""
        return frozenset().union(*(entry.features for _, entry in self._references.live(gallery, person_id)))

    def holds(self, gallery: str, person_id: str) -> bool:
        """Whether the topic has anything of this person that stays."""
        return self.reference(gallery, person_id) is not None

    def galleries_of(self, person_id: str) -> list[str]:
        """The galleries of which the topic has anything of this person that stays."""
        return [gallery for gallery in self._references.galleries() if self.holds(gallery, person_id)]

    def has_gallery(self, gallery: str) -> bool:
        """Whether the topic has anything of this gallery, whosever it is."""
        return gallery in self._references.galleries()

    def covered(self, erasure: Erasure) -> list[Reference]:
        """All that the topic holds and that a deletion covers."""
        return self._references.covered(erasure)

    def orphans(self) -> list[Reference]:
        """Features without a key record: a write that came late, which nobody can read."""
        return self._references.orphans()

    def references(self) -> Iterator[Reference]:
        """All that the topic holds."""
        return self._references.all()

    def erase(self, erasure: Erasure) -> None:
        """Match nothing any more that a deletion covers, now or when it comes, until the deletion is complete."""
        if self._references.note(erasure):
            self._hide(self._references.covered(erasure))

    def state(self) -> bytes:
        """What is known beside the galleries, data keys included: to be sealed. Safe from any thread."""
        return self._references.state()

    def restore(self, state: bytes) -> None:
        """Take over what `state` gave. Raises SnapshotError, and changes nothing, if it is of another form."""
        self._references.restore(state)

    def prune(self) -> None:
        """Forget in the galleries what no reference holds, or a deletion covers.

        After galleries were filled from elsewhere: they may be of another moment than what is known beside them, and
        the tombstones of what is known nowhere else would pass them by.
        """
        known = {
            (each.gallery, each.person_id, feature_id)
            for each in self._references.all()
            if not self._references.is_covered((each.gallery, each.reference))
            for feature_id in each.features
        }
        for name in self.galleries.names():
            gallery = self.galleries.get(name)
            gallery.forget_features(each for each in gallery.contents()[0] if (name, *each) not in known)

    def _take_key(self, place: Place, record: Any) -> None:
        headers = texts(record.headers)
        known = self._references.get(place) or Entry()
        entry = Entry(
            has_key=True,
            features=known.features,
            enrolled_by=headers.get("enrolled_by", ""),
            requested_at_ms=number(headers.get("requested_at_ms", "")) or 0,
        )
        try:
            secret = PersonSecret.decode(self.keys.unwrap(record.value, place=record.key))
            entry = msgspec.structs.replace(entry, person_id=secret.person_id, data_key=secret.data_key)
        except SealError:
            self.refused(Code.BAD_SEAL)
        self._references.put(place, entry)

    def _take_feature(self, place: Place, feature_id: str, record: Any) -> None:
        known = self._references.get(place) or Entry()
        entry = msgspec.structs.replace(known, features=known.features | {feature_id})
        self._references.put(place, entry)
        code = self._add(place, feature_id, entry, record)
        if code is None:
            return
        if entry.person_id is not None and feature_id in known.features:  # what stood there before is gone
            self.galleries.get(place[0]).forget_features([(entry.person_id, feature_id)])
        self.refused(code)

    def _add(self, place: Place, feature_id: str, entry: Entry, record: Any) -> Code | None:
        """Into the gallery, unless a deletion covers it; why not, if it is refused."""
        if entry.person_id is None or entry.data_key is None:
            return Code.BAD_SEAL
        try:
            stated = Statement.read(texts(record.headers))
            bits = unseal(entry.data_key, record.value, place=record.key, stated=stated)
        except SealError:
            return Code.BAD_SEAL
        if not states_consent(stated.consent, stated.consent_basis):
            return Code.NO_CONSENT
        if not self._carried.knows(stated.key_id) or stated.model_version != self.model_version:
            return Code.FOREIGN_FEATURE
        gallery = self.galleries.get(place[0])
        try:
            if not self._references.is_covered(place):
                gallery.add(entry.person_id, feature_id, self._carried.under(gallery.protector, bits, stated.key_id))
        except GalleryError:
            return Code.FOREIGN_FEATURE
        return None

    def _remove(self, place: Place, feature_id: str | None) -> None:
        """A tombstone on a person's key forgets all that it sealed."""
        entry = self._references.get(place)
        if entry is None:
            return  # nor is a gallery made for it: its name may be anybody's
        gone = entry.features if feature_id is None else {feature_id}
        if entry.person_id is not None:
            self.galleries.get(place[0]).forget_features((entry.person_id, each) for each in gone)
        if feature_id is None:
            left = Entry(features=entry.features, enrolled_by=entry.enrolled_by, requested_at_ms=entry.requested_at_ms)
        else:
            left = msgspec.structs.replace(entry, features=entry.features - gone)
        self._references.put(place, left)

    def _hide(self, covered: Iterable[Reference]) -> None:
        """Of each gallery at one go: a change of it costs as much as its size, and readers go on meanwhile."""
        by_gallery: dict[str, list[tuple[str, str]]] = {}
        for each in covered:
            if each.person_id is not None:
                features = by_gallery.setdefault(each.gallery, [])
                features += [(each.person_id, feature_id) for feature_id in each.features]
        for name, features in by_gallery.items():
            self.galleries.get(name).forget_features(features)
