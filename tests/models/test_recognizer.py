"""The frame's way with scripted parts, where every figure is known, then with the real ones on real faces."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from models.abort import Abort
from models.errors import AbortedError, PictureCode, PictureError
from models.gallery.gallery import Gallery
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.recognizer import Recognizer
from models.types import (
    Detections,
    EnrollmentReason,
    EnrollmentRefusal,
    EnrollmentView,
    MatchStatus,
    Picture,
    Quality,
    RejectReason,
    Searched,
)
from models.vision.decode import OpenCVDecoder
from models.vision.follow.settings import FollowSettings
from models.vision.quality import LandmarkQualityGate, QualitySettings

DIMENSION = 128


def vector(person):
    drawn = np.random.default_rng(person).normal(size=DIMENSION)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


class World:
    """All four parts at once: what the camera shows is set from outside. A face is (person, box, reject reason)."""

    name = "world"

    def __init__(self):
        self.faces = []
        self.broken = None
        self.asked_to_encode = []

    def show(self, *faces):
        self.faces = list(faces)

    def decode(self, encoded):
        if not encoded:
            raise PictureError(PictureCode.EMPTY, "no bytes")
        return Picture(np.zeros((360, 640, 3), np.uint8), "image/jpeg")

    def detect(self, picture):
        n = len(self.faces)
        boxes = np.array([box for _, box, _ in self.faces], np.float32).reshape(-1, 4)
        landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
        return Detections(boxes, landmarks, np.full(n, 0.9, np.float32))

    def assess(self, picture, detections):
        widths = (detections.boxes_xyxy_px[:, 2] - detections.boxes_xyxy_px[:, 0]).astype(int)
        return tuple(
            Quality(0.8, int(width), 0.8, 0.0, reject) for width, (_, _, reject) in zip(widths, self.faces, strict=True)
        )

    def encode(self, picture, landmarks_xy_px):
        if self.broken == "encode":
            raise RuntimeError("the network fell over")
        self.asked_to_encode.append(len(landmarks_xy_px))
        by_corner = {tuple(np.float32(box[:2])): person for person, box, _ in self.faces}
        return np.stack([vector(by_corner[tuple(points[0])]) for points in landmarks_xy_px])


@pytest.fixture
def world():
    return World()


@pytest.fixture
def recognizer(world):
    ticks = iter(range(10**6))
    return Recognizer(
        decoder=world,
        detector=world,
        gate=world,
        encoder=world,
        follow=FollowSettings(),
        timer=lambda: next(ticks) / 4,
    )


@pytest.fixture(scope="module")
def protector():
    return Protector(TemplateKey("tk-test", bytes(range(32))))


@pytest.fixture
def gallery(protector):
    """Persons 1 and 2, as p1 and p2."""
    gallery = Gallery(protector, impostor_mean=0.10, impostor_deviation=0.11)
    for person in (1, 2):
        gallery.add(f"p{person}", "f", protector.protect(vector(person)))
    return gallery


LEFT, RIGHT = (64, 90, 128, 180), (320, 90, 384, 180)


def test_a_frame_becomes_a_result(recognizer, world, gallery):
    world.show((1, LEFT, None), (3, RIGHT, None))
    result = recognizer.recognize(b"jpeg", recognizer.new_camera(), gallery, frame_ref="e-0", at_ms=0)
    assert (result.width_px, result.height_px, result.media_type) == (640, 360, "image/jpeg")
    assert result.timings_s == {"decode": 0.25, "detect": 0.25, "follow": 0.25, "encode": 0.25, "match": 0.25}
    assert (result.encodings, world.asked_to_encode) == (2, [2])
    known, stranger = result.faces
    np.testing.assert_array_equal(known.box_ltwh, np.array([0.1, 0.25, 0.1, 0.25], np.float32))
    np.testing.assert_allclose(known.landmarks_xy, np.full((5, 2), (0.1, 0.25)), rtol=1e-6)
    assert (known.track_id, stranger.track_id) == ("e-0.0", "e-0.1")
    assert (known.match.status, known.match.person_id, known.match.gallery_size) == (MatchStatus.MATCHED, "p1", 2)
    assert (known.match.searched, known.match.encoded_at) == (Searched.EXACT, "e-0")
    assert known.match.threshold == gallery.threshold()
    assert known.match.similarity == round(known.match.similarity, 2) > 0.9
    assert (stranger.match.status, stranger.match.person_id) == (MatchStatus.UNKNOWN, None)
    assert known.confidence == pytest.approx(0.9)


def test_the_next_frame_follows_and_encodes_nothing(recognizer, world, gallery):
    camera = recognizer.new_camera()
    world.show((1, LEFT, None))
    recognizer.recognize(b"jpeg", camera, gallery, frame_ref="e-0", at_ms=0)
    result = recognizer.recognize(b"jpeg", camera, gallery, frame_ref="e-1", at_ms=40)
    assert (result.encodings, world.asked_to_encode) == (0, [1])
    assert (result.faces[0].track_id, result.faces[0].match.encoded_at) == ("e-0.0", "e-0")


def test_a_frame_without_faces_is_a_result(recognizer, gallery):
    result = recognizer.recognize(b"jpeg", recognizer.new_camera(), gallery, frame_ref="e-0", at_ms=0)
    assert (result.faces, result.encodings) == ((), 0)


def test_boxes_are_clipped_and_landmarks_are_not(recognizer, world, gallery):
    world.show((1, (-64, -90, 64, 90), None), (2, (576, 270, 704, 450), None), (3, (700, 20, 800, 120), None))
    result = recognizer.recognize(b"jpeg", recognizer.new_camera(), gallery, frame_ref="e-0", at_ms=0)
    assert [face.box_ltwh.tolist() for face in result.faces] == [
        pytest.approx([0.0, 0.0, 0.1, 0.25]),
        pytest.approx([0.9, 0.75, 0.1, 0.25]),
        pytest.approx([1.0, 20 / 360, 0.0, 100 / 360]),
    ]
    assert result.faces[0].landmarks_xy[0].tolist() == pytest.approx([-0.1, -0.25])


def test_a_box_turned_inside_out_has_no_area(recognizer, world, gallery):
    world.show((1, (128, 180, 64, 90), None))
    result = recognizer.recognize(b"jpeg", recognizer.new_camera(), gallery, frame_ref="e-0", at_ms=0)
    assert result.faces[0].box_ltwh.tolist() == pytest.approx([0.2, 0.5, 0.0, 0.0])


class BrokenGallery(Gallery):
    def search(self, probe, *, k=2, exact=False):
        raise RuntimeError("no memory")


@pytest.mark.parametrize("where", ["decode", "encode", "search"])
def test_a_frame_that_fails_leaves_the_camera_as_it_was(recognizer, world, gallery, protector, where):
    camera = recognizer.new_camera()
    world.show((1, LEFT, None))
    recognizer.recognize(b"jpeg", camera, gallery, frame_ref="e-0", at_ms=0)
    before = camera._scene
    world.show((1, LEFT, None), (3, RIGHT, None))
    world.broken = where
    broken = BrokenGallery(protector, impostor_mean=0.10, impostor_deviation=0.11)
    with pytest.raises(PictureError if where == "decode" else RuntimeError):
        recognizer.recognize(
            b"" if where == "decode" else b"jpeg",
            camera,
            broken if where == "search" else gallery,
            frame_ref="e-1",
            at_ms=40,
        )
    assert camera._scene is before
    world.broken = None
    result = recognizer.recognize(b"jpeg", camera, gallery, frame_ref="e-1", at_ms=40)
    assert [face.track_id for face in result.faces] == ["e-0.0", "e-1.1"]
    assert result.encodings == 1


@pytest.mark.parametrize("step", ["decode", "encode"])
def test_a_frame_that_is_told_to_end_leaves_the_camera_as_it_was(recognizer, world, gallery, monkeypatch, step):
    camera = recognizer.new_camera()
    world.show((1, LEFT, None))
    before, plain = camera._scene, getattr(world, step)
    with Abort() as abort:

        def told_meanwhile(*given):
            abort.set()
            return plain(*given)

        monkeypatch.setattr(world, step, told_meanwhile)
        with pytest.raises(AbortedError):
            recognizer.recognize(b"jpeg", camera, gallery, frame_ref="e-0", at_ms=0)
    assert camera._scene is before


def test_an_examination_can_be_told_to_end(recognizer, world):
    world.show((1, LEFT, None))
    with Abort() as abort:
        abort.set()
        with pytest.raises(AbortedError):
            recognizer.examine(b"jpeg")


def test_cameras_know_nothing_of_each_other(recognizer, world, gallery):
    first, second = recognizer.new_camera(), recognizer.new_camera()
    world.show((1, LEFT, None))
    recognizer.recognize(b"jpeg", first, gallery, frame_ref="a", at_ms=0)
    assert recognizer.recognize(b"jpeg", second, gallery, frame_ref="b", at_ms=0).faces[0].track_id == "b.0"
    assert recognizer.recognize(b"jpeg", first, gallery, frame_ref="c", at_ms=40).faces[0].track_id == "a.0"


def test_enrolling_and_forgetting_show_in_the_next_frame(recognizer, world, gallery, protector):
    camera = recognizer.new_camera()
    world.show((1, LEFT, None), (3, RIGHT, None))
    told = []
    for at_ms, change in ((0, None), (1_000, "enroll"), (1_040, "forget")):
        if change == "enroll":
            gallery.add("p3", "f", protector.protect(vector(3)))
        if change == "forget":
            gallery.forget("p1")
        result = recognizer.recognize(b"jpeg", camera, gallery, frame_ref=f"e-{at_ms}", at_ms=at_ms)
        told.append([face.match.person_id for face in result.faces])
    assert told == [["p1", None], ["p1", "p3"], [None, "p3"]]


def test_the_picture_of_one_good_face_is_examined(recognizer, world):
    world.show((1, LEFT, None))
    found = recognizer.examine(b"jpeg")
    assert isinstance(found, EnrollmentView)
    np.testing.assert_array_equal(found.embedding, vector(1))
    assert (found.quality.face_px, found.width_px, found.height_px, found.media_type) == (64, 640, 360, "image/jpeg")
    assert "embedding" not in repr(found)


TINY, FAINT, TURNED = RejectReason.TOO_SMALL, RejectReason.LOW_CONFIDENCE, RejectReason.TURNED


@pytest.mark.parametrize(
    ("rejects", "reason", "reject_reason", "faces"),
    [
        ((), EnrollmentReason.NO_FACE, None, 0),
        ((None, None), EnrollmentReason.SEVERAL_FACES, None, 2),
        ((None, TURNED), EnrollmentReason.SEVERAL_FACES, None, 2),
        ((TURNED,), EnrollmentReason.LOW_QUALITY, TURNED, 1),
        ((TURNED, TINY), EnrollmentReason.LOW_QUALITY, TURNED, 1),
        ((TINY,), EnrollmentReason.LOW_QUALITY, TINY, 1),
        ((TINY, FAINT), EnrollmentReason.LOW_QUALITY, FAINT, 1),
    ],
)
def test_a_picture_that_enrolls_nobody_is_refused_with_the_reason(
    recognizer, world, rejects, reason, reject_reason, faces
):
    world.show(*((n, (100 * n, 0, 100 * n + 60 + n, 60), reject) for n, reject in enumerate(rejects)))
    found = recognizer.examine(b"jpeg")
    assert isinstance(found, EnrollmentRefusal)
    assert (found.reason, found.reject_reason, found.faces) == (reason, reject_reason, faces)
    assert (found.width_px, found.height_px, found.media_type) == (640, 360, "image/jpeg")
    assert (found.best_confidence is None, found.quality is None) == (not rejects, reject_reason is None)
    assert world.asked_to_encode == []


def test_a_face_too_small_to_be_anybody_beside_a_good_one_does_not_count(recognizer, world):
    world.show((1, LEFT, None), (2, RIGHT, TINY))
    found = recognizer.examine(b"jpeg")
    assert isinstance(found, EnrollmentView)
    np.testing.assert_array_equal(found.embedding, vector(1))


def test_bytes_that_are_no_picture_are_refused(recognizer):
    with pytest.raises(PictureError):
        recognizer.examine(b"")


@pytest.fixture(scope="module")
def real(pack, protector):
    """The real parts, and a gallery for them."""
    recognizer = Recognizer(
        decoder=OpenCVDecoder(max_bytes=4_000_000, max_pixels=20_000_000),
        detector=pack.detector(),
        gate=LandmarkQualityGate(QualitySettings()),
        encoder=pack.encoder(),
        follow=FollowSettings(),
        timer=lambda: 0.0,
    )
    gallery = Gallery(protector, impostor_mean=pack.impostor_mean, impostor_deviation=pack.impostor_deviation)
    return SimpleNamespace(recognizer=recognizer, gallery=gallery)


def jpeg(pixels_bgr):
    return cv2.imencode(".jpg", pixels_bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def test_a_film_of_six_people_names_the_four_who_are_enrolled(real, protector, six_people):
    found = real.recognizer._detector.detect(six_people)
    boxes = found.boxes_xyxy_px[np.argsort(found.boxes_xyxy_px[:, 0])]
    for n, (left, top, right, bottom) in enumerate(boxes[:4].astype(int)):
        alone = six_people.pixels_bgr[max(0, top - 30) : bottom + 30, max(0, left - 20) : right + 20]
        view = real.recognizer.examine(jpeg(alone))
        assert isinstance(view, EnrollmentView)
        real.gallery.add(f"p{n}", "f", protector.protect(view.embedding))

    camera, encodings, names, ids = real.recognizer.new_camera(), 0, [], []
    for frame in range(25):
        moved = np.float32([[0.8, 0, -3 * frame], [0, 0.8, 2 * frame - 25]])
        film = cv2.warpAffine(six_people.pixels_bgr, moved, (1024, 700), borderMode=cv2.BORDER_REPLICATE)
        result = real.recognizer.recognize(jpeg(film), camera, real.gallery, frame_ref=f"e-{frame}", at_ms=40 * frame)
        faces = sorted(result.faces, key=lambda face: face.box_ltwh[0])
        encodings += result.encodings
        names.append([face.match.person_id for face in faces])
        ids.append([face.track_id for face in faces])
    assert [len(row) for row in ids] == [6] * 25
    assert ids[1:] == ids[:-1]
    assert names[-1] == ["p0", "p1", "p2", "p3", None, None]
    assert all(name in (None, last) for row in names for name, last in zip(row, names[-1], strict=True))
    assert [face.match.status for face in faces[4:]] == [MatchStatus.UNKNOWN] * 2
    assert encodings <= 20


def test_the_six_together_enroll_nobody(real, six_people_jpeg):
    refusal = real.recognizer.examine(six_people_jpeg)
    assert isinstance(refusal, EnrollmentRefusal)
    assert (refusal.reason, refusal.faces) == (EnrollmentReason.SEVERAL_FACES, 6)
