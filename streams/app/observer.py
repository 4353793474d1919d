"""What the metrics learn of each frame."""

from collections.abc import Callable
from dataclasses import dataclass

from models.types import FrameResult
from streams.monitor.metrics import Metrics
from streams.wire.codes import Code
from streams.wire.records import Recognition

NO_CAMERA = "_none"


@dataclass(frozen=True, slots=True)
class Observer:
    """Counts frames that were answered. clock_ms: milliseconds since 1970."""

    metrics: Metrics
    clock_ms: Callable[[], int]

    def recognised(self, record: Recognition, result: FrameResult) -> None:
        """A frame's records are out."""
        self.metrics.frame(record.camera_id, Code.OK)
        now_ms, captured_at_ms = self.clock_ms(), record.captured_at_ms
        self.metrics.frame_age(
            received_s=(now_ms - record.received_at_ms) / 1000,
            captured_s=None if captured_at_ms is None else (now_ms - captured_at_ms) / 1000,
        )
        for face in record.faces:
            self.metrics.face(face.match.status, face.match.searched)
        for step, seconds in result.timings_s.items():
            self.metrics.stage(step, seconds)
        self.metrics.encoded(result.encodings)

    def skipped(self, camera_id: str) -> None:
        """A frame was too old, and left its running-log record."""
        self.metrics.frame(camera_id, Code.TOO_OLD)
        self.metrics.frame_skipped(camera_id)

    def refused(self, camera_id: str | None, code: Code) -> None:
        """A frame left log records instead."""
        self.metrics.failed(code)
        self.metrics.frame(camera_id or NO_CAMERA, code)
