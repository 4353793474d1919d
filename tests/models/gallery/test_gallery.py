from collections.abc import Callable

import numpy as np
import pytest

from models.errors import GalleryError
from models.gallery.bits import Segment, packed
from models.gallery.gallery import Galleries, Gallery
from models.gallery.protect import Protector
from models.types import Float32, Searched

Make = Callable[..., Gallery]
Draw = Callable[..., Float32]


@pytest.fixture
def bits(protector: Protector, unit: Draw) -> Callable[[int], bytes]:
    """The string of `unit(seed)`."""
    return lambda seed: protector.protect(unit(seed))


def best(gallery: Gallery, probe: Float32, *, exact: bool = False) -> str:
    return gallery.search(probe, exact=exact).candidates[0].person_id


def test_who_is_known(make_gallery: Make, bits: Callable[[int], bytes]) -> None:
    gallery = make_gallery()
    for person, feature, seed in [("bob", "2", 1), ("ada", "1", 2), ("bob", "1", 3)]:
        gallery.add(person, feature, bits(seed))
    assert gallery.persons() == ("ada", "bob")
    assert gallery.features("bob") == ("1", "2")
    assert gallery.features("cyd") == ()
    assert "ada" in gallery
    assert "cyd" not in gallery
    assert len(gallery) == 3
    assert gallery.forget_features([("ada", "1")]) == 1
    assert gallery.persons() == ("bob",)
    assert "ada" not in gallery


def test_result_counts_persons_and_features(make_gallery: Make, bits: Callable[[int], bytes], unit: Draw) -> None:
    gallery = make_gallery()
    for person, feature, seed in [("bob", "2", 1), ("ada", "1", 2), ("bob", "1", 3)]:
        gallery.add(person, feature, bits(seed))
    result = gallery.search(unit(1))
    assert (result.persons, result.features) == (2, 3)


def test_revision_grows_with_each_change_and_with_nothing_else(
    make_gallery: Make, bits: Callable[[int], bytes], unit: Draw
) -> None:
    gallery = make_gallery(hnsw_from=1)
    seen = [gallery.revision]

    def grown() -> bool:
        seen.append(gallery.revision)
        return seen[-1] > seen[-2]

    gallery.add("ada", "1", bits(1))
    assert grown()
    gallery.add("ada", "1", bits(1))
    assert not grown()
    gallery.add("ada", "1", bits(2))
    assert grown()
    assert gallery.rebuild()
    gallery.search(unit(1))
    assert gallery.forget("bob") == 0
    assert gallery.forget_features([("ada", "2"), ("bob", "1")]) == 0
    assert not grown()
    gallery.forget("ada")
    assert grown()


def test_threshold_follows_the_number_of_features(make_gallery: Make, bits: Callable[[int], bytes]) -> None:
    gallery = make_gallery()
    assert round(gallery.threshold(), 3) == 0.356
    for seed in range(6):
        gallery.add("ada", str(seed), bits(seed))
    assert round(gallery.threshold(), 3) == 0.423
    assert make_gallery(false_positive_rate=0.001).threshold() > 0.43


@pytest.mark.parametrize("length", [0, 127, 129])
def test_refuses_strings_of_another_length(make_gallery: Make, length: int) -> None:
    with pytest.raises(GalleryError, match=f"1024 bits, found {8 * length}"):
        make_gallery().add("ada", "1", bytes(length))


@pytest.mark.parametrize(("person", "feature"), [("", "1"), ("ada", "")])
def test_refuses_empty_ids(make_gallery: Make, person: str, feature: str) -> None:
    with pytest.raises(GalleryError):
        make_gallery().add(person, feature, bytes(128))


