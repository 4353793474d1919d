"""A frame's result as the record that goes out: fractions, milliseconds, rounded numbers."""

from collections.abc import Mapping

from models.types import Face, FrameResult, Match
from streams.agents.quality import face_quality, fraction
from streams.wire.headers import Deployment, FrameHeaders
from streams.wire.records import (
    Box,
    FaceMatch,
    FrameSize,
    LoggedFace,
    LoggedPerson,
    ModelNames,
    Recognition,
    RecognizedFace,
    Timings,
)


def recognition(
    result: FrameResult,
    headers: FrameHeaders,
    *,
    event_id: str,
    camera_id: str,
    deployment: Deployment,
    gallery: str,
    received_at_ms: int,
    processed_at_ms: int,
    models: ModelNames,
) -> Recognition:
    """The record of a frame that was recognised."""
    return Recognition(
        event_id=event_id,
        camera_id=camera_id,
        frame_id=headers.frame_id,
        account=deployment.account,
        region=deployment.region,
        gallery=gallery,
        captured_at_ms=headers.captured_at_ms,
        received_at_ms=received_at_ms,
        processed_at_ms=processed_at_ms,
        frame=FrameSize(width_px=result.width_px, height_px=result.height_px),
        faces=[_face(face) for face in result.faces],
        timings_ms=_timings(result.timings_s),
        models=models,
    )


def logged_persons(result: FrameResult, gallery: str) -> list[LoggedPerson]:
    """What the running log keeps, sealed, of each person in the frame."""
    by_person: dict[str, list[LoggedFace]] = {}
    for face in result.faces:
        if face.match.person_id is not None:
            by_person.setdefault(face.match.person_id, []).append(_logged(face))
    return [
        LoggedPerson(gallery=gallery, person_id=person_id, results=results) for person_id, results in by_person.items()
    ]


def logged_nobody(result: FrameResult) -> list[LoggedFace]:
    """What the running log keeps of the faces that were matched with nobody.

    How near a stranger came to somebody is left out: no bill needs it, and the log is kept for life.
    """
    return [
        LoggedFace(track_id=face.track_id, status=face.match.status.value, similarity=None)
        for face in result.faces
        if face.match.person_id is None
    ]


def _logged(face: Face) -> LoggedFace:
    return LoggedFace(track_id=face.track_id, status=face.match.status.value, similarity=face.match.similarity)


def _face(face: Face) -> RecognizedFace:
    left, top, width, height = (fraction(value) for value in face.box_ltwh)
    return RecognizedFace(
        box=Box(left=left, top=top, width=width, height=height),
        landmarks=[(round(float(x), 4), round(float(y), 4)) for x, y in face.landmarks_xy],
        confidence=fraction(face.confidence),
        quality=face_quality(face.quality),
        track_id=face.track_id,
        match=_match(face.match),
    )


def _match(match: Match) -> FaceMatch:
    return FaceMatch(
        status=match.status.value,
        person_id=match.person_id,
        similarity=match.similarity,
        threshold=None if match.threshold is None else round(match.threshold, 4),
        margin=match.margin,
        gallery_size=match.gallery_size,
        searched=None if match.searched is None else match.searched.value,
        encoded_at=match.encoded_at,
    )


def _timings(seconds: Mapping[str, float]) -> Timings:
    def milliseconds(step: str) -> float:
        return round(1000 * seconds.get(step, 0.0), 3)

    return Timings(
        decode=milliseconds("decode"),
        detect=milliseconds("detect"),
        encode=milliseconds("encode"),
        match=milliseconds("match"),
    )
