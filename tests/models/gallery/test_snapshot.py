import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import SnapshotError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.gallery.snapshot import Sidecar, load, save, sidecar_path
from models.types import Float32

KEY = bytes(range(32))
OFFSETS = {"features-0": 17, "features-1": 4}
SAVED_AT_MS = 1_000_000
LOADING = {"key": KEY, "model_version": "sface", "now_ms": SAVED_AT_MS + 500, "max_age_ms": 1000}


def galleries_of(protector: Protector) -> Galleries:
    return Galleries(lambda: Gallery(protector, impostor_mean=0.10, impostor_deviation=0.11, hnsw_from=4))


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
    save(known, path, KEY, model_version="sface", offsets=OFFSETS, saved_at_ms=SAVED_AT_MS)
    return path


def test_comes_back_as_it_was(saved: Path, known: Galleries, protector: Protector, unit: Callable) -> None:
    galleries = galleries_of(protector)
    sidecar = load(saved, into=galleries, **LOADING)
    assert sidecar == Sidecar(1, 128, 1024, "tk-test", "sface", {"default": 4, "vip": 1}, OFFSETS, SAVED_AT_MS)
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
    save(galleries_of(protector), path, KEY, model_version="sface", offsets={}, saved_at_ms=SAVED_AT_MS)
    galleries = galleries_of(protector)
    assert load(path, into=galleries, **LOADING).features == {"default": 0}
    assert len(galleries.get()) == 0


def test_the_sidecar_says_in_clear_what_it_is(saved: Path) -> None:
    assert json.loads(sidecar_path(saved).read_text()) == {
        "format": 1,
        "dimension": 128,
        "bits": 1024,
        "key_id": "tk-test",
        "model_version": "sface",
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
    save(galleries, path, KEY, model_version="sface", offsets={}, saved_at_ms=SAVED_AT_MS)
    assert path.stat().st_size < 1000 * (128 + 12)


def test_a_newer_one_takes_its_place(saved: Path, known: Galleries, protector: Protector) -> None:
    known.get().forget("p1")
    save(known, saved, KEY, model_version="sface", offsets=OFFSETS, saved_at_ms=SAVED_AT_MS + 1)
    galleries = galleries_of(protector)
    load(saved, into=galleries, **LOADING)
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
    galleries = galleries_of(protector)
    with pytest.raises(SnapshotError) as error:
        load(saved, into=galleries, **LOADING)
    assert error.value.reason.startswith(reason)
    assert galleries.names() == ("default",)
    assert len(galleries.get()) == 0


@pytest.mark.parametrize(
    ("loading", "reason"),
    [
        ({"key": bytes(32)}, "altered"),
        ({"model_version": "arcface"}, "model_version: expected arcface, found sface"),
        ({"now_ms": SAVED_AT_MS + 1001}, "age: expected 0 to 1000 ms, found 1001 ms"),
        ({"now_ms": SAVED_AT_MS - 1}, "age: expected 0 to 1000 ms, found -1 ms"),
    ],
)
def test_refuses_another_reader(saved: Path, protector: Protector, loading: dict[str, object], reason: str) -> None:
    with pytest.raises(SnapshotError) as error:
        load(saved, into=galleries_of(protector), **(LOADING | loading))
    assert error.value.reason.startswith(reason)


def test_refuses_another_template_key(saved: Path) -> None:
    galleries = galleries_of(Protector(TemplateKey("tk-new", bytes(32))))
    with pytest.raises(SnapshotError, match="key_id: expected tk-new, found tk-test"):
        load(saved, into=galleries, **LOADING)


@pytest.mark.parametrize("at", [0, 1, 13, 200, -1])
def test_refuses_altered_bytes(saved: Path, protector: Protector, at: int) -> None:
    content = bytearray(saved.read_bytes())
    content[at] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, into=galleries_of(protector), **LOADING)


@pytest.mark.parametrize("length", [0, 1, 12, 100])
def test_refuses_a_truncated_one(saved: Path, protector: Protector, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, into=galleries_of(protector), **LOADING)


def test_refuses_a_pair_of_two_savings(saved: Path, known: Galleries, protector: Protector) -> None:
    older = sidecar_path(saved).read_bytes()
    known.get().forget("p0")
    save(known, saved, KEY, model_version="sface", offsets=OFFSETS, saved_at_ms=SAVED_AT_MS)
    sidecar_path(saved).write_bytes(older)  # as after a crash between the two renames
    with pytest.raises(SnapshotError, match="altered"):
        load(saved, into=galleries_of(protector), **LOADING)


@pytest.mark.parametrize("missing", ["gallery.snapshot", "gallery.snapshot.json"])
def test_refuses_half_a_pair(saved: Path, protector: Protector, missing: str) -> None:
    (saved.parent / missing).unlink()
    with pytest.raises(SnapshotError, match=f"{missing}: No such file"):
        load(saved, into=galleries_of(protector), **LOADING)


def test_refuses_to_load_over_what_is_known(saved: Path, known: Galleries) -> None:
    with pytest.raises(SnapshotError, match="empty galleries"):
        load(saved, into=known, **LOADING)
    assert len(known.get()) == 4


def test_a_failed_saving_leaves_the_older_one(saved: Path, known: Galleries, protector: Protector) -> None:
    (saved.parent / ".gallery.snapshot.new").mkdir()
    with pytest.raises(OSError, match="new"):
        save(known, saved, KEY, model_version="sface", offsets={}, saved_at_ms=SAVED_AT_MS)
    galleries = galleries_of(protector)
    assert load(saved, into=galleries, **LOADING).offsets == OFFSETS
