from streams.demo.judge import Fault, judge
from streams.demo.truth import FrameTruth, TruthFace

AT_ADA, AT_BEN, NOWHERE = (0.1, 0.1, 0.2, 0.2), (0.6, 0.1, 0.2, 0.2), (0.4, 0.7, 0.1, 0.1)
FILM = [
    FrameTruth("lobby", number, (TruthFace("ada", AT_ADA, True), TruthFace("ben", AT_BEN, True)))
    for number in range(12)
]
ALL = [frame.frame_id for frame in FILM]


def judged(recognitions, sightings=(), film=FILM, enrolled=("ada", "cleo")):
    return judge(film, recognitions, sightings, enrolled=enrolled, visit_timeout_frames=5)


def test_right_names_and_right_unknowns_are_no_fault(recognition, sighting) -> None:
    said = [recognition(id_, (AT_ADA, "matched", "ada"), (AT_BEN, "unknown", None)) for id_ in ALL]
    verdict = judged(said, [sighting("v1", "ada"), sighting("v1", "ada", "exit")])
    assert verdict.frames_published == verdict.frames_recognised == 12
    assert verdict.frames_missing == verdict.wrong_names == verdict.strangers_named == ()
    assert verdict.enrolled_faces == {"matched": 12}
    assert verdict.stranger_faces == {"unknown": 12}
    ada, cleo = verdict.persons
    assert (ada.face_frames, ada.named, ada.visits, ada.sightings) == (12, 12, 1, 1)
    assert ada.expected
    assert ada.found
    assert (cleo.expected, cleo.found) == (False, False)


def test_a_missing_frame_is_named(recognition) -> None:
    verdict = judged([recognition(id_) for id_ in ALL if id_ != "lobby-00007"])
    assert verdict.frames_missing == ("lobby-00007",)
    assert verdict.frames_recognised == 11


def test_another_persons_name_is_wrong(recognition) -> None:
    verdict = judged([recognition(ALL[0], (AT_ADA, "matched", "cleo"))])
    assert verdict.wrong_names == (Fault("lobby-00000", "cleo", "ada"),)
    assert verdict.strangers_named == ()
    assert verdict.enrolled_faces == {"misnamed": 1}


def test_a_named_stranger_is_a_fault_of_its_own(recognition) -> None:
    verdict = judged([recognition(ALL[0], (AT_BEN, "matched", "ada"))])
    assert verdict.strangers_named == (Fault("lobby-00000", "ada", "ben"),)
    assert verdict.wrong_names == ()
    assert verdict.stranger_faces == {"misnamed": 1}


def test_a_name_where_nobody_is_counts_as_a_stranger(recognition) -> None:
    verdict = judged([recognition(ALL[0], (NOWHERE, "matched", "ada"))])
    assert verdict.strangers_named == (Fault("lobby-00000", "ada", None),)


def test_at_the_border_silence_is_no_fault_but_a_wrong_name_is(recognition) -> None:
    film = [FrameTruth("lobby", 0, (TruthFace("ada", AT_ADA, False), TruthFace("ben", AT_BEN, False)))]
    silent = judged([recognition("lobby-00000", (AT_ADA, "pending", None))], film=film)
    assert silent.enrolled_faces == silent.stranger_faces == {}
    assert silent.wrong_names == silent.strangers_named == ()
    loud = judged([recognition("lobby-00000", (AT_ADA, "matched", "cleo"), (AT_BEN, "matched", "ada"))], film=film)
    assert loud.wrong_names == (Fault("lobby-00000", "cleo", "ada"),)
    assert loud.strangers_named == (Fault("lobby-00000", "ada", "ben"),)


def test_statuses_are_counted_by_face_frame(recognition) -> None:
    said = [
        recognition(ALL[0], (AT_ADA, "pending", None)),
        recognition(ALL[1], (AT_ADA, "matched", "ada"), (AT_BEN, "rejected", None)),
        recognition(ALL[2]),
    ]
    verdict = judged(said)
    assert verdict.enrolled_faces == {"pending": 1, "matched": 1, "unseen": 1}
    assert verdict.stranger_faces == {"unseen": 2, "rejected": 1}


def test_of_two_boxes_on_one_face_the_nearer_counts_and_both_are_judged(recognition) -> None:
    beside = (0.15, 0.1, 0.2, 0.2)
    verdict = judged([recognition(ALL[0], (AT_ADA, "matched", "ada"), (beside, "matched", "cleo"))])
    assert verdict.enrolled_faces == {"matched": 1}
    assert verdict.wrong_names == (Fault("lobby-00000", "cleo", "ada"),)


def test_a_repeated_recognition_counts_once_but_hides_no_fault(recognition) -> None:
    said = [recognition(ALL[0], (AT_ADA, "matched", "cleo")), recognition(ALL[0], (AT_ADA, "matched", "ada"))]
    verdict = judged(said)
    assert verdict.frames_recognised == 1
    assert verdict.enrolled_faces == {"matched": 1}
    assert len(verdict.wrong_names) == 1


def test_others_frames_are_ignored(recognition) -> None:
    verdict = judged([recognition(None, (AT_BEN, "matched", "ada")), recognition("attic-00000")])
    assert verdict.frames_recognised == 0
    assert verdict.strangers_named == ()


def test_a_sighting_by_a_camera_that_never_films_the_person_is_a_fault(sighting) -> None:
    told = [sighting("v1", "cleo"), sighting("v1", "cleo", "exit"), sighting("v2", "cleo", camera_id="attic")]
    verdict = judged([], told)
    assert verdict.strangers_named == (Fault("v1", "cleo", None),)


def test_named_visits_are_counted_once_each(sighting) -> None:
    told = [
        sighting("v1", None),
        sighting("v1", "ada", "update"),
        sighting("v1", "ada", "exit"),
        sighting("v2", "ada"),
        sighting("v3", "ada", camera_id="attic"),
    ]
    assert judged([], told).persons[0].sightings == 2


def test_a_name_without_a_sighting_is_not_found(recognition) -> None:
    verdict = judged([recognition(ALL[0], (AT_ADA, "matched", "ada"))])
    assert verdict.persons[0].expected
    assert not verdict.persons[0].found
