"""What face-features holds, by reference: whose it is, the data keys, and what deletions cover of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from models.errors import SnapshotError
from streams.agents.gallery.covering import Enrolled, may_cover
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


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `Reference`, with the data key."""

    person_id: str | None = None
    data_key: bytes | None = None
    has_key: bool = False
    features: frozenset[str] = frozenset()
    enrolled_by: str = ""
    requested_at_ms: int = 0

    def __repr__(self) -> str:
        return f"Entry({len(self.features)} features)"

    @property
    def enrolled(self) -> Enrolled:
        """Which command made the person known."""
        return Enrolled(self.enrolled_by, self.requested_at_ms)


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot holds beside the galleries."""

    entries: dict[Place, Entry]


class References:
    """pseudonyms: of a gallery and a person id, all that may stand for that person in a deletion."""

    def __init__(self, pseudonyms: Callable[[str, str], Iterable[str]]) -> None:
        self._pseudonyms = pseudonyms
        self._entries: dict[Place, Entry] = {}
        self._of_person: dict[Person, tuple[str, ...]] = {}
        self._by_pseudonym: dict[str, tuple[Person, ...]] = {}
        self._in_gallery: Counter[str] = Counter()
        self._orphans: set[Place] = set()
        self._erasures: dict[str, Erasure] = {}

    def get(self, place: Place) -> Entry | None:
        """What is known of this reference."""
        return self._entries.get(place)

    def put(self, place: Place, entry: Entry) -> None:
        """Know this of the reference from now on; what holds neither key nor feature is forgotten."""
        before = self._entries.get(place, Entry())
        if before.person_id != entry.person_id:
            self._unname(place, before)
            self._name(place, entry)
        self._orphans.discard(place)
        if not entry.has_key and not entry.features:
            if self._entries.pop(place, None) is not None:
                self._in_gallery -= Counter((place[0],))
            return
        if place not in self._entries:
            self._in_gallery[place[0]] += 1
        self._entries[place] = entry
        if not entry.has_key:
            self._orphans.add(place)

    def live(self, gallery: str, person_id: str) -> Iterator[tuple[str, Entry]]:
        """The person's references that no deletion covers, the newest first."""
        for reference in reversed(self._of_person.get((gallery, person_id), ())):
            if not self.is_covered(place := (gallery, reference)):
                yield reference, self._entries[place]

    def galleries(self) -> list[str]:
        """Names of the galleries in which there is anything."""
        return list(self._in_gallery)

    def is_covered(self, place: Place) -> bool:
        """Whether a deletion that is under way covers what is, or comes, under this reference."""
        entry = self._entries[place]
        return any(self._covers(erasure, place[0], entry) for erasure in self._erasures.values())

    def note(self, erasure: Erasure) -> bool:
        """Heed a deletion until it is complete; whether it is a new one."""
        if erasure.state == "completed":
            self._erasures.pop(erasure.event_id, None)
            return False
        is_new = erasure.event_id not in self._erasures
        self._erasures[erasure.event_id] = erasure
        return is_new

    def pending(self) -> tuple[Erasure, ...]:
        """The deletions that are heeded."""
        return tuple(self._erasures.values())

    def covered(self, erasure: Erasure) -> list[Reference]:
        """All that a deletion covers."""
        places: Iterable[Place] = self._entries
        if erasure.scope == "person":
            persons = self._meant(erasure)
            places = [(person[0], reference) for person in persons for reference in self._of_person[person]]
        found = ((place, self._entries[place]) for place in places)
        return [_reference(place, entry) for place, entry in found if self._covers(erasure, place[0], entry)]

    def orphans(self) -> list[Reference]:
        """Features without a key record."""
        return [_reference(place, self._entries[place]) for place in self._orphans]

    def all(self) -> Iterator[Reference]:
        """Every reference."""
        return (_reference(place, entry) for place, entry in tuple(self._entries.items()))

    def state(self) -> bytes:
        """All of it, data keys included: to be sealed. Safe from any thread."""
        # copied at one go, and no value of theirs ever changes: others may go on meanwhile
        return msgspec.msgpack.encode(_State(self._entries.copy()))

    def restore(self, state: bytes) -> None:
        """Take over what `state` gave. Raises SnapshotError, and changes nothing, if it is of another form."""
        try:
            read = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"state: {error}") from error
        self._entries, self._of_person, self._by_pseudonym = {}, {}, {}
        self._orphans.clear()
        self._in_gallery.clear()
        for place, entry in read.entries.items():
            self.put(place, entry)

    def _covers(self, erasure: Erasure, gallery: str, entry: Entry) -> bool:
        if not may_cover(erasure, gallery):
            return False
        if erasure.scope == "person" and (gallery, entry.person_id) not in self._meant(erasure):
            return False
        return entry.enrolled.before(erasure)

    def _meant(self, erasure: Erasure) -> tuple[Person, ...]:
        return self._by_pseudonym.get(erasure.person or "", ())

    def _name(self, place: Place, entry: Entry) -> None:
        if entry.person_id is None:
            return
        person = (place[0], entry.person_id)
        if person not in self._of_person:
            for pseudonym in self._pseudonyms(*person):
                self._by_pseudonym[pseudonym] = (*self._by_pseudonym.get(pseudonym, ()), person)
        self._of_person[person] = (*self._of_person.get(person, ()), place[1])

    def _unname(self, place: Place, entry: Entry) -> None:
        if entry.person_id is None:
            return
        person = (place[0], entry.person_id)
        if left := tuple(each for each in self._of_person.get(person, ()) if each != place[1]):
            self._of_person[person] = left
            return
        self._of_person.pop(person, None)
        for pseudonym in self._pseudonyms(*person):
            if others := tuple(each for each in self._by_pseudonym[pseudonym] if each != person):
                self._by_pseudonym[pseudonym] = others
            else:
                del self._by_pseudonym[pseudonym]


def _reference(place: Place, entry: Entry) -> Reference:
    return Reference(*place, entry.person_id, entry.has_key, entry.features, entry.enrolled)
