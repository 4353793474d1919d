"""The contract of a gallery's search, held by a slow fake and by the real one, with and without its HNSW."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from models.gallery.gallery import Gallery
from models.gallery.protect import Protector
from models.types import Candidate, Float32, Searched, SearchResult

Draw = Callable[..., Float32]


class BruteForceGallery:
    """Keeps every string, and compares a probe with one after the other."""

    def __init__(self, protector: Protector) -> None:
        self._protector = protector
        self._strings: dict[tuple[str, str], bytes] = {}

    def __len__(self) -> int:
        return len(self._strings)

    def add(self, person_id: str, feature_id: str, bits: bytes) -> None:
        self._strings[person_id, feature_id] = bits

    def forget(self, person_id: str) -> int:
        doomed = [key for key in self._strings if key[0] == person_id]
        for key in doomed:
            del self._strings[key]
        return len(doomed)

    def forget_features(self, features: Iterable[tuple[str, str]]) -> int:
        return sum(self._strings.pop(each, None) is not None for each in features)

    def rebuild(self) -> bool:
        return False

    def search(self, probe: Float32, *, k: int = 2, exact: bool = False) -> SearchResult:
        best: dict[str, float] = {}
        for (person_id, _), bits in self._strings.items():
            vector = self._protector.derive(np.frombuffer(bits, np.uint8)[np.newaxis])[0]
            best[person_id] = max(best.get(person_id, -1.0), min(1.0, float(vector @ probe)))
        ranked = sorted(best.items(), key=lambda item: -item[1])[:k]
        candidates = tuple(Candidate(person, similarity) for person, similarity in ranked)
        return SearchResult(candidates, Searched.EXACT, persons=len(best), features=len(self._strings))


Searchable = BruteForceGallery | Gallery


@pytest.fixture(params=["fake", "scan", "hnsw", "hnsw, nothing in the delta"])
def gallery(request: pytest.FixtureRequest, protector: Protector, make_gallery: Callable[..., Gallery]) -> Searchable:
    if request.param == "fake":
        return BruteForceGallery(protector)
    if request.param == "scan":
        return make_gallery()
    return make_gallery(hnsw_from=1, rebuild_share=0.3 if request.param == "hnsw" else 0.0)


@pytest.fixture
def add(gallery: Searchable, protector: Protector) -> Callable[[str, str, Float32], None]:
    def call(person_id: str, feature_id: str, embedding: Float32) -> None:
        gallery.add(person_id, feature_id, protector.protect(embedding))
        gallery.rebuild()

    return call


@pytest.fixture(params=[False, True], ids=["quick", "exact"])
def find(request: pytest.FixtureRequest, gallery: Searchable) -> Iterator[Callable[..., list[str]]]:
    """Searches, and returns the persons' ids."""

    def call(probe: Float32, k: int = 2) -> list[str]:
        result = gallery.search(probe, k=k, exact=request.param)
        similarities = [candidate.similarity for candidate in result.candidates]
        assert similarities == sorted(similarities, reverse=True)
        assert all(-1 <= similarity <= 1 for similarity in similarities)
        assert result.features == len(gallery)
        if request.param:
            assert result.searched is Searched.EXACT
        return [candidate.person_id for candidate in result.candidates]

    return call


def test_an_empty_gallery_answers_nobody(gallery: Searchable, find: Callable[..., list[str]], unit: Draw) -> None:
    assert find(unit(1)) == []
    assert gallery.search(unit(1)) == SearchResult((), Searched.EXACT, persons=0, features=0)


def test_fewer_persons_than_asked_for(add: Callable[..., None], find: Callable[..., list[str]], unit: Draw) -> None:
    add("ada", "1", unit(1))
    assert find(unit(1), k=5) == ["ada"]
    assert find(-unit(1), k=5) == ["ada"]


