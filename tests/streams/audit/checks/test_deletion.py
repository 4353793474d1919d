from dataclasses import replace
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.agents.sealing import seal_person
from streams.audit.reading import Seen
from streams.engine.brokers import EMBEDDED
from streams.engine.topics.inspection import Inspection
from streams.wire.records import LoggedPerson, Receipt
from streams.wire.topics import RUNNING_LOG
from tests.streams.audit.deletions import UNDER_WAY, answer, erasure, standing, visits
from tests.streams.audit.made import EPOCH, NOW_MS, entry, feature_record, gallery, inspection, key_record, shown


def test_a_deletion_with_a_receipt_of_whom_nothing_is_left_is_held(audited_deletion, keys, receipt: Receipt) -> None:
    finding = audited_deletion(keys, erasure(keys), answer(receipt), standing=standing(keys, "ada"))
    assert finding.verdict == "held"
    assert finding.evidence == (
        "of 1 deletions of the last 29 d the longest took 30 s",
        "0 values of face-features, 0 of visits and 0 commands lie on the disks, held against what stands, who was"
        " deleted, and when",
        "1 receipts read, 1 signatures verified",
        "1 deletions are complete, 0 under way; held against what they cover: 1 references with 1 features",
        "0 sealed parts of the running log open with the keys of those who are enrolled, 0 open with none",
    )
    assert finding.bound_s == 60 + 10 + (2 * 30 + 1 + 300 + 5) + 5


def test_whom_a_deletion_covers_and_who_stands_there_is_broken(audited_deletion, keys, receipt: Receipt) -> None:
    finding = audited_deletion(keys, erasure(keys), answer(receipt), standing=standing(keys))
    assert finding.breaches[0].startswith("a person who was deleted stands on face-features: default/")


def test_who_was_enrolled_again_after_it_stays(audited_deletion, keys, receipt: Receipt) -> None:
    late = replace(key_record(keys, "bob")[0], headers={"enrolled_by": f"{EPOCH}-gallery-commands-1-6"})
    assert audited_deletion(keys, erasure(keys), answer(receipt), standing=gallery(keys, late)).verdict == "held"


def test_a_gallery_that_was_deleted_and_is_not_empty_is_broken(audited_deletion, keys, receipt: Receipt) -> None:
    of_gallery = erasure(keys, scope="gallery", person=None)
    assert audited_deletion(keys, of_gallery, answer(receipt), standing=standing(keys, "ada")).verdict == "broken"


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
    audited_deletion, keys, receipt: Receipt, scope: str, gallery_name: str | None, verdict: str
) -> None:
    orphan = gallery(keys, feature_record(keys))
    assert audited_deletion(keys, erasure(keys), answer(receipt), standing=orphan).verdict == "broken"
    under_way = erasure(keys, event_id=UNDER_WAY, state="tombstoned", scope=scope, gallery=gallery_name)
    assert audited_deletion(keys, erasure(keys), under_way, answer(receipt), standing=orphan).verdict == verdict


@pytest.mark.parametrize(
    "said",
    [
        {"inspection": None, "why_no_inspection": "no right"},
        {"broker": EMBEDDED},
        {"inspection": Inspection((), None)},
    ],
    ids=["no right", "nothing is compacted", "no settings are told"],
)
def test_without_settings_nobody_can_say_that_what_is_erased_goes(
    audited_deletion, keys, receipt: Receipt, said
) -> None:
    finding = audited_deletion(keys, erasure(keys), answer(receipt), **said)
    assert (finding.verdict, finding.breaches) == ("not_observable", ())


def unread(keys: KeyDirectory, **fields) -> Seen:
    """A deletion whose account key is not in the directory."""
    return erasure(keys, person="0" * 32, key_id="ak-revoked", **fields)


def test_whom_a_deletion_under_a_key_that_is_not_there_covers_cannot_be_said(
    audited_deletion, keys, receipt: Receipt
) -> None:
    for may_be_left in ({"standing": standing(keys)}, {"stream": [visits("bob")]}):
        stream = may_be_left.pop("stream", [])
        finding = audited_deletion(keys, unread(keys), answer(receipt), *stream, **may_be_left)
        assert (finding.verdict, finding.breaches) == ("not_observable", ())
    assert audited_deletion(keys, unread(keys), answer(receipt)).verdict == "held", "nothing stands that it could cover"
    assert audited_deletion(keys, unread(keys, gallery="vip"), answer(receipt), visits("bob")).verdict == "held"


