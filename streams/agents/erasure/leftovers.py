"""What still stands in the files of a partition though it was erased: evidence, read from the leader's log.

A reader gets every record that the log holds, so a value that compaction has not removed yet comes by, followed by the
tombstone that erased it. Once none does, this copy of the partition is clean.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.engine.evidence import Look
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import OpenVisits
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, VISITS, Topics

Named = tuple[str, str]
"""Gallery and person id."""


@dataclass(slots=True)
class History:
    """A partition of face-features, from its beginning: of each key, where it stands and whether with a value."""

    _places: dict[bytes, list[tuple[int, bool]]] = field(default_factory=dict)

    def apply(self, record: Any) -> None:
        """Take one record, whether or not its transaction was committed."""
        if record.key and record.key != FILLER_KEY:
            self._places.setdefault(record.key, []).append((record.offset, record.value is not None))

    def leftovers(self, below: int) -> int:
        """Values below this offset that are erased there: by a tombstone of their own, or of the key that opens them.

        A feature whose person's key stands nowhere counts as well: it is what a write that came late has left.
        """
        return sum(self._values(key, below) for key in self._places if self._is_erased(key, below))

    def tombstones(self) -> Iterator[bytes]:
        """Keys that bear one, and no value behind it."""
        return (key for key, places in self._places.items() if not places[-1][1])

    def _values(self, key: bytes, below: int) -> int:
        return sum(has_value for offset, has_value in self._places[key] if offset < below)

    def _is_erased(self, key: bytes, below: int) -> bool:
        if not self._stands(key, below):
            return True
        try:
            place = FeatureKey.decode(key)
        except ValueError:
            return False
        if place.feature_id is None:
            return False
        return not self._stands(FeatureKey(place.gallery, place.reference).encode(), below)

    def _stands(self, key: bytes, below: int) -> bool:
        earlier = [has_value for offset, has_value in self._places.get(key, ()) if offset < below]
        return bool(earlier) and earlier[-1]


def named_by(open_visits: OpenVisits) -> set[Named]:
    """Whom a record of visits names."""
    visits = {(each.gallery, each.person_id) for each in open_visits.visits if each.person_id is not None}
    said = {(each.gallery, each.person_id) for each in open_visits.transitions if each.person_id is not None}
    return visits | said


@dataclass(slots=True)
class Names:
    """Whom any record names that the files of visits still hold."""

    found: set[Named] = field(default_factory=set)

    def apply(self, record: Any) -> None:
        """Take one record; what cannot be read names nobody that we could tell."""
        if record.key == FILLER_KEY or not record.value:
            return
        try:
            self.found |= named_by(records.decode(record.value, OpenVisits))
        except ValueError:
            return


@dataclass(slots=True)
class Reading:
    """What the logs hold, read once for all deletions that look at the same time."""

    look: Look
    topics: Topics
    _histories: dict[int, History] = field(default_factory=dict)
    _names: Names | None = None

    async def history(self, partition: int) -> History:
        """Of this partition of face-features."""
        if partition not in self._histories:
            self._histories[partition] = history = History()
            await self.look.read(self.topics.name(FACE_FEATURES), partition, history.apply)
        return self._histories[partition]

    async def names(self) -> set[Named]:
        """Whom any record of visits names, replaced ones included."""
        if self._names is None:
            self._names = Names()
            for partition in range(self.topics.spec(VISITS).partitions):
                await self.look.read(self.topics.name(VISITS), partition, self._names.apply)
        return self._names.found
