"""What the metrics learn of a frame."""

import pytest
from prometheus_client import CollectorRegistry

from models.types import FrameResult
from streams.app.observer import NO_CAMERA, Observer
from streams.monitor.metrics import Metrics
from streams.wire.codes import Code
from streams.wire.headers import Caller, FrameHeaders
from streams.wire.records import FrameSize, ModelNames, Recognition, Timings


def record(captured_at_ms: int | None) -> Recognition:
    return Recognition(
        event_id="0a0b0c0d-camera-frames-0-0",
        camera_id="lobby",
        frame_id=FrameHeaders(caller=Caller()).frame_id,
        account="main",
        region="eu",
        gallery="default",
        captured_at_ms=captured_at_ms,
        received_at_ms=1000,
        processed_at_ms=1240,
        frame=FrameSize(width_px=640, height_px=360),
        faces=[],
        timings_ms=Timings(decode=1, detect=1, encode=0, match=0),
        models=ModelNames(detector="d", encoder="e", template_key="tk"),
    )


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def observer(registry) -> Observer:
    return Observer(Metrics(registry), lambda: 1250)


def test_a_recognised_frame_is_counted_timed_and_aged(observer, registry) -> None:
    result = FrameResult(640, 360, "image/jpeg", (), {"decode": 0.002, "detect": 0.004}, 3)
    observer.recognised(record(captured_at_ms=500), result)
    sample = registry.get_sample_value
    assert sample("facestreams_frames_total", {"code": "ok"}) == 1
    assert sample("facestreams_camera_frames_total", {"camera": "lobby"}) == 1
    assert sample("facestreams_encodings_total") == 3
    assert sample("facestreams_stage_seconds_sum", {"stage": "detect"}) == 0.004
    assert sample("facestreams_frame_age_seconds_sum", {"since": "received"}) == 0.25
    assert sample("facestreams_frame_age_seconds_sum", {"since": "captured"}) == 0.75


def test_a_frame_that_does_not_say_when_it_was_captured_has_no_such_age(observer, registry) -> None:
    observer.recognised(record(captured_at_ms=None), FrameResult(640, 360, "image/jpeg", (), {}, 0))
    assert registry.get_sample_value("facestreams_frame_age_seconds_count", {"since": "captured"}) is None


def test_a_refused_frame_is_counted_under_its_code_and_under_no_camera_if_none_could_be_read(
    observer, registry
) -> None:
    observer.refused(None, Code.BAD_KEY)
    assert registry.get_sample_value("facestreams_frames_total", {"code": "bad_key"}) == 1
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": NO_CAMERA}) == 1


def test_a_skipped_frame_is_counted_by_code_and_by_camera_and_is_no_failure() -> None:
    registry = CollectorRegistry()
    Observer(Metrics(registry), lambda: 1_250).skipped("lobby")
    assert registry.get_sample_value("facestreams_frames_total", {"code": "too_old"}) == 1
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "lobby"}) == 1
    assert registry.get_sample_value("facestreams_camera_frames_skipped_total", {"camera": "lobby"}) == 1
    assert registry.get_sample_value("facestreams_failures_total", {"code": "too_old"}) is None
