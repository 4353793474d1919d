from collections.abc import Callable

import numpy as np
import pytest

from models.gallery.bits import ROWS, Owner, Segment
from models.gallery.index import Graph, GraphSettings
from models.gallery.view import Place, View
from models.types import Float32

BITS = np.arange(16, dtype=np.uint8)


@pytest.fixture
def owners() -> list[Owner]:
    """Three of the base, two of the delta, and one more."""
    return [Owner(f"p{i // 2}", str(i % 2)) for i in range(6)]


@pytest.fixture
def vectors(unit: Callable[..., Float32]) -> Float32:
    return unit(1, 6)


@pytest.fixture
def view(owners: list[Owner], vectors: Float32) -> View:
    base = Segment(tuple(owners[:3]), np.zeros((3, 16), np.uint8), vectors[:3].copy())
    delta = Segment(tuple(owners[3:5]), np.zeros((2, 16), np.uint8), vectors[3:5].copy())
    return View((base, delta), Graph.build([base.vectors], GraphSettings()), indexed=1, persons=3)


def test_rows_are_numbered_through_base_and_delta(view: View, owners: list[Owner]) -> None:
    assert (view.rows, view.features, view.starts) == (5, 5, (0, 3, 5))
    assert [view.owner(number) for number in range(5)] == owners[:5]
    assert view.delta == view.segments[1:]


def test_an_empty_view() -> None:
    assert (View().rows, View().features, View().places()) == (0, 0, {})


def test_a_new_feature_goes_into_the_delta(view: View, owners: list[Owner], vectors: Float32) -> None:
    after, place = view.without([Place(owners[0], 0)]).with_feature(owners[5], BITS, vectors[5])
    assert place == Place(owners[5], 1)
    # the emptied row of the base stays empty: the graph knows its number
    assert [after.owner(number) for number in range(6)] == [None, *owners[1:]]
    bits, vector = after.feature(place)
    assert bits.tolist() == BITS.tolist()
    assert vector.tolist() == vectors[5].tolist()
    assert view.rows == view.features == 5


def test_a_full_delta_gets_another_segment(owners: list[Owner], vectors: Float32) -> None:
    full = Segment(
        tuple(Owner(f"p{i}", "1") for i in range(ROWS)), np.ones((ROWS, 16), np.uint8), np.ones((ROWS, 128), "f4")
    )
    after, place = View((full,)).with_feature(owners[5], BITS, vectors[5])
    assert place.position == 1
    assert after.owner(ROWS) is owners[5]


def test_places_lead_to_the_features(view: View, owners: list[Owner], vectors: Float32) -> None:
    places = view.places()
    assert {person: sorted(features) for person, features in places.items()} == {
        "p0": ["0", "1"],
        "p1": ["0", "1"],
        "p2": ["0"],
    }
    assert places["p1"]["0"] == Place(owners[2], 0)
    assert places["p1"]["1"] == Place(owners[3], 1)
    assert view.feature(places["p1"]["1"])[1].tolist() == vectors[3].tolist()


def test_only_what_the_graph_covers_is_taken_out_of_it(view: View, owners: list[Owner], vectors: Float32) -> None:
    doomed = [Place(owners[1], 0), Place(owners[3], 1)]
    numbers = view.indexed_numbers(doomed)
    assert numbers == [1]
    after = view.without(doomed)
    assert after.graph is view.graph
    assert after.features == 3
    assert after.unlinked([]) is after
    near = after.unlinked(numbers).graph.nearest(vectors[1], 3)
    assert dict(zip(*near, strict=True))[1] == 0
    assert View((view.segments[1],)).unlinked([]).graph is None
