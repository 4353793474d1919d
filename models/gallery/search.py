"""The best persons for a probe in one view: by the graph and the delta, or by the scan of everything."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.gallery.bits import scan
from models.gallery.view import View
from models.types import Candidate, Float32, Searched, SearchResult

FETCH: Final = 64
"""Rows that are looked at first for the best persons. Persons with more features than that cost a second look."""

GRAPH_SHARE: Final = 8
"""A graph that is asked for more than one in so many of its rows is slower than the scan."""

Numbers = NDArray[np.int64]


def search(view: View, probe: Float32, k: int, *, exact: bool) -> SearchResult:
    """The k persons whose best feature is most similar, best first, each once.

    Says HNSW if the answer rests on the graph (and on a scan of the delta), EXACT if everything was compared.
    """
    best = None if exact else _by_graph(view, probe, k)
    searched = Searched.EXACT if best is None else Searched.HNSW
    if best is None:
        best = _best(view, np.arange(view.rows), scan(view.segments, probe), k)
    return SearchResult(best, searched, persons=view.persons, features=view.features)


def _by_graph(view: View, probe: Float32, k: int) -> tuple[Candidate, ...] | None:
    """None if there is no graph, or if it is the wrong one to ask."""
    if view.graph is None:
        return None
    base = len(view.graph)
    delta = scan(view.delta, probe)
    delta_numbers = np.arange(base, view.rows)
    count = FETCH
    while count <= max(FETCH, base // GRAPH_SHARE):
        near = view.graph.nearest(probe, count)
        if near is None:
            return None
        numbers, scores = near
        best = _best(view, np.concatenate((numbers, delta_numbers)), np.concatenate((scores, delta)), k)
        # a person of the delta below the last row that came out of the graph may be preceded by one that did not
        if count >= base or (len(best) == k and best[-1].similarity >= scores[-1]):
            return best
        count *= 4
    return None


def _best(view: View, numbers: Numbers, scores: Float32, k: int) -> tuple[Candidate, ...]:
    """The best k persons among some rows; fewer if the rows are of fewer."""
    wanted, fetch = min(k, view.persons), FETCH
    while True:
        best: dict[str, float] = {}
        for at in _highest(scores, fetch):
            owner = view.owner(int(numbers[at]))
            if owner is None or owner.person_id in best:
                continue
            best[owner.person_id] = min(1.0, max(-1.0, float(scores[at])))
            if len(best) == wanted:
                break
        if len(best) == wanted or fetch >= len(scores):
            return tuple(Candidate(person, similarity) for person, similarity in best.items())
        fetch *= 8


def _highest(scores: Float32, count: int) -> NDArray[np.intp]:
    """Where the highest `count` scores stand, best first."""
    if count >= len(scores):
        return np.argsort(-scores, kind="stable")
    among = np.argpartition(scores, -count)[-count:]
    return among[np.argsort(-scores[among], kind="stable")]
