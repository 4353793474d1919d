"""After forgetting, neither label nor bits nor vector is left in anything that the gallery holds."""

import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import hnswlib
import numpy as np
import pytest

from models.gallery.gallery import Gallery
from models.gallery.index import Graph
from models.gallery.protect import Protector
from models.gallery.search import search
from models.types import Float32

SECRET_PERSON = "person-who-asked-to-be-forgotten"
SECRET_FEATURE = "feature-of-that-person"


def everything(gallery: Gallery) -> Iterator[object]:
    """All that can be reached from the gallery's own attributes."""
    # its values, not the dict: from 3.13 on the collector finds them in the object alone
    seen, waiting = set(), list(vars(gallery).values())
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type) or item is gallery.protector:
            continue
        seen.add(id(item))
        yield item
        if not callable(item):
            waiting.extend(gc.get_referents(item))


def memory(gallery: Gallery) -> bytes:
    """Arrays, strings and the graph's memory, one after the other."""
    found = []
    for item in everything(gallery):
        if isinstance(item, np.ndarray):
            found.append(item.tobytes())
        elif isinstance(item, str):
            found.append(item.encode())
        elif isinstance(item, bytes):
            found.append(item)
        elif isinstance(item, hnswlib.Index):
            found.append(pickle.dumps(item))
    return b"|".join(found)


@pytest.fixture(params=["delta", "base", "both", "delta behind a base"])
def gallery(
    request: pytest.FixtureRequest, make_gallery: Callable[..., Gallery], protector: Protector, unit: Callable
) -> Gallery:
    """Forty others, and the person with two features where the parameter says."""
    gallery = make_gallery(hnsw_from=1, rebuild_share=10.0)
    for i, embedding in enumerate(unit(1, 40)):
        gallery.add(f"p{i}", "1", protector.protect(embedding))
    if request.param == "delta behind a base":
        gallery.rebuild()
    gallery.add(SECRET_PERSON, SECRET_FEATURE, protector.protect(unit(2)))
    if request.param == "both":
        gallery.rebuild()
    gallery.add(SECRET_PERSON, SECRET_FEATURE + "-2", protector.protect(unit(3)))
    if request.param == "base":
        gallery.rebuild()
    return gallery


@pytest.fixture
def traces(protector: Protector, unit: Callable[..., Float32]) -> list[bytes]:
    """What must be gone: ids, both strings, both vectors (and each half of them)."""
    strings = [protector.protect(unit(seed)) for seed in (2, 3)]
    rows = np.frombuffer(b"".join(strings), np.uint8).reshape(2, -1)
    vectors = [vector.tobytes() for vector in protector.derive(rows)]
    whole = [SECRET_PERSON.encode(), SECRET_FEATURE.encode(), *strings, *vectors]
    return whole + [part for text in strings + vectors for part in (text[: len(text) // 2], text[len(text) // 2 :])]


def test_the_search_for_traces_can_find_them(gallery: Gallery, traces: list[bytes]) -> None:
    before = memory(gallery)
    assert all(trace in before for trace in traces)


def test_forgetting_a_person_leaves_nothing(gallery: Gallery, traces: list[bytes]) -> None:
    view = gallery._view
    arrays = [array for segment in view.segments for array in (segment.bits, segment.vectors)]
    dying = [
        weakref.ref(segment)
        for segment in view.segments
        if any(owner is not None and owner.person_id == SECRET_PERSON for owner in segment.owners)
    ]
    assert dying
    if view.graph is not None and any(trace in pickle.dumps(view.graph._index) for trace in traces):
        dying.append(weakref.ref(view.graph))
    del view
    assert gallery.forget(SECRET_PERSON) == 2
    gc.collect()
    after = memory(gallery) + b"|".join(array.tobytes() for array in arrays)
    assert [trace for trace in traces if trace in after] == []
    assert [died() for died in dying] == [None] * len(dying)
    assert len(gallery) == 40


def test_forgetting_features_one_by_one_leaves_nothing(gallery: Gallery, traces: list[bytes]) -> None:
    assert gallery.forget_features([(SECRET_PERSON, SECRET_FEATURE)]) == 1
    assert gallery.forget_features([(SECRET_PERSON, SECRET_FEATURE + "-2")]) == 1
    after = memory(gallery)
    assert [trace for trace in traces if trace in after] == []


def test_replacing_a_feature_leaves_nothing_of_the_old(
    gallery: Gallery, traces: list[bytes], protector: Protector, unit: Callable[..., Float32]
) -> None:
    gallery.add(SECRET_PERSON, SECRET_FEATURE, protector.protect(unit(4)))
    gallery.add(SECRET_PERSON, SECRET_FEATURE + "-2", protector.protect(unit(5)))
    after = memory(gallery)
    assert [trace for trace in traces[2:] if trace in after] == []
    assert SECRET_PERSON.encode() in after


def test_nothing_comes_back_with_a_rebuild(gallery: Gallery, traces: list[bytes]) -> None:
    gallery.forget(SECRET_PERSON)
    gallery._rebuild_share = 0.0
    gallery.rebuild()
    assert gallery._view.rows == 40
    after = memory(gallery)
    assert [trace for trace in traces if trace in after] == []


def test_forgetting_during_a_rebuild_leaves_nothing_once_it_is_done(
    gallery: Gallery, traces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery._rebuild_share = -1.0  # due, whatever it holds
    build = Graph.build

    def build_while_somebody_is_forgotten(*args: Any) -> Graph:
        graph = build(*args)
        assert gallery.forget(SECRET_PERSON) == 2
        return graph

    monkeypatch.setattr(Graph, "build", build_while_somebody_is_forgotten)
    assert gallery.rebuild()
    after = memory(gallery)
    assert [trace for trace in traces if trace in after] == []
    assert len(gallery) == 40


def test_a_search_under_way_keeps_its_view_whole_until_it_ends(
    gallery: Gallery, traces: list[bytes], unit: Callable[..., Float32]
) -> None:
    view = gallery._view  # what a search takes first
    arrays = [array for segment in view.segments for array in (segment.bits, segment.vectors)]
    expected = search(view, unit(2), 2, exact=True)
    assert gallery.forget(SECRET_PERSON) == 2
    assert search(view, unit(2), 2, exact=True) == expected
    assert expected.candidates[0].person_id == SECRET_PERSON
    del view
    after = b"|".join(array.tobytes() for array in arrays)
    assert [trace for trace in traces if trace in after] == []
