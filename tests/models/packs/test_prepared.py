import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from models.errors import PackError
from models.packs import prepared
from models.packs.prepared import prepared_file, read_network


def mark(model: ModelProto) -> ModelProto:
    model.doc_string = "prepared"
    return model


@pytest.fixture
def source(tmp_path: Path) -> Path:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "tiny", values[:1], values[1:])
    file = tmp_path / "tiny.onnx"
    onnx.save(helper.make_model(graph), file)
    return file


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "not there yet"


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def unused(model: ModelProto) -> ModelProto:
    raise AssertionError("prepared again")


def test_a_network_is_prepared_once(source: Path, cache_dir: Path) -> None:
    first = prepared_file(source, digest(source), mark, cache_dir)
    again = prepared_file(source, digest(source), unused, cache_dir)
    assert first == again
    assert onnx.load(first).doc_string == "prepared"
    assert list(cache_dir.iterdir()) == [first]


def test_the_cached_file_bears_its_checksums(source: Path, cache_dir: Path) -> None:
    file = prepared_file(source, digest(source), mark, cache_dir)
    version = prepared.PREPARATION_VERSION
    assert file.name == f"tiny-{digest(source)[:12]}-v{version}-{digest(file)}.onnx"


def test_another_version_of_the_preparation_does_not_use_it(
    source: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared_file(source, digest(source), mark, cache_dir)
    monkeypatch.setattr(prepared, "PREPARATION_VERSION", 999)
    second = prepared_file(source, digest(source), mark, cache_dir)
    assert first != second


def test_an_altered_source_is_refused_with_both_checksums(source: Path, cache_dir: Path) -> None:
    expected = digest(source)
    source.write_bytes(source.read_bytes() + b"\0")
    with pytest.raises(PackError) as caught:
        prepared_file(source, expected, unused, cache_dir)
    assert str(caught.value) == (
        f"{source}: expected SHA-256 {expected}, found {digest(source)}; reinstall the package that it belongs to"
    )


def test_an_altered_cache_is_refused_with_both_checksums(source: Path, cache_dir: Path) -> None:
    file = prepared_file(source, digest(source), mark, cache_dir)
    expected = digest(file)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(PackError) as caught:
        prepared_file(source, digest(source), unused, cache_dir)
    assert str(caught.value) == (
        f"{file}: expected SHA-256 {expected}, found {digest(file)}; delete it, and it is made anew"
    )


def test_a_missing_source_is_named(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(PackError, match=r"gone\.onnx: a model file is expected here"):
        prepared_file(tmp_path / "gone.onnx", "0" * 64, unused, cache_dir)


def test_a_cache_that_cannot_be_written_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackError, match="cannot keep a prepared network here"):
        prepared_file(source, digest(source), mark, tmp_path / "file")


def test_many_may_prepare_at_once(source: Path, cache_dir: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        files = list(threads.map(lambda _: prepared_file(source, digest(source), mark, cache_dir), range(32)))
    assert set(files) == set(cache_dir.iterdir())
    assert len(set(files)) == 1


def test_what_an_interrupted_preparation_left_is_not_used(source: Path, cache_dir: Path) -> None:
    cache_dir.mkdir(parents=True)
    version = prepared.PREPARATION_VERSION
    (cache_dir / f"tiny-{digest(source)[:12]}-v{version}-abc.unfinished").write_bytes(b"half")
    assert onnx.load(prepared_file(source, digest(source), mark, cache_dir)).doc_string == "prepared"


def test_a_failed_preparation_leaves_nothing(source: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.packs.prepared.os.fsync", disk_full)
    with pytest.raises(PackError, match="No space left on device"):
        prepared_file(source, digest(source), mark, cache_dir)
    assert list(cache_dir.iterdir()) == []


def test_bytes_that_are_no_network_are_named(tmp_path: Path) -> None:
    file = tmp_path / "page.onnx"
    file.write_bytes(b"<html>not found</html>")
    with pytest.raises(PackError, match=r"page\.onnx: not an ONNX network"):
        read_network(file)
