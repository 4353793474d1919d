from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.person_id import PersonId
from streams.audit.reading import Seen
from streams.wire.records import Erasure
from streams.wire.topics import ERASURES, RECOGNITIONS
from tests.streams.audit.deletions import erasure, visits
from tests.streams.audit.made import NOW_MS, concluded, facts, feature_record, gallery, key_record, recognition, shown


def check(keys, at_hand=True) -> PersonId:
    given = keys if at_hand else None
    return PersonId(facts(given), gallery(given, key_record(keys)[0], feature_record(keys)))


def faces(**match):
    return shown(RECOGNITIONS, recognition(**match))


def test_strangers_without_a_name_and_persons_with_theirs_are_held(keys) -> None:
    finding = concluded(check(keys), feature_record(keys), faces(), faces(status="matched", person_id="ada"))
    assert finding.verdict == "held"
    assert finding.evidence[1] == (
        "2 faces and 0 visits read: 1 without a name, 1 named, with 1 ids, each looked up among who is or was enrolled"
    )


def test_a_stranger_with_an_id_is_broken(keys) -> None:
    assert concluded(check(keys), faces(status="unknown", person_id="ada")).verdict == "broken"


def test_an_id_that_nobody_was_enrolled_under_is_broken(keys) -> None:
    finding = concluded(check(keys), faces(status="matched", person_id="stranger-1"))
    assert finding.breaches == ("a PersonID that nobody was enrolled under: recognitions-0@0",)


def of(person: str, gallery_name: str | None, key_id: str) -> Seen:
    erasure = Erasure(
        event_id="e",
        request_id="r",
        account="main",
        scope="person",
        gallery=gallery_name,
        person=person,
        key_id=key_id,
        state="completed",
        requested_at_ms=NOW_MS,
        updated_at_ms=NOW_MS,
    )
    return shown(ERASURES, erasure)


@pytest.mark.parametrize("gallery_name", ["vip", None])
def test_who_was_deleted_was_enrolled(keys, gallery_name: str | None) -> None:
    erasure = of(keys.pseudonym(gallery_name, "bob"), gallery_name, keys.account_key_id)
    named = faces(status="matched", person_id="bob")
    assert concluded(check(keys), erasure, named).verdict == "held"
    assert concluded(check(keys), named).verdict == "broken"


def test_who_was_deleted_under_a_key_that_is_not_there_may_have_been_enrolled(keys) -> None:
    finding = concluded(check(keys), of("0" * 32, "default", "ak-revoked"), faces(status="matched", person_id="bob"))
    assert (finding.verdict, finding.breaches) == ("not_observable", ())


def test_who_stands_under_a_key_that_is_not_there_may_be_enrolled(keys, tmp_path: Path) -> None:
    theirs = key_record(KeyDirectory.create(tmp_path / "keys"), "bob", reference="f" * 32)[0]
    partly = PersonId(facts(keys), gallery(keys, key_record(keys)[0], feature_record(keys), theirs))
    finding = concluded(partly, faces(status="matched", person_id="bob"))
    assert (finding.verdict, finding.breaches) == ("not_observable", ())


NAMED = faces(status="matched", person_id="tim")
"""Who was enrolled two months ago: the answer to that has expired, and the key record was compacted away."""

MANY = {"person": None, "key_id": None, "state": "completed"}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"scope": "gallery", "gallery": "default"}, "held"),
        ({"scope": "account", "gallery": None}, "held"),
        ({"scope": "gallery", "gallery": "default", "state": "swept", "updated_at_ms": NOW_MS - 1}, "held"),
        ({"scope": "gallery", "gallery": "default", "updated_at_ms": NOW_MS - 1}, "broken"),
        ({"scope": "gallery", "gallery": "vip"}, "broken"),
    ],
    ids=["gallery", "account", "under way", "named after it was complete", "another gallery"],
)
def test_who_went_with_a_whole_gallery_may_be_named_by_what_is_older(keys, fields, verdict: str) -> None:
    finding = concluded(check(keys), erasure(keys, **({"updated_at_ms": NOW_MS} | MANY | fields)), NAMED)
    assert finding.verdict == verdict
    assert bool(finding.unseen) == (verdict == "held")
    if finding.unseen:
        assert finding.unseen[0].startswith(
            "whether 1 names, of before the deletion of their gallery or of the account"
        )


def test_visits_too_may_name_who_went_with_a_whole_gallery(keys) -> None:
    of_gallery = erasure(keys, scope="gallery", gallery="default", updated_at_ms=NOW_MS, **MANY)
    assert concluded(check(keys), of_gallery, visits("tim")).verdict == "held"
    assert concluded(check(keys), visits("tim")).verdict == "broken"


def test_without_keys_nobody_can_say_whose_a_name_is(keys) -> None:
    finding = concluded(check(keys, at_hand=False), faces(status="matched", person_id="anybody"))
    assert finding.verdict == "not_observable"


@pytest.mark.parametrize("kept", ["enrolled_by"])
def test_a_key_that_no_command_has_made_is_broken(keys, kept: str) -> None:
    record = key_record(keys)[0]
    record.headers[kept] = "somebody"
    assert concluded(check(keys), record, faces()).verdict == "broken"


def test_without_a_face_nothing_is_seen(keys) -> None:
    assert concluded(check(keys), feature_record(keys)).verdict == "not_observable"
