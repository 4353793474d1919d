import pickle
from collections.abc import Callable

import numpy as np

from models.gallery.index import Graph, GraphSettings
from models.types import Float32


def test_numbers_rows_through_all_parts(unit: Callable[..., Float32]) -> None:
    vectors = unit(1, 50)
    graph = Graph.build([vectors[:20], vectors[20:]], GraphSettings())
    assert len(graph) == 50
    for number in (0, 19, 20, 49):
        near = graph.nearest(vectors[number], 3)
        assert near is not None
        numbers, scores = near
        exact = vectors @ vectors[number]
        assert numbers.tolist() == np.argsort(-exact)[:3].tolist()
        np.testing.assert_allclose(scores, np.sort(exact)[::-1][:3], atol=1e-6)


def test_gives_no_more_than_it_has(unit: Callable[..., Float32]) -> None:
    near = Graph.build([unit(1, 3)], GraphSettings()).nearest(unit(2), 64)
    assert near is not None
    assert sorted(near[0].tolist()) == [0, 1, 2]


def test_vectors_of_unequal_length_rank_by_inner_product() -> None:
    vectors = np.eye(4, dtype=np.float32) * np.array([[1], [2], [3], [4]], np.float32)
    near = Graph.build([vectors], GraphSettings()).nearest(np.full(4, 0.5, np.float32), 4)
    assert near is not None
    assert near[0].tolist() == [3, 2, 1, 0]
    assert near[1].tolist() == [2, 1.5, 1, 0.5]


def test_without_is_a_copy_that_holds_no_byte_of_the_vector(unit: Callable[..., Float32]) -> None:
    vectors = unit(1, 200)
    graph = Graph.build([vectors], GraphSettings())
    copy = graph.without([7, 8])
    for number in (7, 8):
        assert vectors[number].tobytes() in pickle.dumps(graph._index)
        assert vectors[number].tobytes() not in pickle.dumps(copy._index)
        before, after = graph.nearest(vectors[number], 1), copy.nearest(vectors[number], 1)
        assert before is not None
        assert after is not None
        assert before[0][0] == number
        assert after[0][0] != number
    near = copy.nearest(vectors[9], 200)
    assert near is not None
    assert dict(zip(*near, strict=True))[7] == 0


def test_everybody_is_found_after_half_was_overwritten(unit: Callable[..., Float32]) -> None:
    vectors = unit(3, 400)
    graph = Graph.build([vectors], GraphSettings()).without(range(0, 400, 2))
    for number in range(1, 400, 2):
        near = graph.nearest(vectors[number], 1)
        assert near is not None
        assert near[0][0] == number


def test_the_same_vectors_give_the_same_graph(unit: Callable[..., Float32]) -> None:
    one, other = (Graph.build([unit(4, 300)], GraphSettings()) for _ in range(2))
    states = [graph._index.__getstate__()[0] for graph in (one, other)]
    assert states[0]["data_level0"].tobytes() == states[1]["data_level0"].tobytes()


def test_says_so_when_a_node_is_out_of_reach() -> None:
    same = np.ones((600, 4), np.float32)  # hundreds of equal vectors tear an HNSW apart
    assert Graph.build([same], GraphSettings(links=2)).nearest(same[0], 600) is None
