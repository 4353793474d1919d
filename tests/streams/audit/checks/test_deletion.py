from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from msgspec import structs

from models.gallery.keys import KeyDirectory
from streams.agents.sealing import seal_person
from streams.audit.checks.deletion import Deletion
from streams.audit.files import Files
from streams.audit.finding import Finding
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.receipts import signed_bytes, with_signature
from streams.wire.records import Erasure, GalleryEvent, LoggedPerson, OpenVisit, OpenVisits, Receipt
from streams.wire.topics import ERASURES, FACE_FEATURES, GALLERY_EVENTS, RUNNING_LOG, VISITS
from tests.streams.audit.made import (
    EPOCH,
    NOW_MS,
    TOPICS,
    concluded,
    entry,
    facts,
    feature_record,
    gallery,
    inspection,
    key_record,
    shown,
)

FORGET = f"{EPOCH}-gallery-commands-1-5"


@pytest.fixture
def receipt(keys) -> Receipt:
    unsigned = Receipt(
        request_id="r-1",
        event_id=FORGET,
        account="main",
        region="eu",
        scope="person",
        gallery="default",
        person=keys.pseudonym("default", "bob"),
        requested_at_ms=NOW_MS - 40_000,
        completed_at_ms=NOW_MS - 10_000,
        persons=1,
        features=1,
        log_entries=0,
        workers=["w1"],
        silent=[],
        later={},
        bill=None,
        key_id=keys.signing_key_id,
        signature="",
    )
    return signed(keys, unsigned)


def signed(keys, receipt: Receipt) -> Receipt:
    return with_signature(receipt, keys.sign(signed_bytes(receipt))[1])


def answer(receipt: Receipt) -> Seen:
    event = GalleryEvent(
        event_id=receipt.event_id,
        request_id=receipt.request_id,
        account="main",
        region="eu",
        gallery="default",
        command="forget",
        accepted=True,
        code="forgotten",
        detail="",
        person=receipt.person,
        features=1,
        requested_at_ms=receipt.requested_at_ms,
        processed_at_ms=receipt.completed_at_ms,
        receipt=receipt,
    )
    return shown(GALLERY_EVENTS, event)


def erasure(keys, person_id: str = "bob", **fields) -> Seen:
    given = {
        "event_id": FORGET,
        "request_id": "r-1",
        "account": "main",
        "scope": "person",
        "gallery": "default",
        "person": keys.pseudonym("default", person_id),
        "state": "completed",
        "requested_at_ms": NOW_MS - 40_000,
        "updated_at_ms": NOW_MS - 10_000,
    }
    return shown(ERASURES, Erasure(**(given | fields)))


def audited(
    keys, *stream: Seen, standing: Gallery | None = None, directories: tuple[Path, ...] = (), **said
) -> Finding:
    check = Deletion(facts(keys, **said), Gallery(keys) if standing is None else standing, Files(TOPICS, directories))
    return concluded(check, *stream)


def standing(keys, person_id: str = "bob") -> Gallery:
    return gallery(keys, key_record(keys, person_id)[0], feature_record(keys))


def visits(person_id: str) -> Seen:
    visit = OpenVisit(
        visit_id="v-1",
        gallery="default",
        person_id=person_id,
        track_id=None,
        first_seen_ms=NOW_MS,
        last_seen_ms=NOW_MS,
        frames=1,
        best_similarity=None,
        stated_at_ms=NOW_MS,
    )
    stored = OpenVisits(camera_id="lobby", epoch=EPOCH, partition=0, offset=7, visits=[visit], transitions=[])
    return shown(VISITS, stored)


def test_a_deletion_with_a_receipt_of_whom_nothing_is_left_is_held(keys, receipt: Receipt) -> None:
    finding = audited(keys, erasure(keys), answer(receipt), standing=standing(keys, "ada"))
    assert finding.verdict == "held"
    assert finding.evidence == (
        "1 receipts read, 1 signatures verified",
        "1 deletions are complete, 0 under way; held against what they cover: 1 references with 1 features",
        "0 sealed parts of the running log open with the keys of those who are enrolled, 0 open with none",
    )
    assert finding.bound_s == 60 + 10 + (2 * 30 + 1 + 300 + 5) + 5


