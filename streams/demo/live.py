"""What is shown while the demo runs: a table, as a pure function of a state."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from streams.wire.records import Recognition


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera at a moment.

    in_view: names of the last recognised frame from left to right; `unknown` and `...` (pending) among them.
    """

    camera_id: str
    published: int = 0
    recognised: int = 0
    in_view: tuple[str, ...] = ()


def after(state: CameraState, recognition: Recognition) -> CameraState:
    """The camera's state once this recognition has arrived."""
    return CameraState(state.camera_id, state.published, state.recognised + 1, in_view(recognition))


def in_view(recognition: Recognition) -> tuple[str, ...]:
    """Who is in the frame from left to right; faces that were rejected are left out."""
    words = {"unknown": "unknown", "pending": "..."}
    faces = sorted(recognition.faces, key=lambda face: face.box.left)
    return tuple(face.match.person_id or words[face.match.status] for face in faces if face.match.status != "rejected")


def live_table(cameras: Sequence[CameraState], elapsed_s: float) -> Table:
    """The cameras, their frames, and who is before them; the rate is that since the start."""
    recognised = sum(camera.recognised for camera in cameras)
    rate = recognised / elapsed_s if elapsed_s > 0 else 0.0
    table = Table(title=f"{len(cameras)} cameras, {rate:.0f} frames/s", caption=f"{elapsed_s:.0f} s", min_width=72)
    table.add_column("camera")
    table.add_column("published", justify="right")
    table.add_column("recognised", justify="right")
    table.add_column("in view", ratio=1)
    for camera in cameras:
        counts = (str(camera.published), str(camera.recognised))
        table.add_row(camera.camera_id, *counts, ", ".join(camera.in_view) or "nobody")
    return table
