import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import SnapshotError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.gallery.seal import joined, open_bytes, seal_bytes
from models.gallery.snapshot import Sidecar, Snapshot, load, remove, save, sidecar_path
from models.types import Float32

KEY = bytes(range(32))
OFFSETS = {"features-0": 17, "features-1": 4}
SAVED_AT_MS = 1_000_000
SAVING = {"model_version": "sface", "source": "topic a", "offsets": OFFSETS, "saved_at_ms": SAVED_AT_MS}
LOADING = {
    "key": KEY,
    "model_version": "sface",
    "source": "topic a",
    "now_ms": SAVED_AT_MS + 500,
    "max_age_ms": 1000,
}


def galleries_of(protector: Protector) -> Galleries:
    return Galleries(lambda: Gallery(protector, impostor_mean=0.10, impostor_deviation=0.11, hnsw_from=4))


def filled(path: Path, galleries: Galleries) -> Snapshot:
    snapshot = load(path, protector=galleries.get().protector, **LOADING)
    snapshot.fill(galleries)
    return snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.snapshot"


@pytest.fixture
def known(protector: Protector, unit: Callable[..., Float32]) -> Galleries:
    """Five in the default gallery, one of them forgotten, and one in another."""
    galleries = galleries_of(protector)
    for i, embedding in enumerate(unit(1, 5)):
        galleries.get().add(f"p{i}", "1", protector.protect(embedding))
    galleries.rebuild()
    galleries.get().forget("p3")
    galleries.get("vip").add("ada", "1", protector.protect(unit(2)))
    return galleries


@pytest.fixture
def saved(known: Galleries, path: Path) -> Path:
    save(known, path, KEY, **SAVING, attachment=b"attached ada")
    return path


def test_comes_back_as_it_was(saved: Path, known: Galleries, protector: Protector, unit: Callable) -> None:
    galleries = galleries_of(protector)
    snapshot = filled(saved, galleries)
    features = {"default": 4, "vip": 1}
    assert snapshot.sidecar == Sidecar(1, 128, 1024, "tk-test", "sface", "topic a", features, OFFSETS, SAVED_AT_MS)
    assert snapshot.attachment == b"attached ada"
    assert galleries.names() == ("default", "vip")
    for name in galleries.names():
        ids, rows = known.get(name).contents()
        assert galleries.get(name).contents()[0] == ids
        np.testing.assert_array_equal(galleries.get(name).contents()[1], rows)
    for probe in (*unit(1, 5), unit(2)):
        for name in galleries.names():
            before, after = (g.get(name).search(probe, exact=True) for g in (known, galleries))
            assert [c.person_id for c in after.candidates] == [c.person_id for c in before.candidates]
            # the last digit of a matrix product depends on where a row stands
            similarities = [c.similarity for c in before.candidates]
            assert [c.similarity for c in after.candidates] == pytest.approx(similarities, abs=1e-6)
    assert galleries.rebuild() == 1


def test_an_empty_gallery_comes_back_empty(path: Path, protector: Protector) -> None:
    save(galleries_of(protector), path, KEY, **SAVING)
    galleries = galleries_of(protector)
    snapshot = filled(path, galleries)
    assert (snapshot.sidecar.features, snapshot.attachment) == ({"default": 0}, b"")
    assert len(galleries.get()) == 0


def test_the_sidecar_says_in_clear_what_it_is(saved: Path) -> None:
    assert json.loads(sidecar_path(saved).read_text()) == {
        "format": 1,
        "dimension": 128,
        "bits": 1024,
        "key_id": "tk-test",
        "model_version": "sface",
        "source": "topic a",
        "features": {"default": 4, "vip": 1},
        "offsets": OFFSETS,
        "saved_at_ms": SAVED_AT_MS,
    }


def test_files_are_the_owner_s_and_nothing_else_is_left(saved: Path) -> None:
    files = sorted(saved.parent.iterdir())
    assert [file.name for file in files] == ["gallery.snapshot", "gallery.snapshot.json"]
    assert {file.stat().st_mode & 0o7777 for file in files} == {0o600}


def test_no_id_bits_or_float_shows(saved: Path, protector: Protector, unit: Callable[..., Float32]) -> None:
    written = b"".join(file.read_bytes() for file in saved.parent.iterdir())
    string = protector.protect(unit(2))
    vector = protector.derive(np.frombuffer(string, np.uint8)[np.newaxis])
    for secret in (b"ada", string[:16], vector.tobytes()[:16], unit(2).tobytes()[:16]):
        assert secret not in written


def test_size_is_that_of_bits_and_ids(path: Path, protector: Protector) -> None:
    galleries = galleries_of(protector)
    rows = np.random.default_rng(1).integers(0, 256, (1000, 128), dtype=np.uint8)
    galleries.get().fill([(f"p{i:03}", "1") for i in range(1000)], rows)
    save(galleries, path, KEY, **SAVING)
    assert path.stat().st_size < 1000 * (128 + 12)