def test_best_first_and_each_person_once(
    add: Callable[..., None], find: Callable[..., list[str]], unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    for seed, (person, cosine) in enumerate([("bob", 0.5), ("ada", 0.8), ("cyd", 0.2), ("ada", 0.1), ("bob", 0.4)]):
        add(person, str(seed), near(probe, cosine, seed + 10))
    assert find(probe, k=2) == ["ada", "bob"]
    assert find(probe, k=3) == ["ada", "bob", "cyd"]


def test_one_person_owns_the_top_hundred(
    add: Callable[..., None], find: Callable[..., list[str]], unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    add("cyd", "1", near(probe, -0.1, 1))
    add("bob", "1", near(probe, 0.3, 2))
    for seed in range(100):
        add("ada", str(seed), near(probe, 0.8, seed + 10))
    assert find(probe, k=2) == ["ada", "bob"]
    assert find(probe, k=3) == ["ada", "bob", "cyd"]
    add("dan", "1", near(probe, 0.1, 3))
    assert find(probe, k=3) == ["ada", "bob", "dan"]


def test_persons_below_zero_are_found_after_others_were_forgotten(
    gallery: Searchable, add: Callable[..., None], find: Callable[..., list[str]], unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    for seed in range(10):
        add("gone", str(seed), near(probe, 0.1, seed + 10))
    add("ada", "1", near(probe, -0.5, 1))
    add("bob", "1", near(probe, -0.8, 2))
    assert gallery.forget("gone") == 10
    assert find(probe) == ["ada", "bob"]


def test_estimates_the_cosine(gallery: Searchable, add: Callable[..., None], unit: Draw, near: Draw) -> None:
    add("ada", "1", near(unit(1), 0.6, 1))
    assert gallery.search(unit(1)).candidates[0].similarity == pytest.approx(0.6, abs=0.08)


def test_a_feature_of_the_same_id_is_replaced(
    gallery: Searchable, add: Callable[..., None], find: Callable[..., list[str]], unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    add("bob", "1", near(probe, 0.5, 1))
    add("ada", "1", near(probe, 0.9, 2))
    assert find(probe) == ["ada", "bob"]
    add("ada", "1", near(probe, 0.1, 3))
    assert find(probe) == ["bob", "ada"]
    assert len(gallery) == 2


def test_forgetting(
    gallery: Searchable, add: Callable[..., None], find: Callable[..., list[str]], unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    for seed, (person, cosine) in enumerate([("ada", 0.9), ("ada", 0.8), ("bob", 0.6), ("cyd", 0.3)]):
        add(person, str(seed), near(probe, cosine, seed + 10))
    assert gallery.forget_features([("ada", "0")]) == 1
    assert gallery.forget_features([("ada", "0")]) == 0
    assert find(probe) == ["ada", "bob"]
    assert gallery.forget("ada") == 1
    assert gallery.forget("ada") == 0
    assert find(probe) == ["bob", "cyd"]
    add("ada", "9", near(probe, 0.7, 20))
    assert find(probe) == ["ada", "bob"]


def test_the_hnsw_says_that_it_answered(make_gallery: Callable[..., Gallery], protector: Protector, unit: Draw) -> None:
    gallery = make_gallery(hnsw_from=3)
    for seed in range(3):
        gallery.add(f"person-{seed}", "1", protector.protect(unit(seed)))
        assert gallery.search(unit(seed)).searched is Searched.EXACT
    assert gallery.rebuild()
    assert gallery.search(unit(1)).searched is Searched.HNSW
    assert gallery.search(unit(1), exact=True).searched is Searched.EXACT


def test_a_delta_below_the_graph_s_horizon_does_not_displace_what_the_graph_holds(
    make_gallery: Callable[..., Gallery], protector: Protector, unit: Draw, near: Draw
) -> None:
    probe = unit(1)
    gallery = make_gallery(hnsw_from=1, rebuild_share=0.5)
    for seed in range(70):  # more than is fetched at first
        gallery.add("ada", str(seed), protector.protect(near(probe, 0.8, seed + 10)))
    gallery.add("bob", "1", protector.protect(near(probe, 0.5, 2)))
    gallery.rebuild()
    gallery.add("cyd", "1", protector.protect(near(probe, 0.1, 3)))
    assert [candidate.person_id for candidate in gallery.search(probe).candidates] == ["ada", "bob"]


@pytest.mark.parametrize("probe", [np.ones(127, np.float32), np.ones(128), np.full(128, np.nan, np.float32)])
def test_refuses_what_is_no_probe(make_gallery: Callable[..., Gallery], probe: Float32) -> None:
    with pytest.raises(ValueError, match="probe"):
        make_gallery().search(probe)


def test_refuses_to_search_for_nobody(make_gallery: Callable[..., Gallery], unit: Draw) -> None:
    with pytest.raises(ValueError, match="at least one person"):
        make_gallery().search(unit(1), k=0)
