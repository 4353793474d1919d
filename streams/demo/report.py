"""The demo's last word: a summary as text and as JSON, and whether it is a success."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.demo.judge import Fault, Judgement
from streams.wire.records import Recognition

HONESTY: Final = (
    "The film is made of the pictures that people were enrolled from: it shows that the whole works,"
    " not how accurate it is."
)
_FAULTS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a frame's publication to its recognition: the median, and what 95 % stay under."""

    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, latencies_ms: Sequence[float]) -> "Latency | None":
        """None if there is no latency."""
        if not latencies_ms:
            return None
        p50_ms, p95_ms = np.percentile(np.asarray(latencies_ms, np.float64), (50, 95))
        return cls(round(float(p50_ms), 1), round(float(p95_ms), 1))


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run of the demo went.

    elapsed_s: from the first frame's publication to the last recognition.
    answers: distinct answers of the gallery by the search they rest on, `exact` or `hnsw`.
    """

    judgement: Judgement
    elapsed_s: float
    latency: Latency | None
    answers: Mapping[str, int]

    @property
    def fps(self) -> float:
        """Frames recognised in a second."""
        return self.judgement.frames_recognised / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def faults(self) -> tuple[str, ...]:
        """What went wrong, each in a line; empty after a success."""
        judged = self.judgement
        lines = []
        if judged.frames_published == 0:
            lines.append("no frame was published")
        if judged.frames_missing:
            lines.append(f"{len(judged.frames_missing)} frames were not recognised: {_some(judged.frames_missing)}")
        for kind, faults in (("wrong names", judged.wrong_names), ("strangers named", judged.strangers_named)):
            if faults:
                lines.append(f"{len(faults)} {kind}: {_some([_words(fault) for fault in faults])}")
        absent = [person.person_id for person in judged.persons if person.expected and not person.found]
        if absent:
            lines.append(f"never found: {', '.join(absent)}")
        return tuple(lines)

    @property
    def exit_code(self) -> int:
        """0 after a success, 1 after any fault."""
        return 1 if self.faults else 0


def count_answers(recognitions: Iterable[Recognition]) -> dict[str, int]:
    """Distinct answers of the gallery by the search they rest on; both keys are always there.

    A followed face repeats its last answer from frame to frame; it is one answer a track and encoding.
    """
    answers = {
        (recognition.camera_id, face.track_id, face.match.encoded_at, face.match.searched)
        for recognition in recognitions
        for face in recognition.faces
    }
    return {search: sum(answer[-1] == search for answer in answers) for search in ("exact", "hnsw")}


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary as plain values, in the keys that build/demo.json is known for."""
    judged, latency = summary.judgement, summary.latency
    expected = [person for person in judged.persons if person.expected]
    return {
        "frames_published": judged.frames_published,
        "frames_recognised": judged.frames_recognised,
        "wrong_names": len(judged.wrong_names),
        "strangers_named": len(judged.strangers_named),
        "persons_expected": len(expected),
        "persons_found": sum(person.found for person in expected),
        "fps": round(summary.fps, 1),
        "latency_ms": {"p50": latency and latency.p50_ms, "p95": latency and latency.p95_ms},
        "elapsed_s": round(summary.elapsed_s, 2),
        "answers": dict(summary.answers),
        "persons": {
            person.person_id: {
                "face_frames": person.face_frames,
                "named": person.named,
                "visits": person.visits,
                "sightings": person.sightings,
            }
            for person in judged.persons
        },
        "face_frames": {"enrolled": dict(judged.enrolled_faces), "strangers": dict(judged.stranger_faces)},
        "faults": list(summary.faults),
        "note": HONESTY,
    }


def write_json(summary: Summary, path: Path) -> None:
    """Write the summary to `path`, whose directory is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(to_json(summary), indent=2) + "\n", encoding="utf-8")


def render(summary: Summary) -> RenderableType:
    """The summary as text and tables for a terminal."""
    judged, latency = summary.judgement, summary.latency
    figures = Table.grid(padding=(0, 2))
    figures.add_row("frames", f"{judged.frames_recognised} of {judged.frames_published} recognised")
    figures.add_row("names", f"{len(judged.wrong_names)} wrong, {len(judged.strangers_named)} strangers named")
    figures.add_row("rate", f"{summary.fps:.1f} frames/s over {summary.elapsed_s:.1f} s")
    figures.add_row("latency", f"p50 {latency.p50_ms:.0f} ms, p95 {latency.p95_ms:.0f} ms" if latency else "none")
    figures.add_row("answers", ", ".join(f"{number} by {search}" for search, number in summary.answers.items()))
    figures.add_row("enrolled", _shares(judged.enrolled_faces))
    figures.add_row("strangers", _shares(judged.stranger_faces))
    verdict = [Text(fault, style="red") for fault in summary.faults] or [
        Text("No frame missing, no wrong name, no stranger named, everybody found.", style="green")
    ]
    return Group(_persons(judged), figures, *verdict, Text(HONESTY, style="italic"))


def _persons(judged: Judgement) -> Table:
    table = Table(
        title="Enrolled people against the film's truth",
        caption="A face that shows only in part may rightly make a sighting more than there are visits.",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("person")
    for heading in ("frames in view", "named", "visits", "sightings"):
        table.add_column(heading, justify="right")
    for person in judged.persons:
        counts = (person.face_frames, person.named, person.visits, person.sightings)
        table.add_row(person.person_id, *(str(count) for count in counts))
    return table


def _shares(face_frames: Mapping[str, int]) -> str:
    total = sum(face_frames.values())
    shares = (f"{number / total:.0%} {status}" for status, number in sorted(face_frames.items()))
    return f"{total} face-frames: " + ", ".join(shares) if total else "no face-frame"


def _words(fault: Fault) -> str:
    return f"{fault.stated} for {fault.truth or 'nobody'} in {fault.where}"


def _some(items: Sequence[str]) -> str:
    more = len(items) - _FAULTS_SHOWN
    return ", ".join(items[:_FAULTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