def test_a_newer_one_takes_its_place(saved: Path, known: Galleries, protector: Protector) -> None:
    known.get().forget("p1")
    save(known, saved, KEY, **(SAVING | {"saved_at_ms": SAVED_AT_MS + 1}))
    galleries = galleries_of(protector)
    filled(saved, galleries)
    assert galleries.get().persons() == ("p0", "p2", "p4")
    assert len(list(saved.parent.iterdir())) == 2


def rewrite_sidecar(saved: Path, **changes: object) -> None:
    file = sidecar_path(saved)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format: expected 1, found 2"),
        ({"dimension": 512}, "dimension: expected 128, found 512"),
        ({"bits": 512}, "bits: expected 1024, found 512"),
        ({"key_id": "tk-old"}, "key_id: expected tk-test, found tk-old"),
        ({"model_version": "arcface"}, "model_version: expected sface, found arcface"),
        ({"source": "topic b"}, "source: expected topic a, found topic b"),
        ({"features": {"default": 5, "vip": 1}}, "altered"),
        ({"offsets": {"features-0": 99}}, "altered"),
        ({"saved_at_ms": SAVED_AT_MS + 1}, "altered"),
        ({"more": 1}, "sidecar: "),
        ({"bits": "many"}, "sidecar: "),
    ],
)
def test_refuses_a_sidecar_that_does_not_agree(
    saved: Path, protector: Protector, changes: dict[str, object], reason: str
) -> None:
    rewrite_sidecar(saved, **changes)
    with pytest.raises(SnapshotError) as error:
        load(saved, protector=protector, **LOADING)
    assert error.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("loading", "reason"),
    [
        ({"key": bytes(32)}, "altered"),
        ({"model_version": "arcface"}, "model_version: expected arcface, found sface"),
        ({"source": "topic b"}, "source: expected topic b, found topic a"),
        ({"now_ms": SAVED_AT_MS + 1001}, "age: expected 0 to 1000 ms, found 1001 ms"),
        ({"now_ms": SAVED_AT_MS - 1}, "age: expected 0 to 1000 ms, found -1 ms"),
    ],
)
def test_refuses_another_reader(saved: Path, protector: Protector, loading: dict[str, object], reason: str) -> None:
    with pytest.raises(SnapshotError) as error:
        load(saved, protector=protector, **(LOADING | loading))
    assert error.value.reason.startswith(reason)


def test_refuses_a_number_of_features_that_the_sidecar_does_not_state(saved: Path, protector: Protector) -> None:
    body = open_bytes(KEY, saved.read_bytes(), joined(b"snapshot", sidecar_path(saved).read_bytes()))
    rewrite_sidecar(saved, features={"default": 5, "vip": 1})
    saved.write_bytes(seal_bytes(KEY, body, joined(b"snapshot", sidecar_path(saved).read_bytes())))
    with pytest.raises(SnapshotError, match=r"count: expected .*'default': 5.* found .*'default': 4"):
        load(saved, protector=protector, **LOADING)


def test_refuses_another_template_key(saved: Path) -> None:
    with pytest.raises(SnapshotError, match="key_id: expected tk-new, found tk-test"):
        load(saved, protector=Protector(TemplateKey("tk-new", bytes(32))), **LOADING)


@pytest.mark.parametrize("at", [0, 1, 13, 200, -1])
def test_refuses_altered_bytes(saved: Path, protector: Protector, at: int) -> None:
    content = bytearray(saved.read_bytes())
    content[at] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, protector=protector, **LOADING)


@pytest.mark.parametrize("length", [0, 1, 12, 100])
def test_refuses_a_truncated_one(saved: Path, protector: Protector, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, protector=protector, **LOADING)


def test_refuses_a_pair_of_two_savings(saved: Path, known: Galleries, protector: Protector) -> None:
    older = sidecar_path(saved).read_bytes()
    known.get().forget("p0")
    save(known, saved, KEY, **SAVING)
    sidecar_path(saved).write_bytes(older)  # as after a crash between the two renames
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, protector=protector, **LOADING)


@pytest.mark.parametrize("missing", ["gallery.snapshot", "gallery.snapshot.json"])
def test_refuses_half_a_pair(saved: Path, protector: Protector, missing: str) -> None:
    (saved.parent / missing).unlink()
    with pytest.raises(SnapshotError, match=f"{missing}: No such file"):
        load(saved, protector=protector, **LOADING)


def test_does_not_fill_what_knows_somebody(saved: Path, known: Galleries) -> None:
    with pytest.raises(SnapshotError, match="empty galleries"):
        filled(saved, known)
    assert len(known.get()) == 4


def test_a_failed_saving_leaves_the_older_one(saved: Path, known: Galleries, protector: Protector) -> None:
    (saved.parent / ".gallery.snapshot.new").mkdir()
    with pytest.raises(OSError, match="new"):
        save(known, saved, KEY, **(SAVING | {"offsets": {}}))
    assert load(saved, protector=protector, **LOADING).sidecar.offsets == OFFSETS


def test_removing_leaves_nothing_of_it(saved: Path) -> None:
    (saved.parent / ".gallery.snapshot.new").write_bytes(b"of a saving that was killed")
    other = saved.parent / "lock"
    other.touch()
    remove(saved)
    remove(saved)
    assert list(saved.parent.iterdir()) == [other]
