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
