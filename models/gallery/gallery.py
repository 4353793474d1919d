"""Who is known: features of persons, added, replaced and forgotten by one writer, searched by many readers.

Readers take the current view and never wait. A writer makes new segments aside, and swaps the view. Forgetting swaps
in a view without the rows, then one whose graph is a copy without the vectors. The old segments are overwritten as
soon as no search and no `rebuild` holds them: before `forget` returns, unless one is under way. What a rebuild under
way has copied goes before it is swapped in, and is never searched. Two limits: a rebuild of a great gallery takes its
time (a second at 10,000 features), and memory that hnswlib has given back to the allocator is beyond reach here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final

import numpy as np

from models.errors import GalleryError
from models.gallery.bits import ROWS, Owner, Segment, packed
from models.gallery.index import Graph, GraphSettings
from models.gallery.protect import Protector
from models.gallery.search import search
from models.gallery.thresholds import threshold
from models.gallery.view import Place, View
from models.types import Float32, SearchResult, UInt8, require

DEFAULT_GALLERY: Final = "default"


class Gallery:
    """One gallery. `add`, `forget` and `rebuild` may be called from any thread: writers wait for each other.

    impostor_mean, impostor_deviation: of the scores between different people, as the model pack states them.
    false_positive_rate: target share of strangers who are taken for somebody (`thresholds.threshold`).
    hnsw_from: features from which `rebuild` makes an HNSW. Below, the exact scan answers, and is as quick: both take
        0.08 ms at 10,000 features, and at 20,000 0.08 against 0.15 ms.
    rebuild_share: share of features outside the HNSW, or of emptied rows, from which `rebuild` is worth its time.
    """

    def __init__(
        self,
        protector: Protector,
        *,
        impostor_mean: float,
        impostor_deviation: float,
        false_positive_rate: float = 0.01,
        hnsw_from: int = 10_000,
        rebuild_share: float = 0.1,
        graph_settings: GraphSettings | None = None,
    ) -> None:
        if hnsw_from < 1:
            raise ValueError(f"hnsw_from: expected at least 1 feature, found {hnsw_from}")
        self.protector = protector
        self._impostors = (impostor_mean, impostor_deviation, false_positive_rate)
        self._hnsw_from = hnsw_from
        self._rebuild_share = rebuild_share
        self._graph_settings = graph_settings or GraphSettings()
        self._view = View()
        self._places: dict[str, dict[str, Place]] = {}
        self._writing = Lock()
        self._rebuilding = Lock()
        self.threshold()  # a setting that makes no sense stops here

    @property
    def revision(self) -> int:
        """Grows with each change of what is known; not by `rebuild`."""
        return self._view.revision

    @property
    def size(self) -> int:
        """Persons who have a feature. Never waits."""
        return self._view.persons

    def __len__(self) -> int:
        """Features."""
        return self._view.features

    def __contains__(self, person_id: str) -> bool:
        return person_id in self._places

    def persons(self) -> tuple[str, ...]:
        """Everybody who has a feature, sorted. Waits for a writer."""
        with self._writing:
            return tuple(sorted(self._places))

    def features(self, person_id: str) -> tuple[str, ...]:
        """The ids of a person's features, sorted; empty for an unknown person. Waits for a writer."""
        with self._writing:
            return tuple(sorted(self._places.get(person_id, ())))

    def threshold(self) -> float:
        """The similarity from which a probe is matched in a gallery of this size."""
        mean, deviation, rate = self._impostors
        return threshold(len(self), impostor_mean=mean, impostor_deviation=deviation, false_positive_rate=rate)

    def search(self, probe: Float32, *, k: int = 2, exact: bool = False) -> SearchResult:
        """The k persons whose best feature is most similar to the probe, best first, each once. Never waits.

        probe: float32 (dimension,), finite, of unit length. exact: compare with every feature; otherwise an HNSW is
        asked if there is one, and may miss. Raises ValueError on another shape, on numbers not finite and on k < 1.
        """
        require("probe", probe, (self.protector.dimension,), np.float32)
        if k < 1 or not np.isfinite(probe).all():
            raise ValueError("expected a probe of finite numbers, and at least one person to search for")
        return search(self._view, probe, k, exact=exact)

    def add(self, person_id: str, feature_id: str, bits: bytes) -> None:
        """Make a feature known, in place of the person's feature of that id. The same once more changes nothing.

        bits: as `Protector.protect` made them, under the same key and model. Raises GalleryError on another length
        or an empty id.
        """
        if len(bits) * 8 != self.protector.bits or not person_id or not feature_id:
            raise GalleryError(f"expected ids and {self.protector.bits} bits, found {len(bits) * 8} bits")
        row = np.frombuffer(bits, np.uint8)
        vector = self.protector.derive(row[np.newaxis])[0]
        with self._writing:
            old = self._places.get(person_id, {}).get(feature_id)
            if old is not None and self._view.feature(old)[0].tobytes() == bits:
                return
            replaced = () if old is None else (old,)
            numbers = self._view.indexed_numbers(replaced)
            view, place = self._view.without(replaced).with_feature(Owner(person_id, feature_id), row, vector)
            self._places.setdefault(person_id, {})[feature_id] = place
            self._swap(view, numbers)

    def fill(self, features: Sequence[tuple[str, str]], bits_rows: UInt8) -> None:
        """Make many features known at once, in an empty gallery.

        features: person id and feature id, each pair once. bits_rows: uint8 (n, bits / 8), one row each.
        Raises GalleryError if the gallery is not empty or a feature is named twice, ValueError on another shape.
        """
        require("bits_rows", bits_rows, (len(features), self.protector.bits // 8), np.uint8)
        with self._writing:
            if len(self) or len(set(features)) < len(features):
                raise GalleryError("expected an empty gallery and each feature once")
            segments = []
            for first in range(0, len(features), ROWS):
                owners = tuple(Owner(person, feature) for person, feature in features[first : first + ROWS])
                rows = bits_rows[first : first + ROWS].copy()
                segments.append(Segment(owners, rows, self.protector.derive(rows)))
            view = replace(self._view, segments=tuple(segments), graph=None, indexed=0)
            self._places = view.places()
            self._swap(view, [])

    def forget(self, person_id: str) -> int:
        """Remove a person; how many features that were, 0 if unknown. No search that begins afterwards finds it."""
        with self._writing:
            return self._remove([(person_id, feature_id) for feature_id in self._places.get(person_id, ())])

    def forget_features(self, features: Iterable[tuple[str, str]]) -> int:
        """Remove these, as pairs of person id and feature id, at one go; how many of them were there.

        A person goes with the last of its features. Costs as much as one removal does, whatever their number.
        """
        with self._writing:
            known = [
                (person_id, feature_id)
                for person_id, feature_id in dict.fromkeys(features)
                if feature_id in self._places.get(person_id, ())
            ]
            return self._remove(known)

    def contents(self) -> tuple[list[tuple[str, str]], UInt8]:
        """Person id and feature id of every feature, and their bits, uint8 (n, bits / 8), of one moment."""
        view = self._view
        owners = [owner for segment in view.segments for owner in segment.owners]
        rows = np.vstack([np.empty((0, self.protector.bits // 8), np.uint8), *(s.bits for s in view.segments)])
        live = np.array([owner is not None for owner in owners], bool)
        return [(owner.person_id, owner.feature_id) for owner in owners if owner is not None], rows[live]

    def rebuild(self) -> bool:
        """Take new features into the HNSW and emptied rows out of the store, if that is due; whether it was done.

        Readers and writers go on meanwhile, and the result is swapped in: to be called from a pool's thread, after
        changes or now and then. Most of the time is spent in hnswlib, outside the interpreter's lock.
        """
        with self._rebuilding:
            view = self._view
            if not self._due(view):
                return False
            segments = packed(view.segments)
            wanted = view.features >= self._hnsw_from
            graph = Graph.build([s.vectors for s in segments], self._graph_settings) if wanted else None
            made = View(segments, graph, indexed=len(segments) if wanted else 0)
            with self._writing:
                self._adopt(made)
            return True

    def _due(self, view: View) -> bool:
        wanted = view.features >= self._hnsw_from
        outside = sum(segment.live for segment in view.delta) if wanted else 0
        stale = outside + view.rows - view.features
        return wanted != (view.graph is not None) or stale > self._rebuild_share * view.features

    def _adopt(self, made: View) -> None:
        """Swap in what `rebuild` made, brought up to date with what was removed and added meanwhile."""
        now = self._view
        current = {place.owner: place for features in self._places.values() for place in features.values()}
        taken = {place.owner: place for features in made.places().values() for place in features.values()}
        gone = [place for owner, place in taken.items() if owner not in current]
        late = [place for owner, place in current.items() if owner not in taken]
        view = made.without(gone).unlinked(made.indexed_numbers(gone))
        for place in late:
            view, _ = view.with_feature(place.owner, *now.feature(place))
        self._places = view.places()
        self._view = replace(view, persons=now.persons, revision=now.revision)

    def _remove(self, features: Sequence[tuple[str, str]]) -> int:
        if not features:
            return 0
        doomed = [self._places[person_id].pop(feature_id) for person_id, feature_id in features]
        for person_id, _ in features:
            if not self._places.get(person_id, True):
                del self._places[person_id]
        numbers = self._view.indexed_numbers(doomed)
        self._swap(self._view.without(doomed), numbers)
        return len(doomed)

    def _swap(self, view: View, numbers: Sequence[int]) -> None:
        """Show a changed view, then overwrite the graph's vectors under `numbers`, whose rows are emptied in it."""
        view = replace(view, persons=len(self._places), revision=self._view.revision + 1)
        self._view = view
        self._view = view.unlinked(numbers)


class Galleries:
    """Named galleries of one account. `make` gives an empty one."""

    def __init__(self, make: Callable[[], Gallery]) -> None:
        self._make = make
        self._galleries = {DEFAULT_GALLERY: make()}

    def get(self, name: str = DEFAULT_GALLERY) -> Gallery:
        """The gallery of that name, the same object at each call; an empty one if nothing was added to it yet."""
        found = self._galleries.get(name)
        return found if found is not None else self._galleries.setdefault(name, self._make())

    def names(self) -> tuple[str, ...]:
        """`default` first, then the others that have a feature, sorted."""
        others = sorted(name for name, gallery in tuple(self._galleries.items()) if name != DEFAULT_GALLERY and gallery)
        return (DEFAULT_GALLERY, *others)

    def rebuild(self) -> int:
        """`Gallery.rebuild` for all, one after the other; how many it was due for."""
        return sum(gallery.rebuild() for gallery in tuple(self._galleries.values()))
