import numpy as np
import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.features import Features
from streams.wire.topics import RECOGNITIONS
from tests.streams.audit.made import concluded, facts, feature_record, gallery, key_record, recognition, shown


def stored(keys: KeyDirectory) -> tuple:
    return key_record(keys)[0], feature_record(keys)


def check(keys: KeyDirectory | None, *standing) -> Features:
    return Features(facts(keys), gallery(keys, *standing))


def test_sealed_strings_that_open_are_held(keys) -> None:
    finding = concluded(check(keys, *stored(keys)), *stored(keys), shown(RECOGNITIONS, recognition()))
    assert finding.verdict == "held"
    assert finding.evidence == (
        "1 wrapped keys and 1 sealed strings read: form, length, headers, partition",
        "2 of them opened with the key directory",
        "1 records of other topics hold no embedding; 2 similarities stand on their step of 0.01",
    )


def test_without_keys_their_form_is_seen(keys) -> None:
    finding = concluded(check(None, *stored(keys)), *stored(keys))
    assert finding.verdict == "held"
    assert finding.unseen == ("whether they open: no key directory is at hand",)


@pytest.mark.parametrize(
    "value",
    [b"b" * 128, b"\x01" * 100, np.full(128, 0.088, "<f4").tobytes(), b"\x01" + bytes(156)],
    ids=["bits", "too short", "numbers", "sealed by nobody"],
)
def test_what_is_not_sealed_is_broken(keys, value: bytes) -> None:
    key = key_record(keys)[0]
    assert concluded(check(keys, key), key, feature_record(keys, value=value)).verdict == "broken"


def test_a_header_that_is_missing_is_broken(keys) -> None:
    finding = concluded(check(keys, *stored(keys)), key_record(keys)[0], feature_record(keys, quality=""))
    assert finding.breaches[0].startswith("a record without quality")


def test_a_key_of_another_directory_is_broken(keys, tmp_path) -> None:
    theirs = KeyDirectory.create(tmp_path / "keys")
    finding = concluded(check(keys), *stored(theirs))
    assert finding.breaches[0].startswith("a person's key that does not open with the key directory")


def test_a_similarity_between_two_steps_is_broken(keys) -> None:
    fine = shown(RECOGNITIONS, recognition(similarity=0.2137))
    assert concluded(check(keys, *stored(keys)), *stored(keys), fine).verdict == "broken"


def test_where_nobody_is_enrolled_nothing_is_seen(keys) -> None:
    assert concluded(check(keys)).verdict == "not_observable"
