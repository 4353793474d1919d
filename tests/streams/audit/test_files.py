from pathlib import Path

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.audit.files import Files, Partition, taken_bytes
from streams.wire.topics import FACE_FEATURES, RECOGNITIONS
from tests.streams.audit.made import TOPICS


def batch(*values: bytes, control: bool = False) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, int(control), -1, -1, -1, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, timestamp=0, key=b"k", value=value, headers=[])
    return bytes(builder.build())


def directory(root: Path, topic: str) -> Path:
    path = root / f"{TOPICS.name(topic)}-1"
    path.mkdir(parents=True)
    return path


def test_a_file_is_its_partitions(tmp_path: Path) -> None:
    files = Files(TOPICS, (tmp_path,))
    assert files.partition(directory(tmp_path, FACE_FEATURES) / "0.log") == Partition(FACE_FEATURES, 1)
    assert files.partition(tmp_path / "other.main.face-features-1" / "0.log") is None
    assert files.partition(tmp_path / "meta.properties") is None


@pytest.mark.parametrize("ending", ["delete", "future", "stray"])
def test_a_directory_that_goes_moves_or_was_left_behind_is_its_partitions(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"{TOPICS.name(FACE_FEATURES)}-1.{'0a' * 16}-{ending}"
    path.mkdir()
    (path / "0.log").write_bytes(batch(b"a"))
    files = Files(TOPICS, (tmp_path,))
    assert files.partition(path / "0.log") == Partition(FACE_FEATURES, 1)
    assert list(files.segments(FACE_FEATURES)) == [path / "0.log"]
    assert list(files.sizes(FACE_FEATURES)) == [tmp_path]
    assert not files.copies(), "it is no copy that the partition has"


def test_copies_are_counted_by_the_directories_that_they_lie_in(tmp_path: Path) -> None:
    for home in (tmp_path / "one", tmp_path / "two"):
        (directory(home, FACE_FEATURES) / "0.log").write_bytes(batch(b"a"))
        (home / f"{TOPICS.name(FACE_FEATURES)}-1" / "0.index").write_bytes(b"")
    assert Files(TOPICS, (tmp_path,)).copies() == {(FACE_FEATURES, 1): 2}


def test_segments_are_read_batch_by_batch_and_those_that_go_as_well(tmp_path: Path) -> None:
    path = directory(tmp_path, FACE_FEATURES)
    for name in ("0.log", "9.log.deleted", "9.log.cleaned", "0.index"):
        (path / name).write_bytes(batch(b"a", b"b") + batch(b"c"))
    directory(tmp_path, RECOGNITIONS).joinpath("0.log").write_bytes(batch(b"d"))
    files = Files(TOPICS, (tmp_path,))
    found = [
        [record.value for each in files.batches(segment) for record in files.records(each)]
        for segment in files.segments(FACE_FEATURES)
    ]
    assert found == [[b"a", b"b", b"c"]] * 3


def test_a_file_that_is_being_written_ends_at_its_last_whole_batch(tmp_path: Path) -> None:
    path = directory(tmp_path, FACE_FEATURES) / "0.log"
    files = Files(TOPICS, (tmp_path,))
    for rest in (batch(b"b")[:-3], bytes(1000), b"\x00" * 8 + b"\x7f" * 4):
        path.write_bytes(batch(b"a") + rest)
        assert [record.value for each in files.batches(path) for record in files.records(each)] == [b"a"]


LONGER = b"\x00" * 8 + (1 << 20).to_bytes(4, "big") + bytes(100)
ENDLESS = b"\x00" * 8 + b"\x7f" * 4 + bytes(100)


@pytest.mark.parametrize("rest", [bytes(1000), ENDLESS, LONGER, b"\x00"], ids=["zeros", "endless", "longer", "a byte"])
def test_a_file_that_is_closed_and_ends_otherwise_is_noted(tmp_path: Path, rest: bytes) -> None:
    path = directory(tmp_path, FACE_FEATURES) / f"{0:020}.log"
    path.write_bytes(batch(b"a") + rest + batch(b"b"))
    (path.parent / f"{9:020}.log").write_bytes(batch(b"c"))
    files = Files(TOPICS, (tmp_path,))
    assert len(list(files.batches(path))) == 1
    assert files.unreadable == {f"{path}: what stands at byte {len(batch(b'a'))} is no batch"}


def test_one_that_the_cleaner_is_writing_may_end_anywhere(tmp_path: Path) -> None:
    path = directory(tmp_path, FACE_FEATURES) / f"{0:020}.log.cleaned"
    path.write_bytes(batch(b"a") + batch(b"b")[:-3])
    (path.parent / f"{9:020}.log").write_bytes(batch(b"c"))
    files = Files(TOPICS, (tmp_path,))
    assert (len(list(files.batches(path))), files.unreadable) == (1, set())


def test_a_file_that_is_gone_is_empty(tmp_path: Path) -> None:
    files = Files(TOPICS, (tmp_path,))
    assert list(files.batches(tmp_path / "0.log")) == []
    assert files.unreadable == set()


def test_one_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    files = Files(TOPICS, (tmp_path,))
    assert list(files.batches(tmp_path)) == []
    assert files.unreadable == {f"{tmp_path}: Is a directory"}


def test_a_batch_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    path = directory(tmp_path, FACE_FEATURES) / "0.log"
    whole = batch(b"a" * 100)
    path.write_bytes(whole[:70] + b"\xff" * (len(whole) - 70))
    files = Files(TOPICS, (tmp_path,))
    assert [record for each in files.batches(path) for record in files.records(each)] == []
    assert len(files.unreadable) == 1


def test_sizes_are_what_all_files_of_a_topic_take_and_a_hole_takes_nothing(tmp_path: Path) -> None:
    path = directory(tmp_path, FACE_FEATURES)
    (path / "0.log").write_bytes(b"x" * 100_000)
    with (path / "0.index").open("wb") as file:
        file.truncate(10_000_000)
    taken = taken_bytes(path / "0.log")
    assert 100_000 <= taken < 200_000
    assert Files(TOPICS, (tmp_path,)).sizes(FACE_FEATURES) == {tmp_path: taken}
    assert Files(TOPICS, (tmp_path,)).sizes(RECOGNITIONS) == {}
    assert taken_bytes(path / "gone") == 0
