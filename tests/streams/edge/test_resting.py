from dataclasses import dataclass

from streams.edge.resting import Resting
from streams.wire.feature_keys import FeatureKey

PARTITIONS = 2

ADA, BEN = "0a" * 16, "0b" * 16
OF_OLD, OF_NEW = [("key_id", b"tk-old")], [("consent", b"7"), ("key_id", b"tk-new")]


def key(reference: str, *feature: str) -> bytes:
    return FeatureKey("default", reference, *feature).encode()


@dataclass
class Record:
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Applied(Resting):
    """Takes records where their keys say that they stand."""

    def put(self, raw: bytes, value: bytes | None, headers) -> None:
        self.apply(Record(FeatureKey.decode(raw).partition(PARTITIONS), raw, value, headers))


def resting() -> Applied:
    """Key records say their account key and nothing else."""
    return Applied(lambda value: value.decode() if value.startswith(b"ak-") else None, PARTITIONS)


def test_persons_rest_on_account_keys_and_features_on_template_keys() -> None:
    state = resting()
    for place, value, headers in (
        (key(ADA), b"ak-1", []),
        (key(ADA, "f1"), b"sealed", OF_OLD),
        (key(ADA, "f2"), b"sealed", OF_NEW),
        (key(BEN), b"ak-2", []),
        (key(BEN, "f1"), b"sealed", OF_NEW),
    ):
        state.put(place, value, headers)
    assert state.counts() == {"ak-1": 1, "ak-2": 1, "tk-old": 1, "tk-new": 2}


def test_of_a_header_that_is_given_twice_the_last_counts_as_for_the_workers() -> None:
    state = resting()
    state.put(key(ADA, "f1"), b"sealed", [*OF_OLD, *OF_NEW])
    assert state.counts() == {"tk-new": 1}


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
        state.put(place, value, headers)
    assert state.counts() == {"ak-2": 1, "tk-new": 1}


def test_a_persons_tombstone_leaves_the_features_until_theirs() -> None:
    state = resting()
    state.put(key(ADA), b"ak-1", [])
    state.put(key(ADA, "f1"), b"sealed", OF_OLD)
    state.put(key(ADA), None, [])
    assert state.counts() == {"tk-old": 1}
    state.put(key(ADA, "f1"), None, [])
    assert state.counts() == {}


def test_an_empty_value_is_no_tombstone() -> None:
    state = resting()
    state.put(key(ADA), b"", [])
    state.put(key(ADA, "f1"), b"", OF_OLD)
    assert state.counts() == {"": 1, "tk-old": 1}


def test_what_names_no_key_is_counted_and_what_is_no_record_of_ours_is_not() -> None:
    state = resting()
    state.put(key(ADA), b"?", [])
    state.put(key(ADA, "f1"), b"sealed", [("key_id", None)])
    state.put(key(ADA, "f2"), b"sealed", [])
    for foreign in (None, b"default/ada"):
        state.apply(Record(0, foreign, b"x", []))
    astray = (FeatureKey("default", BEN).partition(PARTITIONS) + 1) % PARTITIONS
    state.apply(Record(astray, key(BEN), b"ak-1", []))
    assert state.counts() == {"": 3}
