"""What is counted and measured in a worker. Labels are words of ours, galleries and cameras; never a person's id."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MAX_CAMERA_LABELS: Final = 200
OTHER_CAMERAS: Final = "_other"
"""The label of all cameras that came after the first `max_camera_labels`: camera ids are the sender's."""

STAGE_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""From a match in a small gallery to a large picture on a busy core."""

AGE_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""From a worker that keeps up to the 15 minutes after which the broker deletes a frame."""

HEARTBEAT_BUCKETS_S: Final = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Around the second that lies between two, to longer than a session."""


class Metrics:
    """The metrics of one worker, in the registry that its HTTP port shows. Methods may be called from any thread."""

    def __init__(self, registry: CollectorRegistry, *, max_camera_labels: int = MAX_CAMERA_LABELS) -> None:
        self._max_camera_labels = max_camera_labels
        self._cameras: set[str] = set()
        self._cameras_lock = Lock()
        self._heartbeat_lock = Lock()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"facestreams_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"facestreams_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, label: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"facestreams_{name}", text, (label,), buckets=buckets, registry=registry)

        self._frames = counter("frames_total", "Frames answered, by what became of them.", "code")
        self._camera_frames = counter("camera_frames_total", "Frames answered, by camera.", "camera")
        self._skipped_frames = counter(
            "camera_frames_skipped_total", "Frames that were too old to be recognised, by camera.", "camera"
        )
        self._faces = counter("faces_total", "Faces in recognised frames, by what was stated of them.", "status")
        self._searches = counter("searches_total", "Answers of the gallery, by what had the last word.", "searched")
        self._encodings = counter("encodings_total", "Faces turned into embeddings.")
        self._failures = counter("failures_total", "Requests that failed, frames and commands, by return code.", "code")
        self._record_refusals = counter(
            "record_refusals_total", "Records of our own topics that could not be used, by return code.", "code"
        )
        self._stage = histogram("stage_seconds", "Time that one step took in one frame.", "stage", STAGE_BUCKETS_S)
        self._frame_age = histogram(
            "frame_age_seconds",
            "Age of a frame when the broker had its recognition, by the clock.",
            "since",
            AGE_BUCKETS_S,
        )
        self._gallery_persons = gauge("gallery_persons", "Persons enrolled.", "gallery")
        self._gallery_features = gauge("gallery_features", "Features enrolled.", "gallery")
        self._expired = counter(
            "frames_expired_total", "Records of input topics that the broker removed before they were read.", "topic"
        )
        self._pictures_undeleted = gauge(
            "pictures_undeleted_seconds",
            "How long the oldest processed record of an input topic may still be on the brokers' disks by our doing.",
            "topic",
        )
        self._heartbeat_interval = Histogram(
            "facestreams_heartbeat_interval_seconds",
            "Time between two heartbeats that the group's coordinator answered.",
            buckets=HEARTBEAT_BUCKETS_S,
            registry=registry,
        )
        self._heartbeat_longest = gauge(
            "heartbeat_longest_seconds", "Longest time without an answered heartbeat since it was last asked for."
        )
        self._longest_interval_s = 0.0
        self._view_age = gauge("view_age_seconds", "Time since the gallery last heard of the broker.")
        self._erasures_pending = gauge("erasures_pending", "Deletions that are not complete, of all workers.")
        self._erasure_oldest = gauge(
            "erasure_oldest_seconds", "Time since the oldest deletion that is not complete was asked for; 0: none is."
        )
        self._stuck_threads = gauge("stuck_threads", "Computations that did not end when they were told to.")
        self._in_flight = gauge("in_flight_requests", "Requests being worked on; further ones wait.")

    def frame(self, camera_id: str, code: str) -> None:
        """A frame was answered: recognised, refused or failed."""
        self._frames.labels(code).inc()
        self._camera_frames.labels(self._camera_label(camera_id)).inc()

    def frame_skipped(self, camera_id: str) -> None:
        """A frame was too old to be recognised."""
        self._skipped_frames.labels(self._camera_label(camera_id)).inc()

    def frame_age(self, *, received_s: float, captured_s: float | None) -> None:
        """How old a recognised frame was since the broker took it in, and since its sender says it was filmed.

        The sender's clock may be wrong: an age below zero counts as zero.
        """
        self._frame_age.labels("received").observe(max(0.0, received_s))
        if captured_s is not None:
            self._frame_age.labels("captured").observe(max(0.0, captured_s))

    def face(self, status: str, searched: str | None) -> None:
        """What was stated of one face, and what had the last word; None if the gallery was not asked."""
        self._faces.labels(status).inc()
        if searched is not None:
            self._searches.labels(searched).inc()

    def stage(self, name: str, seconds: float) -> None:
        """How long one step took in one frame."""
        self._stage.labels(name).observe(seconds)

    def encoded(self, faces: int) -> None:
        """So many faces were encoded."""
        self._encodings.inc(faces)

    def failed(self, code: str) -> None:
        """A request, frame or command, goes to the error log under this return code."""
        self._failures.labels(code).inc()

    def expired(self, topic: str, records: int) -> None:
        """So many records of an input topic were removed before they were read. topic: its short name."""
        self._expired.labels(topic).inc(records)

    def undeleted(self, topic: str, seconds: float) -> None:
        """Age of the oldest processed request that is not deleted, or stands in an open segment. topic: short name."""
        self._pictures_undeleted.labels(topic).set(seconds)

    def heartbeat_answered(self, interval_s: float) -> None:
        """The group's coordinator answered a heartbeat, so long after the one before it."""
        self._heartbeat_interval.observe(interval_s)
        with self._heartbeat_lock:
            self._longest_interval_s = max(self._longest_interval_s, interval_s)

    def watch_heartbeats(self, silence_s: Callable[[], float]) -> None:
        """Have the longest silence shown. silence_s: how long the one under way has lasted."""
        self._heartbeat_longest.set_function(lambda: max(self._take_longest_interval_s(), silence_s()))

    def _take_longest_interval_s(self) -> float:
        with self._heartbeat_lock:
            longest, self._longest_interval_s = self._longest_interval_s, 0.0
        return longest

    def record_refused(self, code: str) -> None:
        """A record of one of our own topics could not be used."""
        self._record_refusals.labels(code).inc()

    def gallery(self, name: str, *, persons: int, features: int) -> None:
        """How much one gallery holds now."""
        self._gallery_persons.labels(name).set(persons)
        self._gallery_features.labels(name).set(features)

    def erasures(self, *, pending: int, oldest_s: float) -> None:
        """How many deletions are not complete, and how long ago the oldest of them was asked for."""
        self._erasures_pending.set(pending)
        self._erasure_oldest.set(oldest_s)

    def stuck(self, threads: int) -> None:
        """So many threads are held by computations that cannot be ended."""
        self._stuck_threads.set(threads)

    def state(self, *, view_age_s: float, in_flight: int) -> None:
        """How far behind the gallery may be, and how many requests are being worked on."""
        self._view_age.set(view_age_s)
        self._in_flight.set(in_flight)

    def _camera_label(self, camera_id: str) -> str:
        with self._cameras_lock:
            if camera_id not in self._cameras and len(self._cameras) < self._max_camera_labels:
                self._cameras.add(camera_id)
            return camera_id if camera_id in self._cameras else OTHER_CAMERAS
