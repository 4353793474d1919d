"""An unchanging state of a gallery: base, delta and what is forgotten, as one.

The writer swaps the whole view, so a reader takes it once, needs no lock, and may finish on the view it took.
Each change gives a new view that shares what did not change.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from models.gallery.bits import ROWS, Owner, Segment
from models.gallery.index import Graph
from models.types import Float32, UInt8


@dataclass(frozen=True, slots=True)
class Place:
    """The segment, by its position in the view, that holds a feature."""

    owner: Owner
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Rows are numbered through all segments, emptied rows included.

    segments: the base, then the delta. All of the base but its last are full, and so are all of the delta.
    graph: over the rows of the base, under the same numbers; None while there is none, and all is delta.
    indexed: segments of the base; rows emptied there are the forgotten, and stay empty until the base is made anew.
    persons: with at least one feature. revision: grows with each change of persons or features.
    starts: number of each segment's first row, and the number of rows. features: rows that are not emptied.
    """

    segments: tuple[Segment, ...] = ()
    graph: Graph | None = None
    indexed: int = 0
    persons: int = 0
    revision: int = 0
    starts: tuple[int, ...] = field(init=False)
    features: int = field(init=False)

    def __post_init__(self) -> None:
        starts = [0]
        for segment in self.segments:
            starts.append(starts[-1] + len(segment.owners))
        object.__setattr__(self, "starts", tuple(starts))
        object.__setattr__(self, "features", sum(segment.live for segment in self.segments))

    @property
    def rows(self) -> int:
        """Rows in all, emptied ones included."""
        return self.starts[-1]

    @property
    def delta(self) -> tuple[Segment, ...]:
        """What came since; everything while there is no graph."""
        return self.segments[self.indexed :]

    def owner(self, number: int) -> Owner | None:
        """Whose row this is; None if it was emptied."""
        position = bisect_right(self.starts, number) - 1
        return self.segments[position].owners[number - self.starts[position]]

    def feature(self, place: Place) -> tuple[UInt8, Float32]:
        """Bits and vector of a feature: to be copied, since they are overwritten with their segment."""
        segment = self.segments[place.position]
        row = segment.owners.index(place.owner)
        return segment.bits[row], segment.vectors[row]

    def places(self) -> dict[str, dict[str, Place]]:
        """Every feature's place, by person and feature id."""
        found: dict[str, dict[str, Place]] = {}
        for position, segment in enumerate(self.segments):
            for owner in segment.owners:
                if owner is not None:
                    found.setdefault(owner.person_id, {})[owner.feature_id] = Place(owner, position)
        return found

    def with_feature(self, owner: Owner, bits: UInt8, vector: Float32) -> tuple["View", Place]:
        """One more feature, in the first free row of the delta; where it is.

        bits: uint8 (bits / 8,). vector: float32 (dimension,).
        """
        position = next((at for at in range(self.indexed, len(self.segments)) if self.segments[at].live < ROWS), None)
        if position is None:
            first = Segment((owner,), bits[None].copy(), vector[None].copy())
            return replace(self, segments=(*self.segments, first)), Place(owner, len(self.segments))
        changed = list(self.segments)
        changed[position] = changed[position].with_feature(owner, bits, vector)
        return replace(self, segments=tuple(changed)), Place(owner, position)

    def without(self, places: Iterable[Place]) -> "View":
        """These features' rows emptied. The graph still holds their vectors: see `unlinked`."""
        doomed: defaultdict[int, list[Owner]] = defaultdict(list)
        for place in places:
            doomed[place.position].append(place.owner)
        changed = list(self.segments)
        for position, owners in doomed.items():
            changed[position] = changed[position].without(owners)
        return replace(self, segments=tuple(changed))

    def indexed_numbers(self, places: Iterable[Place]) -> list[int]:
        """The numbers of those features that the graph covers."""
        return [
            self.starts[place.position] + self.segments[place.position].owners.index(place.owner)
            for place in places
            if place.position < self.indexed
        ]

    def unlinked(self, numbers: Sequence[int]) -> "View":
        """The graph without the vectors of these rows."""
        if self.graph is None or not numbers:
            return self
        return replace(self, graph=self.graph.without(numbers))
