"""Scripted scenes through the whole of following: what is encoded, whom a track is, what is stated."""

import pytest

from models.types import RejectReason

FRAME_MS = 40


@pytest.fixture
def gallery(scripted):
    """Ada on axis 0, ben on axis 1; threshold 0.5."""
    return scripted.FakeGallery({"ada": scripted.axis(0), "ben": scripted.axis(1)})


@pytest.fixture
def ada(scripted):
    return lambda x=200, **more: scripted.Actor(x, scripted.leaning(0.9, 0, towards=8), **more)


@pytest.fixture
def ben(scripted):
    return lambda x=600, **more: scripted.Actor(x, scripted.leaning(0.9, 1, towards=9), **more)


@pytest.fixture
def stranger(scripted):
    """Of nobody enrolled; at cosine 0 to all."""
    return lambda x=400, number=5, **more: scripted.Actor(x, scripted.axis(number), **more)


def test_a_clear_face_is_named_in_its_first_frame_and_a_clear_stranger_is_unknown(stage, gallery, ada, stranger):
    named, unknown = stage(gallery).frame(0, ada(), stranger())
    assert (named.status, named.match.person_id, named.match.encoded_at) == ("matched", "ada", "f0")
    assert (named.match.similarity, named.match.margin, named.match.gallery_size) == (0.9, 0.9, 2)
    assert (unknown.status, unknown.match.person_id, unknown.match.similarity) == ("unknown", None, 0.0)


def test_encodings_of_a_followed_face_are_counted(stage, gallery, ada):
    scene = stage(gallery)
    frames = [scene.frame(at_ms, ada()) for at_ms in range(0, 10_001, FRAME_MS)]
    assert [at for at, (face,) in zip(range(0, 10_001, FRAME_MS), frames, strict=True) if face.encoded] == [
        0,
        3_000,
        6_000,
        9_000,
    ]
    assert {face.track_id for (face,) in frames} == {"f0.0"}
    assert {face.match.person_id for (face,) in frames} == {"ada"}


def test_an_unclear_face_is_pending_until_three_views_spread_in_time(stage, gallery, scripted):
    scene = stage(gallery)
    told = []
    for at_ms in range(0, 441, FRAME_MS):
        (face,) = scene.frame(at_ms, scripted.Actor(200, scripted.leaning(0.55, 0)))
        told.append((face.status, face.encoded))
    assert [row for row, (_, encoded) in enumerate(told) if encoded] == [0, 5, 10]
    assert [status for status, _ in told] == ["pending"] * 10 + ["matched"] * 2


def test_a_poor_view_waits_for_others_however_clear_the_search_is(stage, gallery, ada):
    scene = stage(gallery)
    told = [scene.frame(at_ms, ada(score=0.19))[0].status for at_ms in range(0, 401, 40)]
    assert told == ["pending"] * 10 + ["matched"]


def test_views_of_one_person_add_up_beyond_each_of_them(stage, gallery, scripted):
    scene = stage(gallery)
    for at_ms, n in ((0, 8), (200, 9)):
        (face,) = scene.frame(at_ms, scripted.Actor(200, scripted.leaning(0.55, 0, towards=n)))
    assert face.match.similarity == pytest.approx(0.68)


def test_at_most_the_set_number_is_encoded_and_the_rest_say_pending(stage, gallery, scripted, stranger):
    scene = stage(gallery, max_encodings_per_frame=2)
    crowd = [stranger(150 * n + 100, number=n + 2, score=0.5 + 0.1 * n) for n in range(5)]
    assert [(face.encoded, face.status) for face in scene.frame(0, *crowd)] == [
        (False, "pending"),
        (False, "pending"),
        (False, "pending"),
        (True, "unknown"),
        (True, "unknown"),
    ]
    assert [face.encoded for face in scene.frame(40, *crowd)] == [False, True, True, False, False]
    assert [face.status for face in scene.frame(80, *crowd)] == ["unknown"] * 5
    assert scene.encodings == 5


def test_a_clearly_better_view_is_encoded_early(stage, gallery, ada):
    scene = stage(gallery)
    scene.frame(0, ada(score=0.5))
    assert [scene.frame(at_ms, ada(score=0.8))[0].encoded for at_ms in (160, 200, 240)] == [False, True, False]


