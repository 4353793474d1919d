import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.audit.checks.images import Images
from streams.audit.files import Files
from streams.audit.finding import Finding
from streams.audit.reading import Seen
from streams.engine.brokers import EMBEDDED
from streams.wire.topics import CAMERA_FRAMES, RECOGNITIONS, RUNNING_LOG
from tests.streams.audit.made import NOW_MS, TOPICS, concluded, entry, facts, inspection, processed, shown

JPEG = cv2.imencode(".jpg", np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()
FILES = sum(spec.partitions for spec in TOPICS)
"""One lies in each partition's directory."""
BOUND_MS = 2 * 30_000 + 1_000 + 300_000 + 5_000


@pytest.fixture
def audited(directories: tuple[Path, ...]) -> Callable[..., Finding]:
    """With the files of a broker that holds nothing any more."""

    def audited(*stream: Seen, directories=directories, **said) -> Finding:
        given = {"positions": processed(3, 3)} | said
        return concluded(Images(facts(**given), Files(TOPICS, directories)), *stream)

    return audited


def logged(offset: int, accessed_at_ms: int) -> Seen:
    return shown(RUNNING_LOG, entry(offset, accessed_at_ms=accessed_at_ms))


def segment(directory: Path, topic: str, *records: tuple[int, bytes], name: str = "0.log") -> None:
    """A file as a broker writes it."""
    raw = b""
    for offset, value in records:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
        builder.append(0, timestamp=NOW_MS, key=b"k", value=value, headers=[])
        raw += offset.to_bytes(8, "big") + bytes(builder.build())[8:]
    path = directory / f"{TOPICS.name(topic)}-0"
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(raw)


def test_what_is_processed_and_deleted_is_held(audited) -> None:
    finding = audited(logged(0, NOW_MS - 86_400_000))
    assert (finding.verdict, finding.bound_s) == ("held", BOUND_MS / 1000)
    assert finding.evidence == (
        "3 requests of 1 partitions are processed; the broker still has 0 of them, held against"
        " the 6 min 6 s for which it may",
        "1 records of 1 output topics searched for pictures",
        f"{FILES} files of the brokers searched for pictures: 0 batches of the input topics hold some, each held"
        " against what is processed",
    )


def test_what_was_processed_a_moment_ago_may_be_there(audited) -> None:
    recent = [logged(offset, NOW_MS - 1_000) for offset in range(3)]
    assert audited(*recent, positions=processed(0, 3)).verdict == "held"


def test_what_was_processed_long_ago_and_is_there_is_broken(audited) -> None:
    stream = [logged(0, NOW_MS - 86_400_000), logged(1, NOW_MS - 86_400_000), logged(2, NOW_MS - 1_000)]
    finding = audited(*stream, positions=processed(0, 3))
    assert finding.breaches == ("processed 6 min 6 s ago or longer, and not deleted: camera-frames-0, offsets 0 to 1",)


def test_a_picture_in_an_output_topic_is_broken(audited) -> None:
    for value in (JPEG, b'{"thumbnail":"/9j/4AAQSkZJRgABAQAAAQABAAD"}'):
        assert audited(shown(RECOGNITIONS, value)).breaches == (
            "a picture in a record of an output topic: recognitions-0@0",
        )


def test_a_picture_in_a_header_or_key_is_broken(audited) -> None:
    assert audited(shown(RECOGNITIONS, b"{}", key=JPEG)).verdict == "broken"


def test_settings_that_keep_pictures_are_broken(audited) -> None:
    kept = inspection(camera_frames={"retention.ms": "-1"})
    assert audited(inspection=kept).verdict == "broken"


def test_a_broker_that_deletes_nothing_is_broken(audited) -> None:
    said = {"broker": EMBEDDED, "inspection": None, "why_no_inspection": "it tells no settings"}
    assert audited(positions=processed(0, 3), **said).verdict == "broken"


def test_without_positions_nothing_is_held(audited) -> None:
    assert audited(positions={}, why_no_positions="no right").verdict == "not_observable"


def test_before_the_first_frame_nothing_is_seen(audited) -> None:
    assert audited(positions=processed(0, 0)).verdict == "not_observable"


def test_an_unprocessed_picture_on_the_disks_is_held(audited, directories) -> None:
    segment(directories[0], CAMERA_FRAMES, (3, JPEG))
    finding = audited()
    assert finding.verdict == "held"
    assert finding.evidence[-1] == (
        f"{FILES + 1} files of the brokers searched for pictures: 1 batches of the input topics hold some,"
        " each held against what is processed"
    )


def test_a_processed_picture_stays_as_long_as_a_later_one_in_its_segment(audited, directories) -> None:
    segment(directories[0], CAMERA_FRAMES, (2, JPEG), (3, JPEG))
    assert audited().verdict == "held"


def test_a_processed_picture_on_the_disks_is_broken(audited, directories) -> None:
    segment(directories[0], CAMERA_FRAMES, (1, JPEG), (2, b""), name="0.log.deleted")
    assert audited().breaches == (f"processed pictures on the disks: {TOPICS.name(CAMERA_FRAMES)}-0/0.log.deleted",)


def test_a_picture_in_any_other_file_is_broken(audited, directories) -> None:
    segment(directories[0], RECOGNITIONS, (0, JPEG))
    (directories[0] / "core.1").write_bytes(bytes(100) + JPEG)
    assert len(audited().breaches) == 2


def test_without_the_files_nobody_can_say_that_the_bytes_are_gone(audited) -> None:
    finding = audited(logged(0, NOW_MS - 86_400_000), directories=())
    assert (finding.verdict, finding.breaches) == ("not_observable", ())
    assert "the brokers' files: none were named" in finding.unseen


def test_a_partition_that_lies_elsewhere_is_not_seen(audited, directories) -> None:
    shutil.rmtree(directories[0] / f"{TOPICS.name(CAMERA_FRAMES)}-1")
    finding = audited()
    assert finding.verdict == "not_observable"
    assert f"the brokers' files: the directories that were named hold none of 1 of {FILES} partitions" in finding.unseen


def test_further_copies_that_lie_elsewhere_are_named(audited, directories) -> None:
    finding = audited(inspection=inspection(copies=3))
    assert finding.verdict == "held"
    assert (
        f"the files of {2 * FILES} further copies of partitions: the directories that were named do not hold them"
        in finding.unseen
    )


def test_where_the_time_for_which_it_may_is_not_known_no_file_is_a_breach(audited, directories) -> None:
    segment(directories[0], CAMERA_FRAMES, (2, JPEG))
    finding = audited(inspection=None, why_no_inspection="no right")
    assert (finding.verdict, finding.breaches) == ("not_observable", ())


def test_a_directory_without_files_shows_nothing(audited, tmp_path: Path) -> None:
    assert audited(directories=(tmp_path,)).verdict == "not_observable"


def test_a_directory_of_something_else_shows_nothing(audited, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no broker's")
    (tmp_path / "another.main.recognitions-0").mkdir()
    (tmp_path / "another.main.recognitions-0" / "0.log").write_bytes(b"")
    assert audited(directories=(tmp_path,)).verdict == "not_observable"


def test_a_directory_that_was_left_behind_is_its_partitions(audited, directories) -> None:
    segment(directories[0], CAMERA_FRAMES, (3, JPEG))
    home = directories[0] / f"{TOPICS.name(CAMERA_FRAMES)}-0"
    home.rename(home.with_name(f"{home.name}.{'0a' * 16}-stray"))
    home.mkdir()
    (home / "0.log").write_bytes(b"")
    finding = audited()
    assert (finding.verdict, finding.breaches) == ("held", ())
    assert "1 batches of the input topics hold some" in finding.evidence[-1]


def test_what_is_found_is_not_denied_by_what_was_looked_at(audited) -> None:
    finding = audited(shown(RECOGNITIONS, JPEG))
    assert (finding.verdict, finding.evidence[1]) == ("broken", "1 records of 1 output topics searched for pictures")