@pytest.mark.parametrize("wrong", [{"hnsw_from": 0}, {"false_positive_rate": 2.0}])
def test_refuses_settings_that_make_no_sense(make_gallery: Make, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_gallery(**wrong)


def test_rebuild_only_when_it_is_due(make_gallery: Make, bits: Callable[[int], bytes], unit: Draw) -> None:
    gallery = make_gallery(hnsw_from=4, rebuild_share=0.5)
    assert not gallery.rebuild()
    for seed in range(3):
        gallery.add(f"p{seed}", "1", bits(seed))
    assert not gallery.rebuild()
    gallery.add("p3", "1", bits(3))
    assert gallery.rebuild()
    assert not gallery.rebuild()
    for seed in range(4, 8):
        gallery.add(f"p{seed}", "1", bits(seed))
    assert not gallery.rebuild()  # four of eight are outside the graph, not more than the share
    gallery.add("p8", "1", bits(8))
    assert gallery.rebuild()
    for seed in range(6):
        gallery.forget(f"p{seed}")
    assert gallery.search(unit(7)).searched is Searched.HNSW
    assert gallery.rebuild()  # three are too few for a graph
    assert gallery.search(unit(7)).searched is Searched.EXACT
    assert gallery._view.rows == 3


def test_all_can_be_forgotten_and_come_again(make_gallery: Make, bits: Callable[[int], bytes], unit: Draw) -> None:
    gallery = make_gallery(hnsw_from=1)
    for _ in range(2):
        gallery.add("ada", "1", bits(1))
        gallery.rebuild()
        assert best(gallery, unit(1)) == "ada"
        assert gallery.forget("ada") == 1
        assert gallery.search(unit(1)).candidates == ()
        gallery.rebuild()
        assert gallery.search(unit(1)).candidates == ()
    assert gallery._view.rows == 0


def test_many_features_go_in_one_change(make_gallery: Make, bits: Callable[[int], bytes]) -> None:
    gallery = make_gallery(hnsw_from=1)
    for number in range(20):
        gallery.add(f"p{number % 10}", f"f{number}", bits(number))
    gallery.rebuild()
    gone = [(f"p{number % 10}", f"f{number}") for number in range(15)]
    before = gallery.revision
    assert gallery.forget_features([*gone, gone[0], ("nobody", "f1"), ("p1", "f2")]) == 15
    assert gallery.revision == before + 1
    assert sorted(gallery.contents()[0]) == [(f"p{number % 10}", f"f{number}") for number in range(15, 20)]
    assert gallery.persons() == ("p5", "p6", "p7", "p8", "p9")
    assert gallery.forget_features([]) == 0
    assert gallery.revision == before + 1


def test_segments_fill_up_before_a_new_one_is_made(make_gallery: Make, protector: Protector, unit: Draw) -> None:
    gallery = make_gallery()
    embeddings = unit(5, 1030)
    for i, embedding in enumerate(embeddings):
        gallery.add(f"p{i}", "1", protector.protect(embedding))
    assert [len(segment.owners) for segment in gallery._view.segments] == [1024, 6]
    gallery.forget("p3")
    gallery.add("new", "1", protector.protect(embeddings[3]))
    assert [len(segment.owners) for segment in gallery._view.segments] == [1024, 6]
    assert best(gallery, embeddings[3]) == "new"
    assert best(gallery, embeddings[1029]) == "p1029"


@pytest.mark.parametrize("hnsw_from", [1, 1000], ids=["graph", "no graph"])
def test_what_changes_during_a_rebuild_is_not_lost(
    make_gallery: Make, bits: Callable[[int], bytes], unit: Draw, monkeypatch: pytest.MonkeyPatch, hnsw_from: int
) -> None:
    gallery = make_gallery(hnsw_from=hnsw_from)
    for seed in range(8):
        gallery.add(f"p{seed}", "1", bits(seed))
    gallery.forget("p0")

    def change() -> None:
        gallery.add("late", "1", bits(20))
        gallery.add("p1", "1", bits(21))  # replaced
        gallery.add("p2", "2", bits(22))
        gallery.forget("p3")
        gallery.forget("p4")
        gallery.add("p4", "1", bits(4))  # forgotten and the same once more

    def packed_and_then_changed(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        result = packed(segments)
        change()
        return result

    monkeypatch.setattr("models.gallery.gallery.packed", packed_and_then_changed)
    assert gallery.rebuild()
    revision = gallery.revision
    assert gallery.persons() == ("late", "p1", "p2", "p4", "p5", "p6", "p7")
    assert gallery.features("p2") == ("1", "2")
    assert len(gallery) == gallery._view.features == 8
    for exact in (False, True):
        for seed, person in [(20, "late"), (21, "p1"), (22, "p2"), (2, "p2"), (4, "p4"), (7, "p7")]:
            assert best(gallery, unit(seed), exact=exact) == person
        for seed in (0, 1, 3):
            assert gallery.search(unit(seed), exact=exact).candidates[0].similarity < 0.5
    assert gallery.forget("p2") == 2
    assert gallery.forget("late") == 1
    assert gallery.revision == revision + 2


def test_fill_is_as_adding_one_by_one(make_gallery: Make, protector: Protector, unit: Draw) -> None:
    embeddings = unit(6, 1500)
    rows = np.frombuffer(b"".join(protector.protect(e) for e in embeddings), np.uint8).reshape(1500, -1)
    ids = [(f"p{i // 2}", str(i % 2)) for i in range(1500)]
    gallery = make_gallery()
    gallery.fill(ids, rows)
    assert (len(gallery), len(gallery.persons()), gallery.features("p7")) == (1500, 750, ("0", "1"))
    for i in (0, 1023, 1024, 1499):
        assert best(gallery, embeddings[i]) == ids[i][0]
    contents = gallery.contents()
    assert contents[0] == ids
    np.testing.assert_array_equal(contents[1], rows)
    assert gallery.forget("p512") == 2
    assert len(gallery.contents()[0]) == len(gallery.contents()[1]) == 1498


def test_fill_refuses_a_gallery_in_use_and_features_named_twice(make_gallery: Make) -> None:
    gallery = make_gallery()
    with pytest.raises(GalleryError):
        gallery.fill([("ada", "1"), ("ada", "1")], np.zeros((2, 128), np.uint8))
    with pytest.raises(ValueError, match="bits_rows"):
        gallery.fill([("ada", "1")], np.zeros((2, 128), np.uint8))
    gallery.fill([("ada", "1")], np.zeros((1, 128), np.uint8))
    with pytest.raises(GalleryError):
        gallery.fill([("bob", "1")], np.zeros((1, 128), np.uint8))


def test_contents_of_an_empty_gallery(make_gallery: Make) -> None:
    ids, rows = make_gallery().contents()
    assert ids == []
    assert rows.shape == (0, 128)


def test_galleries_are_apart(make_gallery: Make, bits: Callable[[int], bytes], unit: Draw) -> None:
    galleries = Galleries(lambda: make_gallery(hnsw_from=1))
    assert galleries.names() == ("default",)
    assert galleries.get("vip").search(unit(1)).candidates == ()
    assert galleries.names() == ("default",)
    galleries.get("vip").add("ada", "1", bits(1))
    galleries.get("staff").add("bob", "1", bits(2))
    assert galleries.names() == ("default", "staff", "vip")
    assert galleries.get("vip") is galleries.get("vip")
    assert galleries.get() is galleries.get("default")
    assert best(galleries.get("vip"), unit(1)) == "ada"
    assert "ada" not in galleries.get()
    assert galleries.rebuild() == 2
    assert galleries.rebuild() == 0