def test_rejected_faces_are_never_encoded_and_a_settled_one_stays_named(stage, gallery, ada, ben):
    scene = stage(gallery)
    scene.frame(0, ada())
    for at_ms in range(40, 8_000, 40):
        known, new = scene.frame(at_ms, ada(reject=RejectReason.TURNED), ben(reject=RejectReason.BLURRED))
        assert (known.status, known.match.person_id, known.match.encoded_at) == ("matched", "ada", "f0")
        assert (new.status, new.match.similarity, new.match.encoded_at) == ("rejected", None, None)
    assert scene.encodings == 1


def test_who_comes_back_is_the_same_track_by_the_face(stage, gallery, stranger):
    scene = stage(gallery)
    (first,) = scene.frame(0, stranger(200))
    for at_ms in range(40, 6_000, 40):
        scene.frame(at_ms)
    (back,) = scene.frame(6_000, stranger(900))
    assert (back.track_id, back.status, back.encoded) == (first.track_id, "unknown", True)


def test_who_comes_back_after_the_gap_is_a_new_track(stage, gallery, stranger):
    scene = stage(gallery)
    scene.frame(0, stranger())
    (back,) = scene.frame(10_001, stranger())
    assert back.track_id == "f10001.0"
    assert list(scene.scene.portraits) == ["f10001.0"]


def test_a_camera_that_reconnects_tells_two_who_changed_places_apart(stage, gallery, stranger):
    scene = stage(gallery)
    scene.frame(0, stranger(200, 3), stranger(600, 4))
    assert [face.track_id for face in scene.frame(4_000, stranger(200, 4), stranger(600, 3))] == ["f0.1", "f0.0"]


def test_another_face_at_a_place_just_left_is_another_track(stage, gallery, ada, ben):
    scene = stage(gallery)
    scene.frame(0, ada(200))
    scene.frame(40, ada(200))
    scene.frame(340)
    (face,) = scene.frame(640, ben(230))
    assert (face.track_id, face.match.person_id) == ("f640.0", "ben")
    (face,) = scene.frame(680, ada(900))[:1]
    assert (face.track_id, face.match.person_id) == ("f0.0", "ada")


def test_a_surprising_face_that_cannot_be_encoded_bears_no_name(stage, gallery, ada):
    scene = stage(gallery)
    scene.frame(0, ada(200))
    (face,) = scene.frame(40, ada(265, reject=RejectReason.TURNED))
    assert (face.track_id, face.status) == ("f0.0", "rejected")
    (face,) = scene.frame(80, ada(265))
    assert (face.track_id, face.status, face.match.encoded_at) == ("f0.0", "matched", "f80")


def test_two_who_cross_behind_each_other_keep_their_names(stage, gallery, ada, ben):
    scene = stage(gallery)
    for frame in range(45):
        right, left = 100 + 12 * frame, 580 - 12 * frame
        faces = [ada(right)] + ([] if abs(right - left) < 60 else [ben(left)])
        told = scene.frame(40 * frame, *faces)
        assert [face.match.person_id for face in told] == ["ada", "ben"][: len(faces)]
        assert [face.track_id for face in told] == ["f0.0", "f0.1"][: len(faces)]
    assert scene.encodings <= 6


def test_one_odd_view_does_not_part_a_track_and_two_do(stage, gallery, ada, stranger):
    scene = stage(gallery)
    for at_ms in range(0, 3_000, 40):
        scene.frame(at_ms, ada())
    told = [scene.frame(at_ms, stranger(200))[0] for at_ms in range(3_000, 3_241, 40)]
    assert [face.encoded for face in told] == [True, False, False, False, False, True, False]
    assert [face.match.person_id for face in told] == ["ada"] * 5 + [None] * 2
    assert [face.track_id for face in told] == ["f0.0"] * 5 + ["f3200.0"] * 2
    assert (told[4].match.encoded_at, told[5].status) == ("f0", "unknown")
    # a view that contradicts the track asks nobody; the new track does
    assert gallery.asked == ["exact", "exact"]
    # the track that was left does not stand in the new one's way
    assert not scene.scene.tracks[0].crowded


