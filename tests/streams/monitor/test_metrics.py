"""What is counted, and under which labels."""

import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from streams.monitor.metrics import AGE_BUCKETS_S, OTHER_CAMERAS, STAGE_BUCKETS_S, Metrics


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return Metrics(registry)


def test_a_frame_is_counted_by_code_and_by_camera(metrics, registry):
    metrics.frame("lobby", "ok")
    metrics.frame("lobby", "truncated_picture")
    metrics.frame("gate", "ok")
    assert registry.get_sample_value("facestreams_frames_total", {"code": "ok"}) == 2
    assert registry.get_sample_value("facestreams_frames_total", {"code": "truncated_picture"}) == 1
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "lobby"}) == 2
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "gate"}) == 1


def test_cameras_beyond_the_cap_share_one_label(registry):
    metrics = Metrics(registry, max_camera_labels=2)
    for camera in ("a", "b", "c", "d", "a"):
        metrics.frame(camera, "ok")
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "a"}) == 2
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "b"}) == 1
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": OTHER_CAMERAS}) == 2
    assert registry.get_sample_value("facestreams_camera_frames_total", {"camera": "c"}) is None


def test_skipped_frames_are_counted_by_camera_under_the_same_cap(registry):
    metrics = Metrics(registry, max_camera_labels=1)
    for camera in ("a", "b", "c", "a"):
        metrics.frame_skipped(camera)
    assert registry.get_sample_value("facestreams_camera_frames_skipped_total", {"camera": "a"}) == 2
    assert registry.get_sample_value("facestreams_camera_frames_skipped_total", {"camera": OTHER_CAMERAS}) == 2


def test_stuck_threads_are_shown(metrics, registry):
    metrics.stuck(2)
    assert registry.get_sample_value("facestreams_stuck_threads") == 2


def test_what_expired_is_counted_by_topic(metrics, registry):
    metrics.expired("camera-frames", 30)
    metrics.expired("camera-frames", 2)
    assert registry.get_sample_value("facestreams_frames_expired_total", {"topic": "camera-frames"}) == 32


def test_the_longest_time_between_heartbeats_is_that_since_it_was_last_asked_for(metrics, registry):
    silence_s = 0.0
    metrics.watch_heartbeats(lambda: silence_s)
    for interval_s in (1.0, 4.0, 1.1):
        metrics.heartbeat_answered(interval_s)
    assert registry.get_sample_value("facestreams_heartbeat_interval_seconds_count") == 3
    assert registry.get_sample_value("facestreams_heartbeat_interval_seconds_bucket", {"le": "3.0"}) == 2
    generate_latest(registry)
    metrics.heartbeat_answered(1.2)
    assert longest(registry) == 1.2
    assert longest(registry) == 0.0
    silence_s = 2.5
    assert longest(registry) == 2.5


def longest(registry):
    """As one scrape has it."""
    [line] = [
        line
        for line in generate_latest(registry).decode().splitlines()
        if line.startswith("facestreams_heartbeat_longest_seconds ")
    ]
    return float(line.split()[1])


def test_threads_together_do_not_pass_the_cap(registry):
    metrics = Metrics(registry, max_camera_labels=5)

    def film(first):
        for number in range(first, first + 50):
            metrics.frame(f"camera-{number}", "ok")

    threads = [threading.Thread(target=film, args=(first,)) for first in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    samples = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "facestreams_camera_frames_total"
    ]
    assert len(samples) == 6
    assert sum(sample.value for sample in samples) == 200


def test_faces_are_counted_by_status_and_by_who_had_the_last_word(metrics, registry):
    metrics.face("matched", "exact")
    metrics.face("matched", "hnsw")
    metrics.face("rejected", None)
    assert registry.get_sample_value("facestreams_faces_total", {"status": "matched"}) == 2
    assert registry.get_sample_value("facestreams_faces_total", {"status": "rejected"}) == 1
    assert registry.get_sample_value("facestreams_searches_total", {"searched": "exact"}) == 1
    assert registry.get_sample_value("facestreams_searches_total", {"searched": "hnsw"}) == 1


def test_stages_and_ages_are_in_seconds_and_explicit_buckets(metrics, registry):
    metrics.stage("detect", 0.0048)
    metrics.frame_age(received_s=0.2, captured_s=-3.0)
    metrics.frame_age(received_s=0.4, captured_s=None)

    def at_most(name, labels, seconds):
        return registry.get_sample_value(f"facestreams_{name}_bucket", labels | {"le": str(seconds)})

    assert at_most("stage_seconds", {"stage": "detect"}, 0.0025) == 0
    assert at_most("stage_seconds", {"stage": "detect"}, 0.005) == 1
    assert at_most("frame_age_seconds", {"since": "received"}, 0.25) == 1
    assert registry.get_sample_value("facestreams_frame_age_seconds_sum", {"since": "received"}) == pytest.approx(0.6)
    assert registry.get_sample_value("facestreams_frame_age_seconds_sum", {"since": "captured"}) == 0
    assert registry.get_sample_value("facestreams_frame_age_seconds_count", {"since": "captured"}) == 1
    assert list(STAGE_BUCKETS_S) == sorted(set(STAGE_BUCKETS_S))
    assert list(AGE_BUCKETS_S) == sorted(set(AGE_BUCKETS_S))


def test_the_rest_is_counted_under_its_name(metrics, registry):
    metrics.encoded(3)
    metrics.encoded(0)
    metrics.failed("no_face")
    metrics.record_refused("bad_seal")
    metrics.gallery("default", persons=2, features=5)
    metrics.state(view_age_s=0.3, in_flight=7)
    assert registry.get_sample_value("facestreams_encodings_total") == 3
    assert registry.get_sample_value("facestreams_failures_total", {"code": "no_face"}) == 1
    assert registry.get_sample_value("facestreams_record_refusals_total", {"code": "bad_seal"}) == 1
    assert registry.get_sample_value("facestreams_gallery_persons", {"gallery": "default"}) == 2
    assert registry.get_sample_value("facestreams_gallery_features", {"gallery": "default"}) == 5
    assert registry.get_sample_value("facestreams_view_age_seconds") == 0.3
    assert registry.get_sample_value("facestreams_in_flight_requests") == 7


def test_what_is_not_deleted_has_an_age_by_topic(metrics, registry):
    metrics.undeleted("camera-frames", 2.5)
    metrics.undeleted("camera-frames", 0.0)
    metrics.undeleted("gallery-commands", 31.0)
    name = "facestreams_pictures_undeleted_seconds"
    assert registry.get_sample_value(name, {"topic": "camera-frames"}) == 0.0
    assert registry.get_sample_value(name, {"topic": "gallery-commands"}) == 31.0


def test_two_workers_of_one_process_do_not_share_counts():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    Metrics(ours).encoded(1)
    Metrics(theirs).encoded(5)
    assert ours.get_sample_value("facestreams_encodings_total") == 1


def test_every_metric_bears_our_prefix_and_a_text(metrics, registry):
    families = list(registry.collect())
    assert families
    for family in families:
        assert family.name.startswith("facestreams_")
        assert family.documentation.endswith(".")
    assert generate_latest(registry)


def test_no_label_is_a_person(metrics, registry):
    assert {label for metric in registry._collector_to_names for label in metric._labelnames} == {
        "code",
        "camera",
        "status",
        "searched",
        "stage",
        "since",
        "gallery",
        "topic",
    }
