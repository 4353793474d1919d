from streams.agents.gallery.covering import Enrolled
from streams.audit.gallery import Gallery
from streams.wire.topics import FACE_FEATURES
from tests.streams.audit.made import ENROLLED_BY, NOW_MS, REFERENCE, TOPICS, feature_record, gallery, key_record, shown


def test_it_holds_who_is_enrolled(keys) -> None:
    made = gallery(keys, key_record(keys)[0], feature_record(keys))
    [(person, kept)] = made.persons.items()
    assert person == ("default", "ada")
    assert (kept.data_key, dict(kept.features)) == (b"k" * 32, {ENROLLED_BY: NOW_MS})
    assert sorted(made.live()) == [
        f"default/{REFERENCE}".encode(),
        f"default/{REFERENCE}/{ENROLLED_BY}".encode(),
    ]


def test_without_keys_it_holds_references(keys) -> None:
    made = gallery(None, key_record(keys)[0], feature_record(keys))
    assert made.persons == {}
    assert (made.features, made.kept["default", REFERENCE].has_key) == (1, True)


def test_a_tombstone_of_the_key_leaves_a_feature_that_nobody_opens(keys) -> None:
    key = key_record(keys)[0]
    made = gallery(keys, key, feature_record(keys), shown(FACE_FEATURES, None, key=key.key, partition=key.partition))
    kept = made.kept["default", REFERENCE]
    assert (kept.has_key, kept.data_key, made.features) == (False, None, 1)
    assert made.erased_at_ms == {key.key: NOW_MS}


def test_tombstones_of_all_leave_nothing(keys) -> None:
    key, feature = key_record(keys)[0], feature_record(keys)
    gone = [shown(FACE_FEATURES, None, key=each.key, partition=each.partition) for each in (feature, key)]
    made = gallery(keys, key, feature, *gone)
    assert (made.kept, sorted(made.erased_at_ms)) == ({}, sorted([key.key, feature.key]))


def test_an_empty_value_is_no_tombstone(keys) -> None:
    key, feature = key_record(keys)[0], feature_record(keys)
    emptied = [shown(FACE_FEATURES, b"", key=each.key, partition=each.partition) for each in (feature, key)]
    made = gallery(keys, key, feature, *emptied)
    kept = made.kept["default", REFERENCE]
    assert (kept.has_key, kept.person_id, made.features, made.erased_at_ms) == (True, None, 1, {})


def test_keys_of_others_are_passed_over(keys) -> None:
    made = Gallery(keys, TOPICS.partitions)
    made.take(shown(FACE_FEATURES, b"value", key=b"no such key"))
    assert made.kept == {}


def test_who_sent_it_is_remembered_of_a_key_that_is_erased(keys) -> None:
    key = key_record(keys)[0]
    standing = gallery(keys, key, feature_record(keys)).kept["default", REFERENCE].enrolled
    tombstone = shown(FACE_FEATURES, None, key=key.key, partition=key.partition)
    erased = gallery(keys, key, feature_record(keys), tombstone).kept["default", REFERENCE]
    assert erased.enrolled == standing == Enrolled(ENROLLED_BY, NOW_MS - 60_000)


def test_its_repr_shows_no_key(keys) -> None:
    made = gallery(keys, key_record(keys)[0])
    assert "kkkk" not in repr(made) + repr(made.kept["default", REFERENCE])