def test_whom_a_deletion_covers_and_who_stands_there_is_broken(keys, receipt: Receipt) -> None:
    finding = audited(keys, erasure(keys), answer(receipt), standing=standing(keys))
    assert finding.breaches[0].startswith("a person who was deleted stands on face-features: default/")


def test_who_was_enrolled_again_after_it_stays(keys, receipt: Receipt) -> None:
    late = replace(key_record(keys, "bob")[0], headers={"enrolled_by": f"{EPOCH}-gallery-commands-1-6"})
    assert audited(keys, erasure(keys), answer(receipt), standing=gallery(keys, late)).verdict == "held"


def test_a_gallery_that_was_deleted_and_is_not_empty_is_broken(keys, receipt: Receipt) -> None:
    of_gallery = erasure(keys, scope="gallery", person=None)
    assert audited(keys, of_gallery, answer(receipt), standing=standing(keys, "ada")).verdict == "broken"


UNDER_WAY = f"{EPOCH}-gallery-commands-1-9"


@pytest.mark.parametrize(
    ("scope", "gallery_name", "verdict"),
    [
        ("person", "default", "held"),
        ("gallery", "default", "held"),
        ("account", None, "held"),
        ("person", "vip", "broken"),
        ("gallery", "vip", "broken"),
    ],
)
def test_a_feature_without_a_key_is_broken_unless_somebody_sweeps_there(
    keys, receipt: Receipt, scope: str, gallery_name: str | None, verdict: str
) -> None:
    orphan = gallery(keys, feature_record(keys))
    assert audited(keys, erasure(keys), answer(receipt), standing=orphan).verdict == "broken"
    under_way = erasure(keys, event_id=UNDER_WAY, state="tombstoned", scope=scope, gallery=gallery_name)
    assert audited(keys, erasure(keys), under_way, answer(receipt), standing=orphan).verdict == verdict


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"state": "swept"}, "broken"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - 86_400_000}, "broken"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - 1_000}, "held"),
        ({"state": "confirmed", "in_sync_at_ms": None}, "not_observable"),
    ],
)
def test_a_deletion_that_takes_too_long_while_all_copies_are_in_sync_is_broken(
    keys, receipt: Receipt, fields, verdict: str
) -> None:
    old = erasure(keys, event_id=UNDER_WAY, requested_at_ms=NOW_MS - 86_400_000, **fields)
    assert audited(keys, erasure(keys), old, answer(receipt)).verdict == verdict


def test_visits_that_name_who_was_deleted_are_broken(keys, receipt: Receipt) -> None:
    finding = audited(keys, erasure(keys), answer(receipt), visits("bob"))
    assert finding.breaches == ("visits name a person who was deleted: visits-0@0",)
    meanwhile = erasure(keys, updated_at_ms=NOW_MS)
    assert audited(keys, meanwhile, answer(receipt), visits("bob")).verdict == "held"


