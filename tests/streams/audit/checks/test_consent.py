from dataclasses import replace

import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.consent import Consent
from streams.wire.topics import FACE_FEATURES
from tests.streams.audit.made import REFERENCE, concluded, feature_record, gallery, key_record, shown

OTHER = "fedcba9876543210" * 2


def found(keys: KeyDirectory | None, *standing):
    """Of what face-features holds."""
    return concluded(Consent(gallery(keys, *standing)), *standing)


def test_features_with_the_consent_that_they_were_enrolled_with_are_held(keys) -> None:
    finding = found(keys, key_record(keys)[0], feature_record(keys))
    assert (finding.verdict, finding.evidence, finding.unseen) == (
        "held",
        ("1 features read, the consent and its basis of each; 1 opened with the headers that they were enrolled with",),
        (),
    )


@pytest.mark.parametrize(
    "headers", [{"consent": ""}, {"consent": " "}, {"consent_basis": ""}, {"consent_basis": "hearsay"}]
)
def test_one_that_was_enrolled_without_is_broken(keys, headers) -> None:
    [breach] = found(keys, key_record(keys)[0], feature_record(keys, **headers)).breaches
    assert breach.startswith("a feature without a consent")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("consent", "form-8"),
        ("consent_basis", "guardian"),
        ("quality", "0.99"),
        ("enrolled_at_ms", "1"),
        ("enrolled_at_ms", None),
    ],
)
def test_one_whose_headers_were_exchanged_or_dropped_is_broken(keys, name, text) -> None:
    whole = feature_record(keys)
    others = {each: found for each, found in whole.headers.items() if each != name}
    altered = replace(whole, headers=others if text is None else others | {name: text})
    [breach] = found(keys, key_record(keys)[0], altered).breaches
    assert breach.startswith("a feature that does not open with its headers")


def test_without_keys_it_is_not_known_whose_word_the_headers_are(keys) -> None:
    finding = found(None, key_record(keys)[0], feature_record(keys))
    assert (finding.verdict, finding.breaches) == ("not_observable", ())
    assert finding.unseen[0].startswith("whether the headers of 1 features are those")


@pytest.mark.parametrize("value", [b"b" * 128, b""], ids=["bits", "empty"])
def test_what_is_not_sealed_vouches_for_no_consent(keys, value: bytes) -> None:
    standing = key_record(keys)[0], feature_record(keys)
    bare = feature_record(keys, value=value) if value else replace(feature_record(keys), value=value)
    assert found(keys, *standing, bare).verdict == "not_observable"


def test_of_who_is_forgotten_nothing_is_asked(keys) -> None:
    forgotten = key_record(keys, "ben", reference=OTHER)[0]
    standing = [
        key_record(keys, reference=REFERENCE)[0],
        feature_record(keys, reference=REFERENCE),
        forgotten,
        feature_record(keys, reference=OTHER),
        shown(FACE_FEATURES, None, key=forgotten.key, partition=forgotten.partition),
    ]
    assert found(keys, *standing).verdict == "held"
    assert found(keys, *standing[2:]).verdict == "not_observable"


def test_where_nobody_is_enrolled_nothing_is_seen(keys) -> None:
    assert found(keys, key_record(keys)[0]).verdict == "not_observable"
