"""Whoever reads face-features sees the same of it as the workers' view does."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.protect import Protector
from streams.agents.gallery.view import GalleryView
from streams.audit.gallery import Gallery as AuditedGallery
from streams.audit.reading import seen
from streams.cli.opening import opener
from streams.edge.persons import Persons
from streams.edge.resting import Resting
from streams.wire.feature_keys import FeatureKey
from streams.wire.feature_topic import FeatureTopic
from streams.wire.topics import FACE_FEATURES

PARTITIONS = 2
GALLERIES, REFERENCES, FEATURES = ["default", "vip"], ["0a" * 16, "0b" * 16], ["f1", "f2"]
KEYS = [
    FeatureKey(gallery, reference, feature)
    for gallery in GALLERIES
    for reference in REFERENCES
    for feature in (None, *FEATURES)
]


@dataclass(frozen=True)
class Record:
    """As aiokafka gives a record."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = (("key_id", b"tk"), ("enrolled_by", b"e"), ("requested_at_ms", b"5"))
    offset: int = 0
    timestamp: int = 7


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture(scope="module")
def wrapped(keys) -> dict[FeatureKey, bytes]:
    """The key record's value of each person; who stands under one reference is one person."""
    return {
        key: keys.wrap(PersonSecret(b"k" * 32, f"person {key.reference[:2]}").encode(), place=key.encode())
        for key in KEYS
        if key.feature_id is None
    }


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["standing", "standing", "standing", "closed", "empty", "tombstone", "tombstone"]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    max_size=30,
)
"""Of which key, what, and how many partitions beside its own."""


def record(change, wrapped: dict[FeatureKey, bytes]) -> Record:
    key, what, aside = change
    value = {
        "standing": wrapped.get(key, b"sealed"),
        "closed": b"no such value",
        "empty": b"",
        "tombstone": None,
    }[what]
    return Record((key.partition(PARTITIONS) + aside) % PARTITIONS, key.encode(), value)


@given(changes=CHANGES, foreign=st.sampled_from([None, b"", b"no key", b"default/ada"]))
def test_all_who_fold_the_topic_hold_what_the_view_holds(keys, wrapped, changes, foreign) -> None:
    records = [Record(0, foreign, b"value"), *(record(change, wrapped) for change in changes)]
    protector = Protector(keys.template_key)
    refused: list[object] = []
    view = GalleryView(
        keys=keys,
        galleries=Galleries(lambda: Gallery(protector, impostor_mean=0.1, impostor_deviation=0.11)),
        model_version="m",
        partitions=PARTITIONS,
        refused=refused.append,
    )
    persons = Persons(opener(keys), PARTITIONS)
    resting = Resting(lambda _value: "ak", PARTITIONS)
    audited = AuditedGallery(keys, PARTITIONS)
    for each in records:
        view.apply(each)
        persons.apply(each)
        resting.apply(each)
        audited.take(seen(FACE_FEATURES, each))

    held = {(each.gallery, each.reference): each for each in view.references()}
    assert {
        (each.gallery, each.reference): (each.person_id, {found.feature_id for found in each.features})
        for each in persons.enrolled()
    } == {place: (each.person_id, each.features) for place, each in held.items() if each.features}
    assert {
        place: (each.has_key, each.person_id, set(each.features), each.enrolled) for place, each in audited.kept.items()
    } == {place: (each.has_key, each.person_id, each.features, each.enrolled) for place, each in held.items()}
    counts = resting.counts()
    assert counts["ak"] == sum(each.has_key for each in held.values())
    assert counts["tk"] == sum(len(each.features) for each in held.values())
    assert persons.passed_over == 1 + sum(aside for _, _, aside in changes)


@pytest.fixture
def topic() -> FeatureTopic:
    return FeatureTopic(
        partitions=PARTITIONS,
        read_key=lambda said: f"key {said}",
        read_feature=lambda said, feature_id: f"{feature_id} {said}",
    )


def take(topic: FeatureTopic, key: FeatureKey, said: str | None, aside: int = 0) -> FeatureKey | None:
    return topic.take((key.partition(PARTITIONS) + aside) % PARTITIONS, key.encode(), said)


def test_what_is_read_of_the_last_record_of_each_key_stands(topic) -> None:
    key, feature = FeatureKey("default", REFERENCES[0]), FeatureKey("default", REFERENCES[0], "f1")
    for said in ("1", "2"):
        assert take(topic, key, said) == key
        assert take(topic, feature, said) == feature
    [(place, held)] = topic.held.items()
    assert place == ("default", REFERENCES[0])
    assert (held.key, held.has_key, held.features) == ("key 2", True, {"f1": "f1 2"})


def test_a_keys_tombstone_leaves_orphans_and_those_of_all_nothing(topic) -> None:
    key, feature = FeatureKey("default", REFERENCES[0]), FeatureKey("default", REFERENCES[0], "f1")
    for each, said in ((key, "1"), (feature, "1"), (key, None)):
        take(topic, each, said)
    [held] = topic.held.values()
    assert (held.key, held.has_key, held.features) == (None, False, {"f1": "f1 1"})
    take(topic, feature, None)
    assert topic.held == {}


def test_in_another_partition_neither_a_value_nor_a_tombstone_counts(topic) -> None:
    key, other = FeatureKey("default", REFERENCES[0]), FeatureKey("default", REFERENCES[1])
    take(topic, key, "1")
    assert (take(topic, key, None, 1), take(topic, other, "1", 1)) == (None, None)
    assert list(topic.held) == [("default", REFERENCES[0])]
    assert topic.passed_over == 2


def test_a_tombstone_of_what_never_stood_leaves_nothing(topic) -> None:
    take(topic, FeatureKey("default", REFERENCES[0]), None)
    take(topic, FeatureKey("default", REFERENCES[0], "f1"), None)
    assert (topic.held, topic.passed_over) == ({}, 0)
