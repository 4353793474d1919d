"""What still stands in the files of a partition though it was erased: evidence, read from the leader's log.

A reader gets every record that the log holds, so a value that compaction has not removed yet comes by, followed by the
tombstone that erased it. Once none does, this copy of the partition is clean.

What stands astray, where no view takes it, would stand there for ever: it is found here, to be erased where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from streams.engine.reading.evidence import Look
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.partitioning import partition_of
from streams.wire.records import OpenVisits
from streams.wire.topics import FACE_FEATURES, VISITS, Topics, is_filler

Named = tuple[str, str]
"""Gallery and person id."""


NOWHERE: Final = 2**63 - 1
"""Behind every offset."""


@dataclass(slots=True)
class History:
    """A partition of face-features, from its beginning: of each key, where its first value stands and is erased.

    A reference is drawn for one enrollment and never used again, so what follows a tombstone is a late write, to be
    erased as well: until then the first value of a key tells as much as all of them would.

    partition, partitions: which one it is, of how many.
    """

    partition: int
    partitions: int
    _values: dict[bytes, int] = field(default_factory=dict)
    _erased: dict[bytes, int] = field(default_factory=dict)
    _written_again: set[bytes] = field(default_factory=set)
    _astray: set[bytes] = field(default_factory=set)

    def apply(self, record: Any) -> None:
        """Take one record, whether or not its transaction was committed."""
        if not record.key or is_filler(record.key, record.value):
            return
        if record.value is not None and record.key not in self._values and self._is_astray(record.key):
            self._astray.add(record.key)
        if record.value is None:
            self._erased.setdefault(record.key, record.offset)
            self._written_again.discard(record.key)
        elif record.key not in self._erased:
            self._values.setdefault(record.key, record.offset)
        else:
            self._take_again(record.key, record.offset)

    def leftovers(self, below: int) -> int:
        """Keys with a value below this offset that is erased there: by a tombstone of its own, or on what opens it.

        A feature whose person's key stands nowhere counts as well: it is what a write that came late has left. So does
        what is astray.
        """
        return sum(
            offset < below and (key in self._astray or self._is_erased(key, below))
            for key, offset in self._values.items()
        )

    def tombstones(self) -> Iterator[bytes]:
        """Keys that bear one, and no value behind it."""
        return (key for key in self._erased if key not in self._written_again)

    def astray(self) -> list[bytes]:
        """Keys with a value that stands in another partition than they name: somebody's, and no view takes it."""
        return sorted(key for key in self._astray if key not in self._erased or key in self._written_again)

    def _is_astray(self, key: bytes) -> bool:
        try:
            return FeatureKey.decode(key).partition(self.partitions) != self.partition
        except ValueError:
            return False

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
    """Whom any record names that the files of a partition of visits still hold.

    partition, partitions: which one it is, of how many. astray: by key, whom its last record names where that is no
    camera's own, or in another partition than the camera's: nobody writes it anew.
    """

    partition: int
    partitions: int
    found: set[Named] = field(default_factory=set)
    astray: dict[bytes, set[Named]] = field(default_factory=dict)

    def apply(self, record: Any) -> None:
        """Take one record; what cannot be read names nobody that we could tell."""
        if not record.key or is_filler(record.key, record.value):
            return
        self.astray.pop(record.key, None)
        if not record.value:
            return
        try:
            left = records.decode(record.value, OpenVisits)
        except ValueError:
            return
        named = named_by(left)
        self.found |= named
        is_own = left.camera_id.encode() == record.key
        if not is_own or partition_of(record.key, self.partitions) != self.partition:
            self.astray[record.key] = named


@dataclass(slots=True)
class Reading:
    """What the logs hold, read once for all deletions that look at the same time."""

    look: Look
    topics: Topics
    _histories: dict[int, History] = field(default_factory=dict)
    _names: list[Names] = field(default_factory=list)

    async def history(self, partition: int) -> History:
        """Of this partition of face-features."""
        if partition not in self._histories:
            history = self._histories[partition] = History(partition, self.topics.spec(FACE_FEATURES).partitions)
            await self.look.read(self.topics.name(FACE_FEATURES), partition, history.apply)
        return self._histories[partition]

    async def names(self) -> list[Names]:
        """Whom any record of visits names, replaced ones included, by partition."""
        partitions = self.topics.spec(VISITS).partitions
        for partition in range(len(self._names), partitions):
            names = Names(partition, partitions)
            await self.look.read(self.topics.name(VISITS), partition, names.apply)
            self._names.append(names)
        return self._names