def test_a_person_is_held_against_deletions_by_its_pseudonyms_once(
    keys, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(self: KeyDirectory, gallery_name: str, person_id: str) -> tuple[str, ...]:
        asked.append(person_id)
        return pseudonyms(self, gallery_name, person_id)

    pseudonyms = KeyDirectory.pseudonyms
    monkeypatch.setattr(KeyDirectory, "pseudonyms", counted)
    many = [erasure(keys, f"p{number}", event_id=f"{EPOCH}-gallery-commands-1-{number + 10}") for number in range(50)]
    audited(keys, erasure(keys), answer(receipt), *many, standing=standing(keys, "ada"))
    assert asked == ["ada"]


def test_a_receipt_that_is_missing_or_altered_is_broken(keys, receipt: Receipt) -> None:
    assert audited(keys, erasure(keys)).breaches == (f"a deletion without a receipt: {FORGET}",)
    altered = structs.replace(receipt, persons=2)
    assert audited(keys, erasure(keys), answer(altered)).verdict == "broken"


def test_what_a_silent_worker_holds_cannot_be_seen(keys, receipt: Receipt) -> None:
    silent = signed(keys, structs.replace(receipt, silent=["w2"]))
    finding = audited(keys, erasure(keys), answer(silent))
    assert finding.verdict == "not_observable"
    assert "what w2 still holds of what request r-1 deleted: it is silent" in finding.unseen
    long_ago = signed(keys, structs.replace(silent, completed_at_ms=NOW_MS - 2 * 86_400_000))
    assert audited(keys, erasure(keys), answer(long_ago)).verdict == "held"


def test_sealed_parts_are_counted_by_who_can_open_them(keys, receipt: Receipt) -> None:
    person = LoggedPerson(gallery="default", person_id="ada", results=[])
    sealed = [
        seal_person(key, person, event_id=entry().event_id, requested_at_ms=entry().requested_at_ms)
        for key in (b"k" * 32, b"x" * 32)
    ]
    log = shown(RUNNING_LOG, entry(persons=sealed))
    finding = audited(keys, erasure(keys), log, answer(receipt), standing=standing(keys, "ada"))
    assert finding.verdict == "held"
    assert finding.evidence[-1] == (
        "1 sealed parts of the running log open with the keys of those who are enrolled, 1 open with none"
    )


def test_an_altered_sealed_part_is_broken(keys, receipt: Receipt) -> None:
    person = LoggedPerson(gallery="default", person_id="ada", results=[])
    moved = seal_person(b"k" * 32, person, event_id="another", requested_at_ms=entry().requested_at_ms)
    log = shown(RUNNING_LOG, entry(persons=[moved]))
    assert audited(keys, erasure(keys), log, answer(receipt), standing=standing(keys, "ada")).verdict == "broken"


def test_settings_that_keep_the_erased_are_broken(keys, receipt: Receipt) -> None:
    kept = inspection(face_features={"max.compaction.lag.ms": str(2**63 - 1)})
    assert audited(keys, erasure(keys), answer(receipt), inspection=kept).verdict == "broken"


def test_before_the_first_deletion_nothing_is_seen(keys) -> None:
    assert audited(keys, standing=standing(keys)).verdict == "not_observable"


def test_without_keys_nobody_can_say_who_stands_there(keys, receipt: Receipt) -> None:
    assert audited(None, erasure(keys), answer(receipt)).verdict == "not_observable"


def on_disk(directory: Path, key: bytes, *, written_at_ms: int) -> tuple[Path, ...]:
    """A value under this key, in a segment of a broker's."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    builder.append(0, timestamp=written_at_ms, key=key, value=b"sealed", headers=[])
    path = directory / f"{TOPICS.name(FACE_FEATURES)}-0"
    path.mkdir()
    (path / "0.log").write_bytes(bytes(builder.build()))
    return (directory,)


LONG_AGO_MS = NOW_MS - 86_400_000


def test_what_stands_on_the_topic_may_lie_on_the_disks(keys, receipt: Receipt, tmp_path: Path) -> None:
    directories = on_disk(tmp_path, key_record(keys)[0].key, written_at_ms=LONG_AGO_MS)
    said = {"standing": standing(keys, "ada"), "directories": directories}
    finding = audited(keys, erasure(keys), answer(receipt), **said)
    assert finding.verdict == "held"
    assert finding.evidence[0] == "1 values of face-features lie on the disks, held against what stands and when"


def test_an_erased_value_on_the_disks_is_broken(keys, receipt: Receipt, tmp_path: Path) -> None:
    directories = on_disk(tmp_path, b"default/" + b"f" * 32, written_at_ms=LONG_AGO_MS)
    finding = audited(keys, erasure(keys), answer(receipt), directories=directories)
    assert finding.breaches == (f"an erased value on the disks: {TOPICS.name(FACE_FEATURES)}-0@0",)


def test_what_was_erased_a_moment_ago_may_lie_there(keys, receipt: Receipt, tmp_path: Path) -> None:
    key = key_record(keys, "ada")[0]
    gone = gallery(keys, key, shown(FACE_FEATURES, None, key=key.key))
    directories = on_disk(tmp_path, key.key, written_at_ms=LONG_AGO_MS)
    said = {"standing": gone, "directories": directories}
    assert audited(keys, erasure(keys), answer(receipt), **said).verdict == "held"
