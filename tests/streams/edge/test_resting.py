from streams.edge.resting import Resting
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import FILLER_KEY

ADA, BEN = "0a" * 16, "0b" * 16
OF_OLD, OF_NEW = [("key_id", b"tk-old")], [("consent", b"7"), ("key_id", b"tk-new")]


def key(reference: str, *feature: str) -> bytes:
    return FeatureKey("default", reference, *feature).encode()


def resting() -> Resting:
    """Key records say their account key and nothing else."""
    return Resting(lambda value: value.decode() if value.startswith(b"ak-") else None)


def test_persons_rest_on_account_keys_and_features_on_template_keys() -> None:
    state = resting()
    for place, value, headers in (
        (key(ADA), b"ak-1", []),
        (key(ADA, "f1"), b"sealed", OF_OLD),
        (key(ADA, "f2"), b"sealed", OF_NEW),
        (key(BEN), b"ak-2", []),
        (key(BEN, "f1"), b"sealed", OF_NEW),
    ):
        state.apply(place, value, headers)
    assert state.counts() == {"ak-1": 1, "ak-2": 1, "tk-old": 1, "tk-new": 2}


def test_the_last_record_of_a_key_counts() -> None:
    state = resting()
    for place, value, headers in (
        (key(ADA), b"ak-1", []),
        (key(ADA), b"ak-2", []),
        (key(ADA, "f1"), b"sealed", OF_OLD),
        (key(ADA, "f1"), b"sealed", OF_NEW),
        (key(ADA, "f2"), b"sealed", OF_NEW),
        (key(ADA, "f2"), None, []),
        (key(BEN, "f1"), None, []),
    ):
        state.apply(place, value, headers)
    assert state.counts() == {"ak-2": 1, "tk-new": 1}


def test_a_persons_tombstone_takes_all() -> None:
    state = resting()
    state.apply(key(ADA), b"ak-1", [])
    state.apply(key(ADA, "f1"), b"sealed", OF_OLD)
    state.apply(key(ADA), None, [])
    assert state.counts() == {}


def test_an_empty_value_is_no_tombstone() -> None:
    state = resting()
    state.apply(key(ADA), b"", [])
    state.apply(key(ADA, "f1"), b"", OF_OLD)
    assert state.counts() == {"": 1, "tk-old": 1}


def test_what_names_no_key_is_counted_and_what_is_no_record_of_ours_is_not() -> None:
    state = resting()
    state.apply(key(ADA), b"?", [])
    state.apply(key(ADA, "f1"), b"sealed", [("key_id", None)])
    state.apply(key(ADA, "f2"), b"sealed", [])
    for foreign in (FILLER_KEY, None, b"default/ada"):
        state.apply(foreign, b"x", [])
    assert state.counts() == {"": 3}
