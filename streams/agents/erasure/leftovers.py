"""What still stands in the files of a partition though it was erased: evidence, read from the leader's log.

A reader gets every record that the log holds, so a value that compaction has not removed yet comes by, followed by the
tombstone that erased it. Once none does, this copy of the partition is clean.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from streams.engine.reading.evidence import Look
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import OpenVisits
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, VISITS, Topics

Named = tuple[str, str]
"""Gallery and person id."""


NOWHERE: Final = 2**63 - 1
"""Behind every offset."""


@dataclass(slots=True)
class History:
    """A partition of face-features, from its beginning: of each key, where its first value stands and is erased.

    A reference is drawn for one enrollment and never used again, so what follows a tombstone is a late write, to be
    erased as well: until then the first value of a key tells as much as all of them would.
    """

    _values: dict[bytes, int] = field(default_factory=dict)
    _erased: dict[bytes, int] = field(default_factory=dict)
    _written_again: set[bytes] = field(default_factory=set)

    def apply(self, record: Any) -> None:
        """Take one record, whether or not its transaction was committed."""
        if not record.key or record.key == FILLER_KEY:
            return
        if record.value is None:
            self._erased.setdefault(record.key, record.offset)
            self._written_again.discard(record.key)
        elif record.key not in self._erased:
            self._values.setdefault(record.key, record.offset)
        else:
            self._take_again(record.key, record.offset)

    def leftovers(self, below: int) -> int:
        """Keys with a value below this offset that is erased there: by a tombstone of its own, or on what opens it.

        A feature whose person's key stands nowhere counts as well: it is what a write that came late has left.
        """
        return sum(offset < below and self._is_erased(key, below) for key, offset in self._values.items())

    def tombstones(self) -> Iterator[bytes]:
        """Keys that bear one, and no value behind it."""
        return (key for key in self._erased if key not in self._written_again)

    def _take_again(self, key: bytes, offset: int) -> None:
        """A value behind a tombstone: where there is none before it, the tombstone says nothing of this one."""
        self._written_again.add(key)
        if key not in self._values:
            self._values[key] = offset
            del self._erased[key]

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
        return self._values.get(key, NOWHERE) < below <= self._erased.get(key, NOWHERE)


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
