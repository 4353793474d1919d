from streams.audit.gallery import Gallery
from streams.wire.topics import FACE_FEATURES
from tests.streams.audit.made import ENROLLED_BY, NOW_MS, REFERENCE, feature_record, gallery, key_record, shown


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
    made = gallery(keys, key, feature_record(keys), shown(FACE_FEATURES, None, key=key.key))
    kept = made.kept["default", REFERENCE]
    assert (kept.has_key, kept.data_key, made.features) == (False, None, 1)
    assert made.erased_at_ms == {key.key: NOW_MS}


def test_tombstones_of_all_leave_nothing(keys) -> None:
    key, feature = key_record(keys)[0], feature_record(keys)
    gone = [shown(FACE_FEATURES, None, key=each.key) for each in (feature, key)]
    made = gallery(keys, key, feature, *gone)
    assert (made.kept, sorted(made.erased_at_ms)) == ({}, sorted([key.key, feature.key]))


def test_an_empty_value_is_no_tombstone(keys) -> None:
    key, feature = key_record(keys)[0], feature_record(keys)
    made = gallery(keys, key, feature, *(shown(FACE_FEATURES, b"", key=each.key) for each in (feature, key)))
    kept = made.kept["default", REFERENCE]
    assert (kept.has_key, kept.person_id, made.features, made.erased_at_ms) == (True, None, 1, {})


def test_keys_of_others_are_passed_over(keys) -> None:
    made = Gallery(keys)
    made.take(shown(FACE_FEATURES, b"value", key=b"no such key"))
    assert made.kept == {}


def test_its_repr_shows_no_key(keys) -> None:
    made = gallery(keys, key_record(keys)[0])
    assert "kkkk" not in repr(made) + repr(made.kept["default", REFERENCE])
