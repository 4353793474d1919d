from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from models.gallery.keys import KeyDirectory
from streams.audit.facts import Positions
from streams.wire.records import Receipt
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, GALLERY_COMMANDS, RUNNING_LOG, VISITS
from tests.streams.audit.deletions import UNDER_WAY, answer, erasure, standing, visits
from tests.streams.audit.made import EPOCH, NOW_MS, TOPICS, entry, gallery, key_record, shown

LONG_AGO_MS = NOW_MS - 86_400_000
EXPIRED = {"requested_at_ms": NOW_MS - 40 * 86_400_000, "updated_at_ms": NOW_MS - 40 * 86_400_000}
"""Of a deletion whose receipt has gone."""


@pytest.fixture
def audited(audited_deletion, keys, receipt: Receipt):
    """What is said once bob was deleted."""
    return lambda *stream, **said: audited_deletion(keys, erasure(keys), answer(receipt), *stream, **said)


def segment(directories: tuple[Path, ...], short: str, *records: tuple[bytes, bytes], at_ms: int = LONG_AGO_MS) -> str:
    """A file of partition 0 as a broker writes it, with these keys and values; the directory's name."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset, (key, value) in enumerate(records):
        builder.append(offset, timestamp=at_ms, key=key, value=value, headers=[])
    path = directories[0] / f"{TOPICS.name(short)}-0"
    (path / "0.log").write_bytes(bytes(builder.build()))
    return path.name


def test_what_stands_on_the_topic_may_lie_on_the_disks(audited, directories, keys: KeyDirectory) -> None:
    segment(directories, FACE_FEATURES, (key_record(keys)[0].key, b"sealed"), (FILLER_KEY, b""))
    finding = audited(standing=standing(keys, "ada"))
    assert finding.verdict == "held"
    assert finding.evidence[1] == (
        "1 values of face-features, 0 of visits and 0 commands lie on the disks, held against what stands, who was"
        " deleted, and when"
    )


def test_an_erased_value_on_the_disks_is_broken(audited, directories) -> None:
    place = segment(directories, FACE_FEATURES, (b"default/" + b"f" * 32, b"sealed"))
    assert audited().breaches == (f"an erased value on the disks: {place}@0",)


def batch(key: bytes, *, offset: int, producer: int = 7) -> bytes:
    """A sealed value in a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, 0, 1 << 20)
    builder.append(0, timestamp=LONG_AGO_MS, key=key, value=b"sealed", headers=[])
    return offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def mark(*, commit: bool, offset: int, producer: int = 7) -> bytes:
    """How a transaction ended, as a broker writes it: attributes transactional and control."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, -1, 1 << 20)
    builder.append(0, timestamp=LONG_AGO_MS, key=b"\0\0\0" + bytes([commit]), value=bytes(6), headers=[])
    raw = bytearray(builder.build())
    raw[:8], raw[22] = offset.to_bytes(8, "big"), raw[22] | 0x20
    return bytes(raw)


ABORT, COMMIT = mark(commit=False, offset=1), mark(commit=True, offset=1)


@pytest.mark.parametrize(
    ("rest", "verdict", "said"),
    [
        ([ABORT], "held", "whose 1 values of face-features are that lie on the disks and that no reader is shown"),
        ([ABORT, mark(commit=True, offset=2)], "held", "whose 1 values of face-features are"),
        ([COMMIT], "broken", ""),
        ([COMMIT, mark(commit=False, offset=2)], "broken", ""),
        ([], "not_observable", "whether 1 values of face-features that lie on the disks were erased, or taken back"),
        ([mark(commit=True, offset=1, producer=8)], "not_observable", "whether 1 values of face-features"),
    ],
    ids=["taken back", "before another", "committed", "committed before another", "no mark", "another's mark"],
)
def test_a_value_of_an_enrollment_that_was_taken_back_is_none_that_was_erased(
    audited, directories, rest: list[bytes], verdict: str, said: str
) -> None:
    path = directories[0] / f"{TOPICS.name(FACE_FEATURES)}-0"
    (path / f"{0:020}.log").write_bytes(batch(b"default/" + b"f" * 32, offset=0))
    (path / f"{1:020}.log").write_bytes(b"".join(rest))  # the mark may stand in the next segment
    finding = audited()
    erased = (f"an erased value on the disks: {path.name}@0",) if verdict == "broken" else ()
    assert (finding.verdict, finding.breaches) == (verdict, erased)
    assert not said or any(each.startswith(said) for each in finding.unseen)


def test_what_has_a_tombstone_was_erased_however_it_was_written(audited, directories, keys: KeyDirectory) -> None:
    key = key_record(keys, "ada")[0]
    path = directories[0] / f"{TOPICS.name(FACE_FEATURES)}-0"
    (path / "0.log").write_bytes(batch(key.key, offset=0) + ABORT)
    erased = gallery(keys, key, replace(shown(FACE_FEATURES, None, key=key.key), timestamp_ms=LONG_AGO_MS))
    assert audited(standing=erased).verdict == "broken"


@pytest.mark.parametrize(("end", "verdict"), [(1, "broken"), (0, "held")], ids=["before", "behind"])
@pytest.mark.parametrize("short", [FACE_FEATURES, VISITS])
def test_what_came_after_the_topics_were_read_is_nobodys_to_judge(
    audited, directories, short: str, end: int, verdict: str
) -> None:
    """Whoever was enrolled again while files are read stands nowhere that was read."""
    segment(directories, short, (b"default/" + b"f" * 32, visits("bob").value))
    assert audited(ends={(short, 0): end}).verdict == verdict


def test_where_the_end_is_not_known_a_records_time_says_that_it_is_later(audited, directories) -> None:
    segment(directories, VISITS, (b"lobby", visits("bob").value), at_ms=NOW_MS)
    assert audited().verdict == "held"


def test_what_was_erased_a_moment_ago_may_lie_there(audited, directories, keys: KeyDirectory) -> None:
    key = key_record(keys, "ada")[0]
    segment(directories, FACE_FEATURES, (key.key, b"sealed"))
    assert audited(standing=gallery(keys, key, shown(FACE_FEATURES, None, key=key.key))).verdict == "held"


def test_visits_on_the_disks_that_name_who_was_deleted_are_broken(audited, directories, keys: KeyDirectory) -> None:
    place = segment(directories, VISITS, (b"lobby", visits("ada").value), (b"lobby", visits("bob").value))
    assert audited().breaches == (f"visits on the disks name a person who was deleted: {place}@1",)
    assert audited(standing=standing(keys, "bob-again")).verdict == "broken"


@pytest.mark.parametrize("state", ["accepted", "confirmed"])
def test_visits_may_lie_there_as_long_as_the_deletion_is_under_way(
    audited, directories, keys: KeyDirectory, state: str
) -> None:
    segment(directories, VISITS, (b"lobby", visits("bob").value))
    again = erasure(keys, event_id=UNDER_WAY, state=state, in_sync_at_ms=NOW_MS)
    assert audited(again).verdict == "held"


def test_without_the_account_key_nobody_can_say_whom_visits_on_the_disks_name(
    audited, directories, keys: KeyDirectory
) -> None:
    segment(directories, VISITS, (b"lobby", visits("carol").value))
    unread = erasure(keys, event_id=UNDER_WAY, person="0" * 32, key_id="ak-revoked", **EXPIRED)
    finding = audited(unread)
    assert (finding.verdict, finding.breaches) == ("not_observable", ())


COMMANDS = {(GALLERY_COMMANDS, 0): Positions(2, 2, 2)}


def test_a_command_on_the_disks_that_names_who_was_deleted_is_broken(audited, directories) -> None:
    place = segment(directories, GALLERY_COMMANDS, (b"ada", b""), (b"bob", b""))
    finding = audited(positions=COMMANDS)
    assert finding.breaches == (f"a command on the disks names a person who was deleted: {place}@1",)


@pytest.mark.parametrize(
    "said",
    [
        {"positions": {(GALLERY_COMMANDS, 0): Positions(0, 2, 1)}},
        {"positions": COMMANDS, "answered_at_ms": NOW_MS - 1_000},
    ],
    ids=["the segment's last is not processed", "it was processed a moment ago"],
)
def test_a_command_may_lie_there_for_as_long_as_a_picture_may(audited, directories, said: dict[str, Any]) -> None:
    segment(directories, GALLERY_COMMANDS, (b"bob", b""), (b"carol", b""))
    at_ms = said.pop("answered_at_ms", LONG_AGO_MS)
    answered = entry(event_id=f"{EPOCH}-gallery-commands-0-1", request_interface="forget", accessed_at_ms=at_ms)
    assert audited(shown(RUNNING_LOG, answered, key=answered.event_id.encode()), **said).verdict == "held"


def test_without_the_files_nothing_is_held(audited) -> None:
    finding = audited(directories=())
    assert (finding.verdict, finding.breaches) == ("not_observable", ())
    assert "the brokers' files: none were named" in finding.unseen
