from dataclasses import replace

import numpy as np
import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.features import Features
from streams.wire.topics import CONTROL, FACE_FEATURES, RECOGNITIONS
from tests.streams.audit.made import concluded, facts, feature_record, gallery, key_record, recognition, shown


def stored(keys: KeyDirectory) -> tuple:
    return key_record(keys)[0], feature_record(keys)


def check(keys: KeyDirectory | None, *standing) -> Features:
    return Features(facts(keys), gallery(keys, *standing))


def test_sealed_strings_that_open_are_held(keys) -> None:
    finding = concluded(check(keys, *stored(keys)), *stored(keys), shown(RECOGNITIONS, recognition()))
    assert finding.verdict == "held"
    assert finding.evidence == (
        "1 records of keys and 1 of features read: form, length, headers, partition",
        "2 of them opened with the key directory",
        "1 records of other topics searched for embeddings, their keys and headers too; 2 similarities held against"
        " their step of 0.01",
    )


def test_without_keys_their_form_alone_is_seen_which_is_too_little(keys) -> None:
    finding = concluded(check(None, *stored(keys)), *stored(keys))
    assert finding.verdict == "not_observable"
    assert finding.unseen == (
        "whether they open: no key directory is at hand",
        "embeddings on camera-frames and gallery-commands: workers alone may read these",
    )


@pytest.mark.parametrize(
    "value",
    [b"b" * 128, b"\x01" * 100, np.full(128, 0.088, "<f4").tobytes(), b"\x01" + bytes(156)],
    ids=["bits", "too short", "numbers", "sealed by nobody"],
)
def test_what_is_not_sealed_is_broken(keys, value: bytes) -> None:
    key = key_record(keys)[0]
    assert concluded(check(keys, key), key, feature_record(keys, value=value)).verdict == "broken"


@pytest.mark.parametrize("record", [key_record, lambda keys: (feature_record(keys),)], ids=["key", "feature"])
def test_an_empty_value_is_no_tombstone_and_broken(keys, record) -> None:
    whole = record(keys)[0]
    empty = shown(FACE_FEATURES, b"", key=whole.key, partition=whole.partition, **whole.headers)
    [breach] = concluded(check(keys), empty).breaches
    assert breach.startswith(("a person's key that is not wrapped", "a feature that is not sealed"))


def test_an_empty_value_is_broken_and_a_tombstone_is_not(keys) -> None:
    key = key_record(keys)[0].key
    assert concluded(check(keys, *stored(keys)), *stored(keys), shown(FACE_FEATURES, None, key=key)).verdict == "held"
    assert concluded(check(keys), shown(FACE_FEATURES, b"", key=key)).verdict == "broken"


@pytest.mark.parametrize("short", [RECOGNITIONS, CONTROL])
def test_numbers_are_found_in_a_value_a_key_and_a_header(keys, short: str) -> None:
    numbers = ", ".join(["0.0442"] * 512)
    for spoiled in (
        shown(short, f'{{"face":[{numbers}]}}'.encode()),
        shown(short, b"{}", key=np.full(128, 0.088, "<f4").tobytes()),
        shown(short, b"{}", trace=numbers),
    ):
        finding = concluded(check(keys, *stored(keys)), *stored(keys), spoiled)
        assert finding.breaches == (f"numbers that look like an embedding: {short}-0@0",)
    in_header = concluded(check(keys, *stored(keys)), stored(keys)[0], feature_record(keys, trace=numbers))
    assert in_header.breaches[0].startswith("a feature that is numbers")


def test_a_consent_that_was_exchanged_leaves_a_feature_that_does_not_open(keys) -> None:
    key, whole = stored(keys)
    altered = replace(whole, headers={**whole.headers, "consent": "form-8"})
    [breach] = concluded(check(keys, key, altered), key, altered).breaches
    assert breach.startswith("a feature that does not open with its person's key and headers")


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
