"""The frame's way from bytes to matches, and a picture's way to an enrollment, in one screen."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from models import abort
from models.types import (
    Detections,
    EnrollmentReason,
    EnrollmentRefusal,
    EnrollmentView,
    Face,
    Float32,
    FrameResult,
    Match,
    Picture,
    Quality,
    RejectReason,
)
from models.vision.decode import Decoder
from models.vision.detect import Detector
from models.vision.encode import Encoder
from models.vision.follow.follower import Follower, Moment, Scene
from models.vision.follow.identity import Searchable
from models.vision.follow.settings import FollowSettings
from models.vision.follow.tracker import MotionTracker
from models.vision.quality import QualityGate

_NOBODY = frozenset({RejectReason.TOO_SMALL, RejectReason.LOW_CONFIDENCE})
"""Why a face in an enrollment picture does not count: no feature could be made of it, or it may be none."""


class CameraState:
    """What is remembered of one camera. Opaque; not thread-safe: one frame of a camera at a time.

    Holds embeddings and person ids of the faces in sight; it goes when its camera's lane goes.
    """

    __slots__ = ("_scene",)

    def __init__(self) -> None:
        self._scene = Scene()


class Recognizer:
    """Recognises the faces of frames. Holds no camera's state: one serves all threads, if its parts do.

    timer: monotonic seconds, for timings_s alone; no decision rests on it.
    """

    def __init__(
        self,
        *,
        decoder: Decoder,
        detector: Detector,
        gate: QualityGate,
        encoder: Encoder,
        follow: FollowSettings,
        timer: Callable[[], float],
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._gate = gate
        self._encoder = encoder
        self._follower = Follower(MotionTracker(coast_ms=follow.coast_ms, max_gap_ms=follow.max_gap_ms), follow)
        self._timer = timer

    def new_camera(self) -> CameraState:
        """The state of a camera of which no frame was seen."""
        return CameraState()

    def recognize(
        self, encoded: bytes, camera: CameraState, gallery: Searchable, *, frame_ref: str, at_ms: int
    ) -> FrameResult:
        """Who is in this frame.

        frame_ref: names the frame in track ids and in Match.encoded_at. at_ms: the broker's append time; it may
        stand still, jump, or step back. Raises PictureError for bytes that are no picture, AbortedError when it is
        told to end (`models.abort`); when anything is raised, `camera` is as it was before.
        """
        times = [self._timer()]
        picture = self._decoder.decode(encoded)
        abort.check()
        times.append(self._timer())
        detections = self._detector.detect(picture)
        times.append(self._timer())
        qualities = self._gate.assess(picture, detections)
        moment = self._follower.follow(camera._scene, detections, qualities, frame_ref=frame_ref, at_ms=at_ms)
        times.append(self._timer())
        embeddings = self._encoded(picture, detections, moment.rows)
        abort.check()
        times.append(self._timer())
        moment = self._follower.learn(moment, embeddings)
        matches, scene = self._follower.state(moment, gallery)
        times.append(self._timer())
        faces = _faces(picture, detections, moment, matches)
        camera._scene = scene
        spent_s = (later - sooner for sooner, later in pairwise(times))
        return FrameResult(
            width_px=picture.width_px,
            height_px=picture.height_px,
            media_type=picture.media_type,
            faces=faces,
            timings_s=dict(zip(("decode", "detect", "follow", "encode", "match"), spent_s, strict=True)),
            encodings=len(moment.rows),
        )

    def check(self, encoded: bytes) -> None:
        """Raise PictureError for bytes that `recognize` and `examine` refuse as no picture; nobody looks at it."""
        self._decoder.decode(encoded)

    def examine(self, encoded: bytes) -> EnrollmentView | EnrollmentRefusal:
        """The one good face of an enrollment picture, or why there is none. Raises PictureError and AbortedError.

        Consent belongs to one person, so a second face refuses the picture however small it is beside the first,
        with one exception: a face that is too small to be recognised, or too faint to be surely a face, does not
        count beside another. A second person who is merely turned away or blurred does.
        """
        picture = self._decoder.decode(encoded)
        abort.check()
        detections = self._detector.detect(picture)
        qualities = self._gate.assess(picture, detections)
        counted = [row for row, quality in enumerate(qualities) if quality.reject_reason not in _NOBODY]
        if not counted and qualities:
            counted = [max(range(len(qualities)), key=lambda row: qualities[row].face_px)]
        if len(counted) != 1:
            several = EnrollmentReason.SEVERAL_FACES if counted else EnrollmentReason.NO_FACE
            return _refusal(picture, detections, several, None, len(counted))
        quality = qualities[counted[0]]
        if quality.reject_reason is not None:
            return _refusal(picture, detections, EnrollmentReason.LOW_QUALITY, quality, 1)
        embedding = self._encoded(picture, detections, (counted[0],))[0]
        return EnrollmentView(embedding, quality, picture.width_px, picture.height_px, picture.media_type)

    def _encoded(self, picture: Picture, detections: Detections, rows: tuple[int, ...]) -> Float32:
        """Embeddings of these detections, in that order; the encoder is not asked for none."""
        if not rows:
            return np.empty((0, 0), np.float32)
        return self._encoder.encode(picture, detections.landmarks_xy_px[list(rows)])


def _refusal(
    picture: Picture, detections: Detections, reason: EnrollmentReason, quality: Quality | None, faces: int
) -> EnrollmentRefusal:
    best_confidence = float(detections.scores.max()) if len(detections) else None
    return EnrollmentRefusal(
        reason, quality, faces, best_confidence, picture.width_px, picture.height_px, picture.media_type
    )


def _faces(picture: Picture, detections: Detections, moment: Moment, matches: tuple[Match, ...]) -> tuple[Face, ...]:
    """The faces in fractions of the frame. A box is clipped; one wholly outside lies on the edge with no area."""
    frame_wh = np.array([picture.width_px, picture.height_px], np.float32)
    corners = np.clip(detections.boxes_xyxy_px.reshape(-1, 2, 2) / frame_wh, 0.0, 1.0)
    sides = np.maximum(corners[:, 1] - corners[:, 0], 0.0)
    boxes_ltwh = np.concatenate([corners[:, 0], sides], axis=1).astype(np.float32)
    landmarks_xy = (detections.landmarks_xy_px / frame_wh).astype(np.float32)
    return tuple(
        Face(
            boxes_ltwh[row],
            landmarks_xy[row],
            float(detections.scores[row]),
            moment.qualities[row],
            track.track_id,
            match,
        )
        for row, (track, match) in enumerate(zip(moment.seen, matches, strict=True))
    )
