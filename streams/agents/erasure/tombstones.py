"""Tombstones on face-features: for what a deletion covers, and once more where a copy may have missed them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from streams.agents.gallery.references import Reference
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.view import View
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import FACE_FEATURES, Topics

CHUNK: Final = 300
"""Tombstones of one transaction; readers hold back what they read until it is committed."""

Reached = Mapping[str, int]
"""By partition, in words as records hold it: behind which offset nothing of a deletion was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstones:
    """view: of face-features."""

    topics: Topics
    view: View

    async def write(self, references: Iterable[Reference], outlet: Outlet) -> None:
        """Erase all features of these references and then their keys, and wait until our own view has done so."""
        keys = list(chain.from_iterable(map(_keys, references)))
        await self.write_keys([key.encode() for key in keys], [self.partition(key) for key in keys], outlet)

    async def write_keys(self, keys: Sequence[bytes], partitions: Sequence[int], outlet: Outlet) -> None:
        """Erase these keys, each in its partition, and wait until our own view has done so."""
        topic = self.topics.name(FACE_FEATURES)
        outputs = [
            Output(topic=topic, key=key, value=None, partition=partition)
            for key, partition in zip(keys, partitions, strict=True)
        ]
        for first in range(0, len(outputs), CHUNK):
            for written in await outlet.publish(outputs[first : first + CHUNK]):
                await self.view.reached(written.partition, written.offset + 1)

    def reached(self, partitions: Iterable[int]) -> Reached:
        """How far our view has come in these partitions: past all tombstones that `write` has written."""
        positions = self.view.positions
        return {str(partition): positions[partition] for partition in sorted(partitions)}

    def reached_everywhere(self) -> Reached:
        """How far our view has come in all partitions: past all that anybody had written before it caught up."""
        return self.reached(self.view.positions)

    def partitions_of(self, references: Iterable[Reference]) -> set[int]:
        """Where these references stand."""
        return {self.partition(FeatureKey(each.gallery, each.reference)) for each in references}

    def partition(self, key: FeatureKey) -> int:
        """Where this key stands."""
        return key.partition(self.topics.spec(FACE_FEATURES).partitions)


def _keys(reference: Reference) -> Iterator[FeatureKey]:
    """Features first: as long as the key stands, it is known whose they are."""
    for feature_id in sorted(reference.features):
        yield FeatureKey(reference.gallery, reference.reference, feature_id)
    yield FeatureKey(reference.gallery, reference.reference)