def test_a_reference_that_does_not_open_is_perhaps_a_deleted_persons(
    audited_deletion, keys, receipt: Receipt, tmp_path: Path
) -> None:
    closed = gallery(keys, key_record(KeyDirectory.create(tmp_path / "theirs"))[0])
    assert audited_deletion(keys, erasure(keys), answer(receipt), standing=closed).verdict == "not_observable"
    named = audited_deletion(keys, erasure(keys), answer(receipt), visits("bob"), standing=closed)
    assert (named.verdict, named.breaches) == ("not_observable", ())


def test_a_deletion_in_all_galleries_covers_who_stands_in_one(audited_deletion, keys, receipt: Receipt) -> None:
    everywhere = erasure(keys, gallery=None, person=keys.pseudonym(None, "bob"))
    assert audited_deletion(keys, everywhere, answer(receipt), standing=standing(keys)).verdict == "broken"
    assert audited_deletion(keys, everywhere, answer(receipt), standing=standing(keys, "ada")).verdict == "held"
    assert audited_deletion(keys, everywhere, answer(receipt), visits("bob")).verdict == "broken"


def test_who_is_deleted_once_more_may_be_named_until_that_is_complete(audited_deletion, keys, receipt: Receipt) -> None:
    again = erasure(keys, event_id=UNDER_WAY, state="tombstoned")
    assert audited_deletion(keys, erasure(keys), again, answer(receipt), visits("bob")).verdict == "held"


def test_visits_that_name_who_was_deleted_are_broken(audited_deletion, keys, receipt: Receipt) -> None:
    finding = audited_deletion(keys, erasure(keys), answer(receipt), visits("bob"))
    assert finding.breaches == ("visits name a person who was deleted: visits-0@0",)
    meanwhile = erasure(keys, updated_at_ms=NOW_MS)
    assert audited_deletion(keys, meanwhile, answer(receipt), visits("bob")).verdict == "held"


def test_a_person_is_held_against_deletions_by_its_pseudonyms_once(
    audited_deletion, keys, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(self: KeyDirectory, gallery_name: str, person_id: str) -> tuple[str, ...]:
        asked.append(person_id)
        return pseudonyms(self, gallery_name, person_id)

    pseudonyms = KeyDirectory.pseudonyms
    monkeypatch.setattr(KeyDirectory, "pseudonyms", counted)
    many = [erasure(keys, f"p{number}", event_id=f"{EPOCH}-gallery-commands-1-{number + 10}") for number in range(50)]
    audited_deletion(keys, erasure(keys), answer(receipt), *many, standing=standing(keys, "ada"))
    assert asked == ["ada"]


def test_sealed_parts_are_counted_by_who_can_open_them(audited_deletion, keys, receipt: Receipt) -> None:
    person = LoggedPerson(gallery="default", person_id="ada", results=[])
    sealed = [
        seal_person(key, person, event_id=entry().event_id, requested_at_ms=entry().requested_at_ms)
        for key in (b"k" * 32, b"x" * 32)
    ]
    log = shown(RUNNING_LOG, entry(persons=sealed))
    finding = audited_deletion(keys, erasure(keys), log, answer(receipt), standing=standing(keys, "ada"))
    assert finding.verdict == "held"
    assert finding.evidence[-1] == (
        "1 sealed parts of the running log open with the keys of those who are enrolled, 1 open with none"
    )


def test_an_altered_sealed_part_is_broken(audited_deletion, keys, receipt: Receipt) -> None:
    person = LoggedPerson(gallery="default", person_id="ada", results=[])
    moved = seal_person(b"k" * 32, person, event_id="another", requested_at_ms=entry().requested_at_ms)
    log = shown(RUNNING_LOG, entry(persons=[moved]))
    assert (
        audited_deletion(keys, erasure(keys), log, answer(receipt), standing=standing(keys, "ada")).verdict == "broken"
    )


def test_settings_that_keep_the_erased_are_broken(audited_deletion, keys, receipt: Receipt) -> None:
    kept = inspection(face_features={"max.compaction.lag.ms": str(2**63 - 1)})
    assert audited_deletion(keys, erasure(keys), answer(receipt), inspection=kept).verdict == "broken"


def test_before_the_first_deletion_nothing_is_seen(audited_deletion, keys) -> None:
    assert audited_deletion(keys, standing=standing(keys)).verdict == "not_observable"


def test_without_keys_nobody_can_say_who_stands_there(audited_deletion, keys, receipt: Receipt) -> None:
    assert audited_deletion(None, erasure(keys), answer(receipt)).verdict == "not_observable"
