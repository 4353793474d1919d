"""Builders of the records that the demo judges."""

from collections.abc import Callable

import pytest

from streams.wire import records as wire

Said = tuple[tuple[float, float, float, float], str, str | None]


@pytest.fixture
def recognition() -> Callable[..., wire.Recognition]:
    """A recognition of a frame that says (box, status, person) of each face."""

    def make(
        frame_id: str | None,
        *said: Said,
        camera_id: str = "lobby",
        searched: str | None = "exact",
        encoded_at: str = "e1",
    ) -> wire.Recognition:
        return wire.Recognition(
            event_id="event",
            camera_id=camera_id,
            frame_id=frame_id,
            account="main",
            region="eu",
            gallery="default",
            captured_at_ms=None,
            received_at_ms=0,
            processed_at_ms=0,
            frame=wire.FrameSize(width_px=640, height_px=360),
            faces=[
                _face(number, box, status, person_id, searched, encoded_at)
                for number, (box, status, person_id) in enumerate(said)
            ],
            timings_ms=wire.Timings(decode=0, detect=0, encode=0, match=0),
            models=wire.ModelNames(detector="d", encoder="e", template_key="k"),
        )

    return make


def _face(
    number: int,
    box: tuple[float, float, float, float],
    status: str,
    person_id: str | None,
    searched: str | None,
    encoded_at: str,
) -> wire.RecognizedFace:
    left, top, width, height = box
    return wire.RecognizedFace(
        box=wire.Box(left=left, top=top, width=width, height=height),
        landmarks=[(0.5, 0.5)] * 5,
        confidence=0.9,
        quality=wire.FaceQuality(score=0.8, face_px=60, sharpness=0.5, yaw_deg=0, reject_reason=None),
        track_id=f"t{number}",
        match=wire.FaceMatch(
            status=status,
            person_id=person_id,
            similarity=None,
            threshold=None,
            margin=None,
            gallery_size=4,
            searched=searched,
            encoded_at=encoded_at,
        ),
    )


@pytest.fixture
def sighting() -> Callable[..., wire.Sighting]:
    """A sighting of a person by a camera."""

    def make(visit_id: str, person_id: str | None, event: str = "enter", camera_id: str = "lobby") -> wire.Sighting:
        return wire.Sighting(
            event=event,
            event_id="event",
            visit_id=visit_id,
            camera_id=camera_id,
            account="main",
            region="eu",
            gallery="default",
            person_id=person_id,
            first_seen_ms=0,
            last_seen_ms=0,
            frames=1,
            best_similarity=None,
        )

    return make