def test_after_a_surprise_the_face_must_be_surely_the_same(stage, gallery, ada, scripted):
    doubtful = scripted.leaning(0.3, 0)
    scene = stage(gallery)
    scene.frame(0, ada())
    assert scene.frame(40, scripted.Actor(265, doubtful))[0].track_id == "f40.0"
    calm = stage(gallery)
    for at_ms in range(0, 3_001, 40):
        (face,) = calm.frame(at_ms, scripted.Actor(200, doubtful) if at_ms == 3_000 else ada())
    assert (face.track_id, face.encoded, face.match.encoded_at) == ("f0.0", True, "f3000")


def test_a_track_of_which_nothing_was_stated_takes_its_old_id_when_a_view_shows_it(stage, scripted):
    gallery = scripted.FakeGallery({"ada": scripted.axis(0)})
    scene = stage(gallery)
    scene.frame(0, scripted.Actor(200, scripted.leaning(0.45, 0, towards=7)))
    (young,) = scene.frame(2_000, scripted.Actor(600, scripted.leaning(0.45, 0, towards=8), score=0.3))
    (known,) = scene.frame(2_200, scripted.Actor(600, scripted.leaning(0.7, 7, towards=8), score=0.5))
    assert (young.track_id, young.status) == ("f2000.0", "pending")
    assert (known.track_id, known.match.encoded_at) == ("f0.0", "f2200")


def test_a_track_of_which_something_was_stated_keeps_its_id(stage, gallery, scripted):
    scene = stage(gallery)
    scene.frame(0, scripted.Actor(200, scripted.axis(5)))
    for at_ms in range(2_000, 5_001, 40):
        cosine = 0.9 if at_ms == 5_000 else 0.45
        (face,) = scene.frame(at_ms, scripted.Actor(600, scripted.leaning(cosine, 5)))
        assert (face.track_id, face.status) == ("f2000.0", "unknown")
    assert face.encoded


def test_an_odd_view_between_good_ones_changes_nothing(stage, gallery, ada, stranger):
    scene = stage(gallery)
    for at_ms in range(0, 4_000, 40):
        (face,) = scene.frame(at_ms, stranger(200) if at_ms == 3_000 else ada())
        assert (face.track_id, face.match.person_id) == ("f0.0", "ada")
    assert scene.encodings == 3


def test_a_head_that_turns_stays_the_same_track_and_name(stage, gallery, ada, scripted):
    scene = stage(gallery)
    scene.frame(0, ada())
    for at_ms in range(40, 9_000, 40):
        (face,) = scene.frame(at_ms, scripted.Actor(200, scripted.leaning(0.2, 0), score=0.5, yaw_deg=35.0))
        assert (face.track_id, face.match.person_id, face.match.encoded_at) == ("f0.0", "ada", "f0")
    assert scene.encodings == 1


def test_a_better_view_of_a_turned_head_is_no_contradiction(stage, gallery, ada, scripted):
    scene = stage(gallery)
    for at_ms in range(0, 200, 40):
        (face,) = scene.frame(at_ms, scripted.Actor(200, scripted.leaning(0.2, 0), score=0.3, yaw_deg=35.0))
    (face,) = scene.frame(200, ada(score=0.9))
    assert (face.track_id, face.match.person_id) == ("f0.0", "ada")


def test_a_forgotten_person_is_named_in_no_further_frame(stage, gallery, ada):
    scene = stage(gallery)
    scene.frame(0, ada())
    gallery.forget("ada")
    (face,) = scene.frame(0, ada())
    assert (face.status, face.match.person_id, face.encoded) == ("unknown", None, False)
    assert gallery.asked[-1] == "exact"


def test_a_forgotten_person_out_of_sight_is_forgotten_too(stage, gallery, ada):
    scene = stage(gallery)
    scene.frame(0, ada())
    gallery.forget("ada")
    scene.frame(40)
    assert [portrait.identity.person_id for portrait in scene.scene.portraits.values()] == [None]


def test_an_unknown_is_known_once_it_is_enrolled_without_an_encoding(stage, gallery, stranger, scripted):
    scene = stage(gallery)
    scene.frame(0, stranger())
    gallery.add("eve", scripted.axis(5))
    told = [scene.frame(at_ms, stranger())[0] for at_ms in (200, 240, 280)]
    assert [face.match.person_id for face in told] == [None, None, "eve"]
    assert (told[2].match.searched, told[2].match.encoded_at, scene.encodings) == ("exact", "f0", 1)


