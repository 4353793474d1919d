"""The gallery view: every record of face-features, opened and put into this worker's gallery.

A record that cannot be read, does not open, or belongs to another template key or model is refused and
counted; the view goes on. What stands on the topic is remembered all the same, so that it can be erased.
What a deletion covers is matched no more from the moment that the deletion is known, whatever still comes of it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.errors import GalleryError, SealError, SnapshotError
from models.gallery.carried import CarriedOver
from models.gallery.gallery import Galleries
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import unseal
from streams.agents.covering import Enrolled
from streams.wire.codes import Code
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import states_consent
from streams.wire.records import Erasure

Person = tuple[str, str]
"""Gallery and person id."""

Place = tuple[str, str]
"""Gallery and reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What face-features holds under one reference.

    person_id: None where there is no key record, or one that does not open. has_key: there is a key record.
    features: ids of all features, also of those that this worker cannot match.
    """

    gallery: str
    reference: str
    person_id: str | None
    has_key: bool
    features: frozenset[str]
    enrolled: Enrolled


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `Reference`, with the data key."""

    person_id: str | None = None
    data_key: bytes | None = None
    has_key: bool = False
    features: frozenset[str] = frozenset()
    enrolled_by: str = ""
    requested_at_ms: int = 0

    def __repr__(self) -> str:
        return f"_Entry({len(self.features)} features)"


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a view knows beside its galleries."""

    entries: dict[Place, _Entry]


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
    _entries: dict[Place, _Entry] = field(default_factory=dict, repr=False)
    _references: dict[Person, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _by_pseudonym: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _erasures: dict[str, Erasure] = field(default_factory=dict, repr=False)
    _carried: CarriedOver = field(init=False, repr=False)

    def __post_init__(self) -> None:
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
        return next((place[1] for place in self._live(gallery, person_id)), None)

    def data_key(self, gallery: str, person_id: str) -> bytes | None:
        """The key that seals what is stored of this person; None if there is none that stays."""
        return next((self._entries[place].data_key for place in self._live(gallery, person_id)), None)

    def stored(self, gallery: str, person_id: str) -> frozenset[str]:
        """The ids of all features of this person that stay, also of those that this worker cannot match."""
        return frozenset().union(*(self._entries[place].features for place in self._live(gallery, person_id)))

    def holds(self, gallery: str, person_id: str) -> bool:
        """Whether the topic has anything of this person that stays."""
        return next(self._live(gallery, person_id), None) is not None

    def covered(self, erasure: Erasure) -> list[Reference]:
        """All that the topic holds and that a deletion covers."""
        return [_reference(place, self._entries[place]) for place in self._covered_places(erasure)]

    def orphans(self) -> list[Reference]:
        """Features without a key record: a write that came late, which nobody can read."""
        return [
            _reference(place, entry) for place, entry in self._entries.items() if entry.features and not entry.has_key
        ]

    def references(self) -> Iterator[Reference]:
        """All that the topic holds."""
        return (_reference(place, entry) for place, entry in tuple(self._entries.items()))

    def erase(self, erasure: Erasure) -> None:
        """Match nothing any more that a deletion covers, now or when it comes, until the deletion is complete."""
        if erasure.state == "completed":
            self._erasures.pop(erasure.event_id, None)
            return
        self._erasures[erasure.event_id] = erasure
        for place in self._covered_places(erasure):
            self._hide(place, self._entries[place].features)

    def state(self) -> bytes:
        """What is known beside the galleries, data keys included: to be sealed. Safe from any thread."""
        # copied at one go, and no value of theirs ever changes: the view may go on meanwhile
        return msgspec.msgpack.encode(_State(self._entries.copy()))

    def restore(self, state: bytes) -> None:
        """Take over what `state` gave. Raises SnapshotError, and changes nothing, if it is of another form."""
        try:
            read = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"state: {error}") from error
        self._entries, self._references, self._by_pseudonym = read.entries, {}, {}
        for place, entry in read.entries.items():
            self._name(place, entry)

    def settle(self) -> None:
        """Forget once more what pending deletions cover: after galleries were filled past this view."""
        for erasure in tuple(self._erasures.values()):
            self.erase(erasure)

    def _live(self, gallery: str, person_id: str) -> Iterator[Place]:
        """The person's references that no deletion covers, the newest first."""
        for reference in reversed(self._references.get((gallery, person_id), ())):
            if not self._is_covered(place := (gallery, reference)):
                yield place

    def _is_covered(self, place: Place) -> bool:
        return any(self._covers(erasure, place, self._entries[place]) for erasure in self._erasures.values())

    def _covered_places(self, erasure: Erasure) -> list[Place]:
        places: Iterable[Place] = self._entries
        if erasure.scope == "person":
            gallery = erasure.gallery or ""
            person_id = self._by_pseudonym.get((gallery, erasure.person or ""), "")
            places = [(gallery, reference) for reference in self._references.get((gallery, person_id), ())]
        return [place for place in places if self._covers(erasure, place, self._entries[place])]

    def _covers(self, erasure: Erasure, place: Place, entry: _Entry) -> bool:
        if erasure.scope != "account" and place[0] != erasure.gallery:
            return False
        if erasure.scope == "person" and not self._is(entry, place[0], erasure.person):
            return False
        return Enrolled(entry.enrolled_by, entry.requested_at_ms).before(erasure)

    def _is(self, entry: _Entry, gallery: str, pseudonym: str | None) -> bool:
        return entry.person_id is not None and self._by_pseudonym.get((gallery, pseudonym or "")) == entry.person_id

    def _take_key(self, place: Place, record: Any) -> None:
        headers = _texts(record)
        requested = headers.get("requested_at_ms", "")
        entry = _Entry(
            has_key=True,
            features=self._entries.get(place, _Entry()).features,
            enrolled_by=headers.get("enrolled_by", ""),
            requested_at_ms=int(requested) if requested.isdecimal() and len(requested) <= 15 else 0,
        )
        try:
            secret = PersonSecret.decode(self.keys.unwrap(record.value, place=record.key))
            entry = msgspec.structs.replace(entry, person_id=secret.person_id, data_key=secret.data_key)
        except SealError:
            self.refused(Code.BAD_SEAL)
        self._entries[place] = entry
        self._name(place, entry)

    def _name(self, place: Place, entry: _Entry) -> None:
        if entry.person_id is None:
            return
        person = (place[0], entry.person_id)
        if place[1] not in (known := self._references.get(person, ())):
            self._references[person] = (*known, place[1])
        for pseudonym in self.keys.pseudonyms(*person):
            self._by_pseudonym[place[0], pseudonym] = entry.person_id

    def _take_feature(self, place: Place, feature_id: str, record: Any) -> None:
        entry = self._entries.get(place, _Entry())
        entry = msgspec.structs.replace(entry, features=entry.features | {feature_id})
        self._entries[place] = entry
        headers = _texts(record)
        key_id, version = headers.get("key_id", ""), headers.get("model_version", "")
        if entry.data_key is None or entry.person_id is None:
            self.refused(Code.BAD_SEAL)
        elif not states_consent(headers.get("consent"), headers.get("consent_basis")):
            self.refused(Code.NO_CONSENT)
        elif not self._carried.knows(key_id) or version != self.model_version:
            self.refused(Code.FOREIGN_FEATURE)
        elif not self._is_covered(place):
            try:
                bits = unseal(entry.data_key, record.value, place=record.key, key_id=key_id, model_version=version)
                gallery = self.galleries.get(place[0])
                gallery.add(entry.person_id, feature_id, self._carried.under(gallery.protector, bits, key_id))
            except SealError:
                self.refused(Code.BAD_SEAL)
            except GalleryError:
                self.refused(Code.FOREIGN_FEATURE)

    def _remove(self, place: Place, feature_id: str | None) -> None:
        """A tombstone on a person's key forgets all that it sealed."""
        entry = self._entries.get(place)
        if entry is None:
            return  # nor is a gallery made for it: its name may be anybody's
        if feature_id is None:
            self._hide(place, entry.features)
            self._unname(place, entry)
            left = _Entry(features=entry.features, enrolled_by=entry.enrolled_by, requested_at_ms=entry.requested_at_ms)
        else:
            self._hide(place, frozenset({feature_id}))
            left = msgspec.structs.replace(entry, features=entry.features - {feature_id})
        if left.features or left.has_key:
            self._entries[place] = left
        else:
            del self._entries[place]

    def _hide(self, place: Place, features: Iterable[str]) -> None:
        if (person_id := self._entries[place].person_id) is not None:
            gallery = self.galleries.get(place[0])
            for feature_id in features:
                gallery.forget_feature(person_id, feature_id)

    def _unname(self, place: Place, entry: _Entry) -> None:
        if entry.person_id is None:
            return
        person = (place[0], entry.person_id)
        if left := tuple(each for each in self._references.get(person, ()) if each != place[1]):
            self._references[person] = left
            return
        self._references.pop(person, None)
        for pseudonym in self.keys.pseudonyms(*person):
            self._by_pseudonym.pop((place[0], pseudonym), None)


def _texts(record: Any) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in record.headers}


def _reference(place: Place, entry: _Entry) -> Reference:
    enrolled = Enrolled(entry.enrolled_by, entry.requested_at_ms)
    return Reference(*place, entry.person_id, entry.has_key, entry.features, enrolled)
