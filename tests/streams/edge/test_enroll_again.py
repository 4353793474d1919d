import pytest

from streams.edge.enroll_again import reasons
from streams.edge.persons import Person, StoredFeature

KEYS = {"tk-1", "tk-2"}


def feature(
    key_id: str | None = "tk-1",
    model: str | None = "sface",
    consent: str | None = "form 7",
    basis: str | None = "of_age",
    *,
    opens: bool = True,
) -> StoredFeature:
    return StoredFeature("f", opens, key_id, model, 0.9, consent, basis, 1)


def said(*features: StoredFeature, person_id: str | None = "ada") -> list[str]:
    person = Person("default", "0a" * 16, person_id, features)
    return reasons(person, template_keys=KEYS, model_version="sface")


def test_nobody_is_named_whose_features_can_all_be_matched() -> None:
    assert said(feature(), feature("tk-2")) == []


def test_each_reason_is_said_once() -> None:
    assert said(feature("tk-0"), feature(), feature("tk-0"), feature("tk-1", "arcface")) == [
        "made with template key tk-0, which is not in the key directory",
        "made by model arcface, and sface is in use",
    ]


@pytest.mark.parametrize(("consent", "basis"), [(None, "of_age"), ("  ", "of_age"), ("form 7", None), ("form 7", "x")])
def test_a_feature_without_a_consent_is_named(consent: str | None, basis: str | None) -> None:
    assert said(feature(), feature(consent=consent, basis=basis)) == ["stored without a consent"]


def test_of_a_feature_that_does_not_open_nothing_else_is_believed() -> None:
    [reason] = said(feature(), feature("tk-0", "arcface", None, opens=False))
    assert reason.startswith("does not open")


def test_what_is_not_said_on_the_topic_is_called_so() -> None:
    assert said(feature(None, None)) == [
        "made with template key unnamed, which is not in the key directory",
        "made by model unnamed, and sface is in use",
    ]


def test_without_a_key_record_that_opens_nothing_else_matters() -> None:
    [reason] = said(feature("tk-0"), person_id=None)
    assert "not in the key directory" in reason
    assert reason.startswith("its key record is missing")