def test_a_gallery_that_does_not_change_is_not_asked_again(stage, gallery, ada, stranger):
    scene = stage(gallery)
    for at_ms in range(0, 3_000, 40):
        scene.frame(at_ms, ada(), stranger())
    assert gallery.asked == ["exact", "exact"]


def test_only_the_better_of_two_like_faces_bears_the_name(stage, gallery, scripted):
    better, other = scripted.Actor(600, scripted.leaning(0.95, 0)), scripted.Actor(200, scripted.leaning(0.7, 0))
    first, second = stage(gallery).frame(0, other, better)
    assert [(face.status, face.match.person_id) for face in (first, second)] == [("pending", None), ("matched", "ada")]
    mirrored = stage(gallery, one_track_a_person=False).frame(0, other, better)
    assert [face.match.person_id for face in mirrored] == ["ada", "ada"]


def test_the_other_bears_the_name_when_the_better_has_left(stage, gallery, scripted):
    scene = stage(gallery)
    other = scripted.Actor(200, scripted.leaning(0.7, 0))
    scene.frame(0, other, scripted.Actor(600, scripted.leaning(0.95, 0)))
    (left,) = scene.frame(40, other)
    assert (left.match.person_id, left.encoded) == ("ada", False)


def test_identities_do_not_pass_from_one_gallery_to_another(stage, gallery, ada, scripted):
    scene = stage(gallery)
    scene.frame(0, ada())
    scene.gallery = scripted.FakeGallery({"someone": scripted.axis(0)})
    (face,) = scene.frame(40, ada())
    assert (face.match.person_id, face.match.gallery_size, face.encoded) == ("someone", 1, False)
    scene.gallery = scripted.FakeGallery({"someone": scripted.axis(3)})
    (face,) = scene.frame(60, ada())
    assert (face.status, face.match.person_id) == ("unknown", None)
    scene.gallery = scripted.FakeGallery()
    (face,) = scene.frame(80, ada())
    assert (face.status, face.match.person_id, face.match.gallery_size) == ("unknown", None, 0)


def test_time_that_stands_still_or_steps_back_a_little_keeps_the_tracks(stage, gallery, ada):
    scene = stage(gallery)
    for n, (at_ms, remembered_ms) in enumerate(((500, 500), (500, 500), (100, 500), (300, 500), (540, 540))):
        (face,) = scene.frame(at_ms, ada(200 + n), ref=f"e{n}")
        assert (face.track_id, face.match.person_id) == ("e0.0", "ada")
        assert scene.scene.at_ms == remembered_ms


def test_another_clock_begins_anew(stage, gallery, ada):
    scene = stage(gallery)
    scene.frame(1_000_000, ada())
    (face,) = scene.frame(5, ada())
    assert (face.track_id, scene.scene.at_ms) == ("f5.0", 5)


def test_only_so_many_tracks_are_remembered_out_of_sight(stage, gallery, scripted):
    scene = stage(gallery, max_resting=2)
    for n in range(5):
        scene.frame(1_500 * n, scripted.Actor(200, scripted.axis(n + 2)))
    scene.frame(7_500)
    assert [track.track_id for track in scene.scene.tracks] == ["f6000.0", "f4500.0"]
    assert set(scene.scene.portraits) == {"f6000.0", "f4500.0"}


def test_a_frame_that_comes_again_changes_no_id(stage, gallery, ada, ben):
    scene = stage(gallery)
    once = scene.frame(0, ada(), ben())
    again = scene.frame(0, ada(), ben())
    assert [face.track_id for face in again] == [face.track_id for face in once]
    assert scene.encodings == 2


def test_equal_scenes_give_equal_ids(stage, scripted, stranger):
    def ids():
        scene = stage(scripted.FakeGallery())
        return [face.track_id for n in range(9) for face in scene.frame(700 * n, stranger(90 * n), stranger(800, 6))]

    assert ids() == ids()


@pytest.mark.parametrize("missed", [3, 8, 20])
def test_short_misses_lose_neither_id_nor_name(stage, gallery, ada, missed):
    scene = stage(gallery)
    for frame in range(5):
        scene.frame(40 * frame, ada())
    for frame in range(5, 5 + missed):
        scene.frame(40 * frame)
    (face,) = scene.frame(40 * (5 + missed), ada())
    assert (face.track_id, face.match.person_id) == ("f0.0", "ada")
    assert scene.encodings == (1 if missed == 3 else 2)
