"""What the metrics learn of each frame."""

from dataclasses import dataclass

from models.types import FrameResult
from streams.monitor.metrics import Metrics
from streams.wire.codes import Code
from streams.wire.records import Recognition

NO_CAMERA = "_none"


@dataclass(frozen=True, slots=True)
class Observer:
    """Counts frames that were answered."""

    metrics: Metrics

    def recognised(self, record: Recognition, result: FrameResult) -> None:
        """A frame's records are out."""
        self.metrics.frame(record.camera_id, Code.OK)
        captured = record.captured_at_ms
        self.metrics.frame_age(
            received_s=(record.processed_at_ms - record.received_at_ms) / 1000,
            captured_s=None if captured is None else (record.processed_at_ms - captured) / 1000,
        )
        for face in record.faces:
            self.metrics.face(face.match.status, face.match.searched)
        for step, seconds in result.timings_s.items():
            self.metrics.stage(step, seconds)
        self.metrics.encoded(result.encodings)

    def refused(self, camera_id: str | None, code: Code) -> None:
        """A frame left log records instead."""
        self.metrics.frame(camera_id or NO_CAMERA, code)
