from streams.audit.checks.consent import Consent
from tests.streams.audit.made import concluded, feature_record, key_record


def test_features_with_consent_are_held(keys) -> None:
    finding = concluded(Consent(), key_record(keys)[0], feature_record(keys))
    assert (finding.verdict, finding.evidence) == ("held", ("1 features read, the consent and its basis of each",))


def test_one_without_is_broken(keys) -> None:
    for headers in ({"consent": ""}, {"consent": " "}, {"consent_basis": ""}, {"consent_basis": "hearsay"}):
        assert concluded(Consent(), feature_record(keys, **headers)).verdict == "broken"


def test_where_nobody_is_enrolled_nothing_is_seen(keys) -> None:
    assert concluded(Consent(), key_record(keys)[0]).verdict == "not_observable"
